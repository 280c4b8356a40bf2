using System.Globalization;

namespace NativeRlhf.Rewards;

/// <summary>
/// How the scores that the members of an ensemble give to one answer become one score. The standard deviation is that of the
/// members, (1/n) Σ (score − mean)² under the root.
/// </summary>
public sealed class EnsembleScore
{
    private readonly bool _isMinimum;
    private readonly double _deviations;

    private EnsembleScore(bool isMinimum, double deviations) => (_isMinimum, _deviations) = (isMinimum, deviations);

    /// <summary>The mean.</summary>
    public static EnsembleScore Mean { get; } = new(false, 0);

    /// <summary>The least score: what the most doubtful member thinks (worst-case optimisation, Coste et al. 2023).</summary>
    public static EnsembleScore Minimum { get; } = new(true, 0);

    /// <summary>The lower confidence bound, mean − k · standard deviation: disagreement costs.</summary>
    /// <param name="k">How many standard deviations, finite and ≥ 0.</param>
    /// <returns>The rule.</returns>
    public static EnsembleScore LowerConfidenceBound(double k)
    {
        if (!(k >= 0 && double.IsFinite(k))) throw new ArgumentOutOfRangeException(nameof(k), k, "a number ≥ 0 is expected");
        return new EnsembleScore(false, k);
    }

    /// <summary>Reads <c>mean</c>, <c>min</c> or <c>lcb(K)</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The rule, or null if it is none of them.</returns>
    public static EnsembleScore? TryParse(string text) => text switch
    {
        "mean" => Mean,
        "min" => Minimum,
        ['l', 'c', 'b', '(', .. var number, ')']
            when double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double k) && k >= 0 && double.IsFinite(k) => LowerConfidenceBound(k),
        _ => null,
    };

    /// <summary>The score of an answer, and how far the members disagree on it.</summary>
    /// <param name="scores">What the members give it, at least one.</param>
    /// <returns>The score and the standard deviation.</returns>
    public (double Score, double Deviation) Of(ReadOnlySpan<double> scores)
    {
        double mean = 0, squares = 0, least = double.PositiveInfinity;
        foreach (double score in scores)
        {
            mean += score / scores.Length;
            least = Math.Min(least, score);
        }

        foreach (double score in scores) squares += (score - mean) * (score - mean) / scores.Length;
        double deviation = Math.Sqrt(squares);
        return (_isMinimum ? least : mean - (_deviations * deviation), deviation);
    }
}
