using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Evaluation;

/// <summary>
/// One number of an evaluation and how sure it is. The interval is a percentile bootstrap: items are drawn with replacement
/// <see cref="Resamples"/> times, and it holds the middle 95 % of what the draws give.
/// </summary>
/// <param name="Name">Its name, as in the public harness.</param>
/// <param name="Value">The number.</param>
/// <param name="StandardError">Its standard error; null for fewer than two items.</param>
/// <param name="Low">The lower end of the 95 % interval.</param>
/// <param name="High">The upper end of the 95 % interval.</param>
/// <param name="Count">Over how many items.</param>
public sealed record Measure(string Name, double Value, double? StandardError, double Low, double High, int Count)
{
    /// <summary>How many bootstrap draws there are.</summary>
    public const int Resamples = 1000;

    /// <summary>A mean over items, x̄ = (1/n)·Σ xᵢ with standard error s/√n, s² = Σ (xᵢ − x̄)²/(n − 1).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">One number an item.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <returns>The mean.</returns>
    /// <exception cref="ArgumentException">There is no item.</exception>
    public static Measure Mean(string name, IReadOnlyList<double> values, ulong seed = 42)
    {
        var measure = OfRatio(name, [.. values.Select(value => (value, 1.0))], static mean => mean, seed);
        double error = Math.Sqrt(values.Sum(value => (value - measure.Value) * (value - measure.Value)) / Math.Max(1, values.Count - 1) / values.Count);
        return measure with { StandardError = values.Count > 1 ? error : null };
    }

    /// <summary>
    /// f(Σ sumᵢ / Σ weightᵢ), as a perplexity exp(−Σ log p / Σ words) is. Its standard error is the standard deviation of the
    /// bootstrap draws.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="items">For every item what is summed above and below the line.</param>
    /// <param name="of">f, monotonic.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <returns>The number.</returns>
    /// <exception cref="ArgumentException">There is no item.</exception>
    public static Measure OfRatio(string name, IReadOnlyList<(double Sum, double Weight)> items, Func<double, double> of, ulong seed = 42)
    {
        if (items.Count == 0) throw new ArgumentException($"{name}: there is no item to measure", nameof(items));
        double[] draws = new double[Resamples];
        Parallel.For(0, Resamples, draw =>
        {
            double sum = 0, weight = 0;
            for (int i = 0; i < items.Count; i++)
            {
                var words = Philox.At(seed, RandomPurpose.Data, (uint)draw, (ulong)i);
                // The high word of bits · n: uniform on [0, n) up to a bias below n / 2⁶⁴.
                var item = items[(int)Math.BigMul(((ulong)words.X << 32) | words.Y, (ulong)items.Count, out _)];
                sum += item.Sum;
                weight += item.Weight;
            }

            draws[draw] = of(sum / weight);
        });
        Array.Sort(draws);
        double mean = draws.Average(), deviation = Math.Sqrt(draws.Sum(draw => (draw - mean) * (draw - mean)) / (Resamples - 1));
        return new Measure(name, of(items.Sum(item => item.Sum) / items.Sum(item => item.Weight)), items.Count > 1 ? deviation : null, Quantile(draws, 0.025), Quantile(draws, 0.975), items.Count);
    }

    /// <summary>Its value, standard error, interval and number of items.</summary>
    /// <returns>A new JSON object; a number that is not finite is null.</returns>
    public JsonObject ToJson() => new()
    {
        ["value"] = Finite(Value),
        ["stderr"] = Finite(StandardError),
        ["low"] = Finite(Low),
        ["high"] = Finite(High),
        ["n"] = Count,
    };

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    /// <summary>Linear interpolation between the two nearest order statistics.</summary>
    private static double Quantile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] == sorted[above] ? sorted[below] : sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
