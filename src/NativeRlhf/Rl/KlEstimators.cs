namespace NativeRlhf.Rl;

/// <summary>
/// Estimates of KL(π ‖ π_ref) from tokens that were sampled from π, after Schulman, "Approximating KL divergence" (2020).
/// With d = log π(token) − log π_ref(token):
/// <code>
/// k1 = d                    unbiased, may be negative
/// k2 = d² / 2               biased, never negative
/// k3 = exp(−d) − 1 + d      unbiased, never negative
/// </code>
/// </summary>
public static class KlEstimators
{
    /// <summary>The plain log ratio d of one token.</summary>
    /// <param name="logprob">log π of the token, natural log.</param>
    /// <param name="refLogprob">log π_ref of the same token.</param>
    /// <returns>d.</returns>
    public static double K1(double logprob, double refLogprob) => logprob - refLogprob;

    /// <summary>d²/2 of one token.</summary>
    /// <param name="logprob">log π of the token, natural log.</param>
    /// <param name="refLogprob">log π_ref of the same token.</param>
    /// <returns>A number ≥ 0.</returns>
    public static double K2(double logprob, double refLogprob) => 0.5 * (logprob - refLogprob) * (logprob - refLogprob);

    /// <summary>exp(−d) − 1 + d of one token.</summary>
    /// <param name="logprob">log π of the token, natural log.</param>
    /// <param name="refLogprob">log π_ref of the same token.</param>
    /// <returns>A number ≥ 0.</returns>
    public static double K3(double logprob, double refLogprob)
    {
        double d = logprob - refLogprob;
        return Math.Exp(-d) - 1 + d;
    }

    /// <summary>The sum of k1 over the tokens of an answer: <c>objective/kl</c> is its mean over answers.</summary>
    /// <param name="logprobs">log π, (T).</param>
    /// <param name="refLogprobs">log π_ref, (T).</param>
    /// <returns>Nats per answer; 0 for no tokens.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double SumK1(ReadOnlySpan<float> logprobs, ReadOnlySpan<float> refLogprobs) => Sum(logprobs, refLogprobs, K1);

    /// <summary>The sum of k2 over the tokens of an answer.</summary>
    /// <param name="logprobs">log π, (T).</param>
    /// <param name="refLogprobs">log π_ref, (T).</param>
    /// <returns>Nats per answer; 0 for no tokens.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double SumK2(ReadOnlySpan<float> logprobs, ReadOnlySpan<float> refLogprobs) => Sum(logprobs, refLogprobs, K2);

    /// <summary>The sum of k3 over the tokens of an answer.</summary>
    /// <param name="logprobs">log π, (T).</param>
    /// <param name="refLogprobs">log π_ref, (T).</param>
    /// <returns>Nats per answer; 0 for no tokens.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double SumK3(ReadOnlySpan<float> logprobs, ReadOnlySpan<float> refLogprobs) => Sum(logprobs, refLogprobs, K3);

    private static double Sum(ReadOnlySpan<float> logprobs, ReadOnlySpan<float> refLogprobs, Func<double, double, double> estimator)
    {
        if (logprobs.Length != refLogprobs.Length)
            throw new ArgumentException($"refLogprobs has {refLogprobs.Length} tokens and logprobs {logprobs.Length}", nameof(refLogprobs));
        double sum = 0;
        for (int t = 0; t < logprobs.Length; t++)
            sum += estimator(logprobs[t], refLogprobs[t]);
        return sum;
    }
}
