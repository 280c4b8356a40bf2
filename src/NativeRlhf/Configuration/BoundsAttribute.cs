using System.Globalization;

namespace NativeRlhf.Configuration;

/// <summary>The numbers that a configuration key allows; infinite bounds do not bound.</summary>
/// <param name="minimum">The least value, allowed itself unless <see cref="AboveMinimum"/>.</param>
/// <param name="maximum">The greatest value, allowed itself unless <see cref="BelowMaximum"/>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BoundsAttribute(double minimum, double maximum = double.PositiveInfinity) : Attribute
{
    /// <summary>The least value.</summary>
    public double Minimum => minimum;

    /// <summary>The greatest value.</summary>
    public double Maximum => maximum;

    /// <summary>Whether the least value itself is not allowed.</summary>
    public bool AboveMinimum { get; init; }

    /// <summary>Whether the greatest value itself is not allowed.</summary>
    public bool BelowMaximum { get; init; }

    /// <summary>Whether a number is allowed; NaN and infinities are not.</summary>
    /// <param name="value">The number.</param>
    /// <returns>True within the bounds.</returns>
    public bool Allow(double value) =>
        double.IsFinite(value)
        && (AboveMinimum ? value > minimum : value >= minimum)
        && (BelowMaximum ? value < maximum : value <= maximum);

    /// <summary>The bounds in words: <c>≥ 0 and &lt; 1</c>.</summary>
    /// <returns>Text that follows "a number".</returns>
    public override string ToString()
    {
        string low = double.IsInfinity(minimum) ? "" : (AboveMinimum ? "> " : "≥ ") + minimum.ToString(CultureInfo.InvariantCulture);
        string high = double.IsInfinity(maximum) ? "" : (BelowMaximum ? "< " : "≤ ") + maximum.ToString(CultureInfo.InvariantCulture);
        return low.Length > 0 && high.Length > 0 ? $"{low} and {high}" : low + high;
    }
}
