namespace NativeRlhf.Rl;

/// <summary>
/// Where a reward model's scale starts: score = <paramref name="Scale"/> · raw + <paramref name="Bias"/>. The pairwise loss knows
/// differences only, so that the mean of the raw scores is arbitrary.
/// </summary>
/// <param name="Scale">The gain, <c>reward_scale</c> in a model's configuration.</param>
/// <param name="Bias">The offset, <c>reward_bias</c>.</param>
public readonly record struct ScoreNormalization(double Scale, double Bias)
{
    /// <summary>Reference answers score 0 on average (Ouyang et al. 2022, section 3.5).</summary>
    /// <param name="raw">The raw scores of reference answers, (n), n ≥ 1.</param>
    /// <returns>Scale 1 and bias −mean.</returns>
    /// <exception cref="ArgumentException">There are no scores.</exception>
    public static ScoreNormalization ToZeroMean(ReadOnlySpan<float> raw)
    {
        if (raw.IsEmpty)
            throw new ArgumentException("at least one score is needed", nameof(raw));
        return new ScoreNormalization(1, -Whitening.MeanAndVariance(raw).Mean);
    }

    /// <summary>Reference answers have mean 0 and standard deviation 1 (Ziegler et al. 2019, section 2.1).</summary>
    /// <param name="raw">The raw scores of reference answers, (n), not all equal.</param>
    /// <returns>Scale 1/σ and bias −mean/σ with the population's σ.</returns>
    /// <exception cref="ArgumentException">The scores do not vary.</exception>
    public static ScoreNormalization ToUnitVariance(ReadOnlySpan<float> raw)
    {
        (double mean, double variance) = Whitening.MeanAndVariance(raw);
        if (!(variance > 0))
            throw new ArgumentException("the scores do not vary, so that no gain gives them standard deviation 1", nameof(raw));
        double scale = 1 / Math.Sqrt(variance);
        return new ScoreNormalization(scale, -mean * scale);
    }
}
