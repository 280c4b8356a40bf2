namespace NativeRlhf.Rewards;

/// <summary>One of several rewards.</summary>
/// <param name="Name">What its metrics are called by.</param>
/// <param name="Weight">What its score is multiplied by.</param>
/// <param name="Reward">The reward.</param>
public sealed record WeightedReward(string Name, double Weight, IReward Reward);

/// <summary>Several rewards as one: Σ weight · score. Reports the mean of each, without its weight, if there are several.</summary>
/// <param name="parts">The rewards; disposed with this.</param>
public sealed class WeightedSum(IReadOnlyList<WeightedReward> parts) : IReward
{
    /// <inheritdoc/>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null)
    {
        double[] sum = new double[requests.Count];
        foreach (var (name, weight, reward) in parts)
        {
            double[] scores = reward.Score(requests, parts.Count == 1 || report is null ? report : (metric, value) => report($"{metric}/{name}", value));
            for (int i = 0; i < sum.Length; i++) sum[i] += weight * scores[i];
            if (parts.Count > 1 && scores.Length > 0) report?.Invoke($"scores/{name}", scores.Average());
        }

        return sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var part in parts) part.Reward.Dispose();
    }
}
