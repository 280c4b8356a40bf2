namespace NativeRlhf.Rewards;

/// <summary>Several rewards as one: Σ weight · score.</summary>
/// <param name="parts">The rewards and their weights; disposed with this.</param>
public sealed class WeightedSum(IReadOnlyList<(double Weight, IReward Reward)> parts) : IReward
{
    /// <inheritdoc/>
    public double[] Score(IReadOnlyList<RewardRequest> requests)
    {
        double[] sum = new double[requests.Count];
        foreach (var (weight, reward) in parts)
        {
            double[] scores = reward.Score(requests);
            for (int i = 0; i < sum.Length; i++) sum[i] += weight * scores[i];
        }

        return sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, reward) in parts) reward.Dispose();
    }
}
