namespace NativeRlhf.Reference;

/// <summary>
/// The clipped losses of proximal policy optimisation (Schulman et al. 2017). The policy is pushed along the advantage
/// until the probability of a token has changed by more than the clip range in the favoured direction; then the clipped
/// term, a constant, is the larger one and the gradient vanishes. The value function is treated likewise.
/// </summary>
public static class PpoLoss
{
    /// <summary>
    /// L = scale·Σ max(−A·ratio, −A·clip(ratio, 1 − clipRange, 1 + clipRange)) with ratio = exp(logprob − oldLogprob).
    /// d ratio/d logprob = ratio, hence dL/dlogprob = −scale·A·ratio where the first term counts, else 0.
    /// </summary>
    /// <param name="statistics">statistics (5) +=: L/scale; tokens clipped; Σ ½(logprob − oldLogprob)²; Σ ratio; max |ratio − 1|</param>
    /// <param name="dLogprobs">dLogprobs (N) =</param>
    /// <param name="logprobs">logprobs (N)</param>
    /// <param name="oldLogprobs">oldLogprobs (N)</param>
    /// <param name="advantages">A (N)</param>
    /// <param name="clipRange">The clip range.</param>
    /// <param name="scale">The factor that turns the sum into the mean.</param>
    public static void Policy(
        double[] statistics, double[] dLogprobs, double[] logprobs, double[] oldLogprobs, double[] advantages, double clipRange, double scale)
    {
        for (int n = 0; n < logprobs.Length; n++)
        {
            double ratio = Math.Exp(logprobs[n] - oldLogprobs[n]);
            double free = -advantages[n] * ratio;
            double clipped = -advantages[n] * Math.Clamp(ratio, 1 - clipRange, 1 + clipRange);

            dLogprobs[n] = free >= clipped ? scale * free : 0;
            statistics[0] += Math.Max(free, clipped);
            statistics[1] += clipped > free ? 1 : 0;
            statistics[2] += 0.5 * Math.Pow(logprobs[n] - oldLogprobs[n], 2);
            statistics[3] += ratio;
            statistics[4] = Math.Max(statistics[4], Math.Abs(ratio - 1));
        }
    }

    /// <summary>
    /// L = scale·½ Σ max((v − R)², (v′ − R)²) with v′ = clip(v, vOld − clipRange, vOld + clipRange). dL/dv = scale·(v − R)
    /// where the first term counts; where the second is larger v lies outside the range, v′ is constant and dL/dv = 0.
    /// </summary>
    /// <param name="statistics">statistics (3) +=: L/scale; tokens clipped; Σ v</param>
    /// <param name="dValues">dValues (N) =</param>
    /// <param name="values">v (N)</param>
    /// <param name="oldValues">vOld (N)</param>
    /// <param name="returns">R (N)</param>
    /// <param name="clipRange">The clip range.</param>
    /// <param name="scale">The coefficient of the loss times the factor that turns the sum into the mean.</param>
    public static void Value(
        double[] statistics, double[] dValues, double[] values, double[] oldValues, double[] returns, double clipRange, double scale)
    {
        for (int n = 0; n < values.Length; n++)
        {
            double clippedValue = Math.Clamp(values[n], oldValues[n] - clipRange, oldValues[n] + clipRange);
            double free = Math.Pow(values[n] - returns[n], 2);
            double clipped = Math.Pow(clippedValue - returns[n], 2);

            dValues[n] = free >= clipped ? scale * (values[n] - returns[n]) : 0;
            statistics[0] += 0.5 * Math.Max(free, clipped);
            statistics[1] += clipped > free ? 1 : 0;
            statistics[2] += values[n];
        }
    }

    /// <summary>
    /// L = Σ w·(exp(−d) − 1 + d) with d = logprob − refLogprob; d/dlogprob of exp(−d) is −exp(−d), hence dL/dlogprob =
    /// w·(1 − exp(−d)).
    /// </summary>
    /// <param name="statistics">statistics (1) +=: L</param>
    /// <param name="dLogprobs">dLogprobs (N) +=</param>
    /// <param name="logprobs">logprobs (N)</param>
    /// <param name="refLogprobs">refLogprobs (N)</param>
    /// <param name="weights">w (N)</param>
    public static void Kl(double[] statistics, double[] dLogprobs, double[] logprobs, double[] refLogprobs, double[] weights)
    {
        for (int n = 0; n < logprobs.Length; n++)
        {
            double d = logprobs[n] - refLogprobs[n];
            dLogprobs[n] += weights[n] * (1 - Math.Exp(-d));
            statistics[0] += weights[n] * (Math.Exp(-d) - 1 + d);
        }
    }
}
