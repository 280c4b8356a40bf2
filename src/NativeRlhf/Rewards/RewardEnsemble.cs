namespace NativeRlhf.Rewards;

/// <summary>
/// Several rewards of the same thing as one, reward models of different seeds for one. Reports <c>score_std</c>: the standard
/// deviation over members, mean over answers. Where it rises during training, the policy has left what the members learned from.
/// </summary>
/// <param name="members">The members, at least one; disposed with this.</param>
/// <param name="rule">How their scores become one.</param>
public sealed class RewardEnsemble(IReadOnlyList<IReward> members, EnsembleScore rule) : IReward
{
    /// <inheritdoc/>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null)
    {
        double[][] byMember = [.. members.Select(member => member.Score(requests))];
        double[] scores = new double[requests.Count], ofAnswer = new double[members.Count];
        double deviations = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            for (int m = 0; m < ofAnswer.Length; m++) ofAnswer[m] = byMember[m][i];
            (scores[i], double deviation) = rule.Of(ofAnswer);
            deviations += deviation;
        }

        if (scores.Length > 0) report?.Invoke("score_std", deviations / scores.Length);
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var member in members) member.Dispose();
    }
}
