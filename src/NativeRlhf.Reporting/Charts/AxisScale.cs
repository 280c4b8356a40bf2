using System.Globalization;

namespace NativeRlhf.Reporting.Charts;

/// <summary>
/// The scale of an axis: which values it spans and where its ticks are. Linear ticks are multiples of 1, 2 or 5 times a power of ten
/// (Heckbert, Nice numbers for graph labels, Graphics Gems 1990); logarithmic ones 1, 2 and 5 times powers of ten, or powers alone.
/// </summary>
internal sealed class AxisScale
{
    private const double Smallest = 1e-290;

    private readonly double _step;
    private readonly bool _isPercent;

    private AxisScale(double low, double high, bool isLogarithmic, double step, double[] ticks, bool isPercent)
    {
        (Low, High, IsLogarithmic, _step, Ticks, _isPercent) = (low, high, isLogarithmic, step, ticks, isPercent);
    }

    /// <summary>The value at its beginning.</summary>
    public double Low { get; }

    /// <summary>The value at its end, above <see cref="Low"/>.</summary>
    public double High { get; }

    /// <summary>Whether it is logarithmic.</summary>
    public bool IsLogarithmic { get; }

    /// <summary>Where the ticks are, ascending, from <see cref="Low"/> to <see cref="High"/>.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>A scale for values, of which there may be none.</summary>
    /// <param name="values">What it must span; what is not finite is left out, and on a logarithmic axis what is not positive.</param>
    /// <param name="mostTicks">The most ticks, ≥ 2.</param>
    /// <param name="isLogarithmic">Whether it is to be logarithmic; without any positive value it is linear.</param>
    /// <param name="isPercent">Whether labels are per cent of the values.</param>
    /// <param name="isExact">Whether it ends at the values (an axis of steps) and not at ticks.</param>
    /// <param name="fromZero">Whether zero belongs to it, if it is linear.</param>
    /// <param name="wholeSteps">Whether ticks are at whole numbers.</param>
    public static AxisScale For(
        IEnumerable<double> values, int mostTicks, bool isLogarithmic = false, bool isPercent = false, bool isExact = false, bool fromZero = false, bool wholeSteps = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mostTicks, 2);
        double low = double.PositiveInfinity, high = double.NegativeInfinity, lowPositive = double.PositiveInfinity;
        foreach (double given in values.Where(double.IsFinite))
        {
            // Differences of the largest doubles overflow, and no power of ten lies below the smallest.
            double value = Math.Abs(given) < Smallest ? 0 : Math.Clamp(given, -1 / Smallest, 1 / Smallest);
            (low, high) = (Math.Min(low, value), Math.Max(high, value));
            if (value > 0) lowPositive = Math.Min(lowPositive, value);
        }

        if (isLogarithmic && lowPositive <= high) return Logarithmic(lowPositive, high, mostTicks, isPercent, isExact);
        if (low > high) (low, high) = (0, 1);
        if (fromZero) (low, high) = (Math.Min(low, 0), Math.Max(high, 0));
        if (low == high)
        {
            // A constant: something to see above and below it, zero if that is near.
            double room = low == 0 ? 1 : Math.Abs(low) / 2;
            (low, high) = isPercent && low is >= 0 and <= 1 ? (0, 1) : fromZero ? (Math.Min(low, 0), low == 0 ? 1 : Math.Max(high, 0)) : (low - room, high + room);
        }

        // Digits beyond those of a double are noise, not a range.
        double least = Math.Max(Math.Abs(low), Math.Abs(high)) * 1e-9;
        if (high - low < least) (low, high) = (low - least, high + least);
        return Linear(low, high, mostTicks, isPercent, isExact, wholeSteps);
    }

    /// <summary>Where a value lies, from 0 at the beginning to 1 at the end; values outside are put at the end that is nearer.</summary>
    /// <param name="value">A value.</param>
    public double Position(double value) => Math.Clamp(
        IsLogarithmic
            ? value <= 0 ? 0 : (Math.Log(value) - Math.Log(Low)) / (Math.Log(High) - Math.Log(Low))
            : (value - Low) / (High - Low),
        0, 1);

    /// <summary>What is written at a tick.</summary>
    /// <param name="tick">One of <see cref="Ticks"/>.</param>
    public string Label(double tick)
    {
        double value = _isPercent ? tick * 100 : tick;
        double step = (_step > 0 ? _step : tick) * (_isPercent ? 100 : 1);
        double largest = _step == 0 ? Math.Abs(value) : Math.Max(Math.Abs(Low), Math.Abs(High)) * (_isPercent ? 100 : 1);
        string text = (largest, step) switch
        {
            ( >= 1e15, _) or ( < 1e-3, _) => value == 0 ? "0" : Numbers.Signed(value, "0.####e-0"),
            ( >= 1e9, >= 1e7) => Scaled(1e9, "G"),
            ( >= 1e6, >= 1e4) => Scaled(1e6, "M"),
            ( >= 9999.5, >= 10) => Scaled(1e3, "k"),
            _ => Fixed(value, step),
        };
        return _isPercent ? text + "\u00a0%" : text;

        string Scaled(double size, string suffix) => value == 0 ? "0" : Fixed(value / size, step / size) + "\u2009" + suffix;
    }

    private static string Fixed(double value, double step)
    {
        int decimals = Math.Clamp((int)-Math.Floor(Math.Log10(step) + 1e-9), 0, 12);
        return Numbers.Signed(value, "F" + decimals.ToString(CultureInfo.InvariantCulture));
    }

    private static AxisScale Linear(double low, double high, int mostTicks, bool isPercent, bool isExact, bool wholeSteps)
    {
        // Steps grow until few enough ticks are left.
        double power = Math.Pow(10, Math.Floor(Math.Log10((high - low) / mostTicks)));
        for (; ; power *= 10)
        {
            foreach (int digit in (ReadOnlySpan<int>)[1, 2, 5])
            {
                double step = power * digit;
                if (wholeSteps && step < 1) continue;
                // Rounding must not cost the tick at an end.
                double first = isExact ? Math.Ceiling(low / step - 1e-9) : Math.Floor(low / step + 1e-9);
                double last = isExact ? Math.Floor(high / step + 1e-9) : Math.Ceiling(high / step - 1e-9);
                if (last - first >= mostTicks) continue;
                if (last == first && !isExact) last++;
                if (last < first) (first, last) = (0, -1);
                // Decimal steps are exact when divided by, not when multiplied by.
                double[] ticks = [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => step < 1 ? (first + i) * digit / Math.Round(digit / step) : (first + i) * step)];
                return isExact || ticks.Length == 0
                    ? new AxisScale(low, high, false, step, [.. ticks.Select(tick => Math.Clamp(tick, low, high))], isPercent)
                    : new AxisScale(Math.Min(ticks[0], low), Math.Max(ticks[^1], high), false, step, ticks, isPercent);
            }
        }
    }

    private static AxisScale Logarithmic(double low, double high, int mostTicks, bool isPercent, bool isExact)
    {
        if (low == high) (low, high) = (low / 2, high * 2);
        int first = (int)Math.Floor(Math.Log10(low)) - 1, last = (int)Math.Ceiling(Math.Log10(high)) + 1;
        double[] fine = [.. Decades(1).SelectMany(power => (double[])[power, power * 2, power * 5])];
        for (int stride = 0; ; stride++)
        {
            double[] candidates = stride == 0 ? fine : [.. Decades(stride)];
            double from = candidates.LastOrDefault(tick => tick <= low * (1 + 1e-9), low), to = candidates.FirstOrDefault(tick => tick >= high * (1 - 1e-9), high);
            if (isExact) (from, to) = (low, high);
            double[] ticks = [.. candidates.Where(tick => tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)).Select(tick => Math.Clamp(tick, Math.Min(from, low), Math.Max(to, high)))];
            // Within less than a decade there may be none of these.
            if (ticks.Length < 2 && Linear(low, high, mostTicks, isPercent, isExact: true, wholeSteps: false) is { Ticks.Count: > 1 } linear)
                return new AxisScale(low, high, true, linear._step, [.. linear.Ticks], isPercent);
            if (ticks.Length <= mostTicks)
                return new AxisScale(Math.Min(from, low), Math.Max(to, high), true, 0, ticks, isPercent);
        }

        IEnumerable<double> Decades(int stride) => Enumerable.Range(first, last - first + 1)
            .Where(exponent => (exponent % stride + stride) % stride == 0)
            .Select(exponent => double.Parse(FormattableString.Invariant($"1e{exponent}"), CultureInfo.InvariantCulture));
    }
}
