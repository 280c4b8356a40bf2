namespace NativeRlhf.Reference;

/// <summary>
/// The loss of a reward model on ranked answers (Ouyang et al. 2022, equation 1). The Bradley–Terry model says that the
/// winner is preferred with probability σ(d), d = scores[winner] − scores[loser]; the loss of a pair is
/// −log σ(d) = log(1 + e⁻ᵈ).
/// </summary>
public static class RankingLoss
{
    /// <summary>
    /// L = Σ weights·log(1 + e⁻ᵈ); dL/dd = −weights·σ(−d), which goes to the winner as it is and to the loser with the
    /// opposite sign.
    /// </summary>
    /// <param name="statistics">statistics (4) =: L; pairs told apart rightly (a half for equal scores); Σ d; pairs</param>
    /// <param name="dScores">dScores (M) =</param>
    /// <param name="scores">scores (M)</param>
    /// <param name="winners">winners (P)</param>
    /// <param name="losers">losers (P)</param>
    /// <param name="weights">weights (P)</param>
    public static void Forward(double[] statistics, double[] dScores, double[] scores, int[] winners, int[] losers, double[] weights)
    {
        Array.Clear(statistics);
        Array.Clear(dScores);
        for (int p = 0; p < weights.Length; p++)
        {
            double d = scores[winners[p]] - scores[losers[p]];

            // log(1 + e⁻ᵈ) and σ(−d) from e^−|d|, which cannot overflow.
            double e = Math.Exp(-Math.Abs(d));
            double softplus = Math.Max(-d, 0) + Math.Log(1 + e);
            double sigmoid = d > 0 ? e / (1 + e) : 1 / (1 + e);

            statistics[0] += weights[p] * softplus;
            statistics[1] += d > 0 ? 1 : d == 0 ? 0.5 : 0;
            statistics[2] += d;
            statistics[3] += 1;
            dScores[winners[p]] -= weights[p] * sigmoid;
            dScores[losers[p]] += weights[p] * sigmoid;
        }
    }
}
