namespace NativeRlhf.Runner.Cli;

/// <summary>A line of small bars that shows how a number went.</summary>
internal static class Sparkline
{
    private const string Blocks = "▁▂▃▄▅▆▇█", Plain = "_.-:=+*#";

    /// <summary>Draws numbers from the smallest, the lowest bar, to the greatest, the highest.</summary>
    /// <param name="values">The numbers, the oldest first; one that is not finite leaves a gap.</param>
    /// <param name="width">The most characters; of more numbers than that, each bar is the mean of some neighbours.</param>
    /// <param name="unicode">Block elements, else ASCII.</param>
    /// <returns>As many characters as there are numbers, but at most <paramref name="width"/>.</returns>
    public static string Draw(IReadOnlyList<double> values, int width, bool unicode = true)
    {
        int count = Math.Min(width, values.Count);
        if (count <= 0) return "";
        double[] means = [.. Enumerable.Range(0, count).Select(i => Mean(values, i * values.Count / count, (i + 1) * values.Count / count))];
        double[] finite = [.. means.Where(double.IsFinite)];
        if (finite.Length == 0) return new string(' ', count);
        double least = finite.Min(), range = finite.Max() - least;
        string bars = unicode ? Blocks : Plain;
        return string.Concat(means.Select(mean => !double.IsFinite(mean) ? ' '
            : range > 0 ? bars[Math.Min(bars.Length - 1, (int)((mean - least) / range * bars.Length))] : bars[bars.Length / 2]));
    }

    private static double Mean(IReadOnlyList<double> values, int from, int to)
    {
        double sum = 0;
        int count = 0;
        for (int i = from; i < to; i++)
        {
            if (!double.IsFinite(values[i])) continue;
            sum += values[i];
            count++;
        }

        return count > 0 ? sum / count : double.NaN;
    }
}
