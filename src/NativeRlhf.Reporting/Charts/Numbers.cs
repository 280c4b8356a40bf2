using System.Globalization;

namespace NativeRlhf.Reporting.Charts;

/// <summary>Numbers as people read them.</summary>
internal static class Numbers
{
    private static readonly (double Size, string Suffix)[] Suffixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

    /// <summary>A value with four significant digits; whole numbers below a million exactly, with a space between thousands.</summary>
    /// <param name="value">A number.</param>
    /// <param name="unit">Its unit, or null; <c>%</c> shows a fraction as per cent.</param>
    public static string Value(double value, string? unit = null)
    {
        if (unit == "%") return FormattableString.Invariant($"{Signed(value * 100, "0.0#")} %");
        return unit is null ? Plain(value) : $"{Plain(value)} {unit}";
    }

    /// <summary>A count with three significant digits and k, M, G or T.</summary>
    /// <param name="count">How many.</param>
    public static string Count(double count)
    {
        foreach (var (size, suffix) in Suffixes)
        {
            // What would be rounded up to 1000 takes the next suffix.
            if (Math.Abs(count) >= size * 0.9995) return Significant(count / size, 3) + "\u00a0" + suffix;
        }

        return Plain(count);
    }

    /// <summary>A duration: <c>3.2 s</c>, <c>1 min 12 s</c>, <c>2 h 05 min</c>.</summary>
    /// <param name="seconds">Seconds, ≥ 0.</param>
    public static string Duration(double seconds)
    {
        if (seconds < 59.95) return FormattableString.Invariant($"{seconds:0.0}\u00a0s");
        long whole = (long)Math.Round(seconds);
        return whole < 3600
            ? FormattableString.Invariant($"{whole / 60}\u00a0min {whole % 60:00}\u00a0s")
            : FormattableString.Invariant($"{whole / 3600}\u00a0h {whole / 60 % 60:00}\u00a0min");
    }

    /// <summary>A coordinate as SVG reads it, with two decimals at most.</summary>
    public static string Coordinate(double value) => Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture) is "-0" ? "0" : Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    private static string Plain(double value)
    {
        if (!double.IsFinite(value)) return value.ToString(CultureInfo.InvariantCulture);
        if (value == Math.Floor(value) && Math.Abs(value) < 1e6) return Grouped(value);
        double size = Math.Abs(value);
        if (size >= 1e6) return Count(value);
        return size < 1e-3 ? Signed(value, "0.###e-0") : Significant(value, 4);
    }

    private static string Grouped(double value) => Signed(value, "#,0").Replace(",", "\u2009", StringComparison.Ordinal);

    private static string Significant(double value, int digits)
    {
        double size = Math.Abs(value);
        int before = size < 1e-12 ? 1 : (int)Math.Floor(Math.Log10(size)) + 1;
        return Signed(value, "0." + new string('#', Math.Max(0, digits - before)));
    }

    /// <summary>With a true minus sign; zero has none.</summary>
    internal static string Signed(double value, string format)
    {
        string text = value.ToString(format, CultureInfo.InvariantCulture);
        if (text[0] != '-') return text;
        return text.AsSpan(1).ContainsAnyExcept('0', '.') ? "−" + text[1..] : text[1..];
    }
}
