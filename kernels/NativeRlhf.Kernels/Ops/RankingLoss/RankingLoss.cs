using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The pairwise ranking loss of a reward model (Ouyang et al. 2022, equation 1):
/// L = Σ_p weights[p]·softplus(−(scores[winners[p]] − scores[losers[p]])), softplus(−d) = −log σ(d).
/// With weight 1/(pairs of the prompt · prompts) it is the mean over prompts of the mean over their pairs.
/// </summary>
public abstract class RankingLoss
{
    /// <summary>The length of the statistics vector.</summary>
    public const int StatisticsLength = 4;

    /// <summary>The loss, its gradient, and how well pairs are told apart.</summary>
    /// <param name="statistics">
    /// statistics (4) =: L; the number of pairs with scores[winner] &gt; scores[loser] (a half for equal scores); the sum of
    /// scores[winner] − scores[loser]; the number of pairs
    /// </param>
    /// <param name="dScores">dScores (M) =: dL/dscores</param>
    /// <param name="scores">scores (M)</param>
    /// <param name="winners">winners (P), each in [0, M)</param>
    /// <param name="losers">losers (P), each in [0, M)</param>
    /// <param name="weights">weights (P)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights)
    {
        int pairs = (int)weights.Length;
        Guard.Vector(nameof(RankingLoss), statistics, StatisticsLength);
        Guard.Vector(nameof(RankingLoss), dScores, (int)scores.Length);
        Guard.Length(nameof(RankingLoss), winners, pairs);
        Guard.Length(nameof(RankingLoss), losers, pairs);
        ForwardCore(statistics, dScores, scores, winners, losers, weights);
        Watch.Output(nameof(RankingLoss), dScores);
        Watch.Output(nameof(RankingLoss), statistics);
    }

    private protected abstract void ForwardCore(Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights);
}
