namespace NativeRlhf.Rl;

/// <summary>
/// Whitening as the reference implementations of RLHF do it (openai/lm-human-preferences, <c>utils.whiten</c>): with the
/// population variance, and 1e-8 under the root. Batches are packed, so that all values given count and no mask is needed.
/// </summary>
public static class Whitening
{
    private const double Epsilon = 1e-8;

    /// <summary>Scales values to variance 1 and shifts them to mean 0, or leaves their mean where it is, in place.</summary>
    /// <param name="values">
    /// x, (n), overwritten with (x − mean) · 1/√(var + 1e-8), plus the mean if it is kept. Nothing happens to an empty span.
    /// </param>
    /// <param name="keepMean">False for advantages, true for rewards, whose mean says what is worth reaching.</param>
    public static void Whiten(Span<float> values, bool keepMean)
    {
        (double mean, double variance) = MeanAndVariance(values);
        double scale = 1 / Math.Sqrt(variance + Epsilon);
        double shift = keepMean ? mean : 0;
        foreach (ref float value in values)
            value = (float)((value - mean) * scale + shift);
    }

    /// <summary>Mean and population variance, (1/n) Σ (x − mean)², in two passes in double, in the order of the values.</summary>
    /// <param name="values">x, (n).</param>
    /// <returns>The two moments; both 0 for an empty span.</returns>
    public static (double Mean, double Variance) MeanAndVariance(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
            return (0, 0);
        double sum = 0;
        foreach (float value in values)
            sum += value;
        double mean = sum / values.Length;
        double squares = 0;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return (mean, squares / values.Length);
    }
}
