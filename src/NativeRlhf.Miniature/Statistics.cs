namespace NativeRlhf.Miniature;

/// <summary>A mean with its confidence interval.</summary>
/// <param name="Mean">The mean of the sample.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Mean, double Low, double High)
{
    /// <summary>Whether two intervals have no number in common.</summary>
    /// <param name="other">The other interval.</param>
    /// <returns>True when one lies wholly above the other.</returns>
    public bool IsDisjointFrom(Interval other) => High < other.Low || other.High < Low;
}

/// <summary>Means and win rates over prompts.</summary>
public static class Statistics
{
    /// <summary>
    /// The mean with a percentile bootstrap interval: prompts are drawn with replacement, and the interval holds the
    /// middle share of the resampled means.
    /// </summary>
    /// <param name="perPrompt">One number per prompt, so that several answers to one prompt count as one draw.</param>
    /// <param name="seed">Seed of the resampling.</param>
    /// <param name="resamples">How many resampled means.</param>
    /// <param name="level">The share that the interval holds.</param>
    /// <returns>Mean and interval.</returns>
    /// <exception cref="ArgumentException">There are no prompts, or an option is out of its range.</exception>
    public static Interval Bootstrap(IReadOnlyList<double> perPrompt, long seed = 42, int resamples = 1000, double level = 0.95)
    {
        if (perPrompt.Count == 0)
        {
            throw new ArgumentException("A mean needs at least one prompt.", nameof(perPrompt));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 2);
        if (!(level > 0 && level < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(level), level, "The level of an interval lies between 0 and 1.");
        }

        double[] means = new double[resamples];
        for (int i = 0; i < resamples; i++)
        {
            var random = new WorldRandom(seed, "bootstrap", i);
            double sum = 0;
            for (int draw = 0; draw < perPrompt.Count; draw++)
            {
                sum += random.Pick(perPrompt);
            }

            means[i] = sum / perPrompt.Count;
        }

        Array.Sort(means);
        return new Interval(perPrompt.Sum() / perPrompt.Count, Quantile(means, (1 - level) / 2), Quantile(means, (1 + level) / 2));
    }

    /// <summary>How often the first of two wins, prompt by prompt, a tie counting half.</summary>
    /// <param name="ours">Quality of our answers, one per prompt.</param>
    /// <param name="theirs">Quality of the others' answers to the same prompts.</param>
    /// <returns>1, ½ or 0 per prompt; give it to <see cref="Bootstrap"/>.</returns>
    /// <exception cref="ArgumentException">The two differ in length.</exception>
    public static IReadOnlyList<double> Wins(IReadOnlyList<double> ours, IReadOnlyList<double> theirs) => ours.Count == theirs.Count
        ? [.. ours.Zip(theirs, (a, b) => a > b ? 1.0 : a < b ? 0.0 : 0.5)]
        : throw new ArgumentException($"Wins are counted prompt by prompt, but here are {ours.Count} and {theirs.Count} answers.", nameof(theirs));

    /// <summary>Linear interpolation between the two nearest order statistics.</summary>
    private static double Quantile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
