using System.Diagnostics;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>Times of the same work done by two parties in turn.</summary>
/// <param name="Ours">Our median, in seconds.</param>
/// <param name="Theirs">Their median, in seconds.</param>
/// <param name="Ratio">The median of theirs / ours, run by run: above 1 we are faster.</param>
/// <param name="BestRatio">Theirs / ours of the fastest run of each, which a busy machine disturbs least.</param>
/// <param name="Possible">The median of what the machine could have done in our time, by a limit measured right before and after each of our runs, whichever is more.</param>
internal readonly record struct Paired(double Ours, double Theirs, double Ratio, double BestRatio, double Possible);

/// <summary>Timing on a machine that is not quiet: alternating runs and medians.</summary>
internal static class Stopwatches
{
    /// <summary>Seconds of one call, from as many calls as take at least <paramref name="least"/> seconds, after as long untimed, in which threads wake.</summary>
    public static double Time(Action work, double least = 0.02)
    {
        // As many calls as fit into the time, so that a pause in a few of them is not taken for their time.
        int calls = 0;
        for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin).TotalSeconds < least; calls++) work();
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < calls; i++) work();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (seconds >= least) return seconds / calls;
            calls = seconds < least / 16 ? calls * 8 : (int)(calls * 1.2 * least / seconds) + 1;
        }
    }

    /// <summary>Two parties, run in turn.</summary>
    /// <param name="rounds">How often.</param>
    /// <param name="ours">Measures us, in seconds.</param>
    /// <param name="theirs">Measures them.</param>
    /// <param name="limit">Measures what the machine can do at this moment, in any unit a second; or none.</param>
    public static Paired Alternate(int rounds, Func<double> ours, Func<double> theirs, Func<double>? limit = null)
    {
        double[] first = new double[rounds], second = new double[rounds], ratios = new double[rounds], possible = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            // Who begins changes, and everybody begins rested.
            if (i % 2 == 1) Theirs(i);
            double before = limit?.Invoke() ?? double.NaN;
            Rest();
            first[i] = ours();
            possible[i] = first[i] * Math.Max(before, limit?.Invoke() ?? double.NaN);
            Rest();
            if (i % 2 == 0) Theirs(i);
            ratios[i] = second[i] / first[i];
        }

        return new Paired(Median(first), Median(second), Median(ratios), second.Min() / first.Min(), Median(possible));

        void Theirs(int i)
        {
            second[i] = theirs();
            Rest();
        }
    }

    /// <summary>OpenBLAS's threads spin for 2²⁶ cycles after a call: nobody is measured against the other's waiting threads, or on cores that are hot.</summary>
    public static void Rest() => Thread.Sleep(80);

    /// <summary>The median.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
