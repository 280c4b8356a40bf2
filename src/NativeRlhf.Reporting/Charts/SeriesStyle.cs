namespace NativeRlhf.Reporting.Charts;

/// <summary>How series are told apart: by colour, dash and marker, so that none of them is needed alone.</summary>
internal static class SeriesStyle
{
    /// <summary>How many colours there are: the style sheet's <c>--s0</c> and on.</summary>
    public const int Colors = 8;

    /// <summary>
    /// The colours on white, each with a contrast of at least 3 to 1 to it; hues and lightnesses that readers with deuteranopia,
    /// protanopia and tritanopia tell apart (after Okabe and Ito, Color Universal Design, 2008, darkened where white asks for it).
    /// </summary>
    public static readonly string[] Light = ["#0b6bb3", "#c8500a", "#12876a", "#8e4ba8", "#a67c00", "#3d4650", "#1a94b8", "#b8325e"];

    /// <summary>The same on a dark ground.</summary>
    public static readonly string[] Dark = ["#62aef0", "#ff9252", "#3fcaa0", "#cb9be4", "#e3bb45", "#c3cbd4", "#62d2ee", "#f27d9e"];

    private static readonly string?[] Dashes = [null, "6 3", "2 2.5", "9 3 2 3", "12 4", "4 2 1 2", "1 3", "9 2 2 2 2 2"];

    /// <summary>The number of a series' colour.</summary>
    /// <param name="index">Which series.</param>
    public static int Color(int index) => index % Colors;

    /// <summary>Its dashes as <c>stroke-dasharray</c> has them, or null for a solid line.</summary>
    /// <param name="index">Which series.</param>
    // Series of the same colour differ in their dashes.
    public static string? Dash(int index) => Dashes[(index + index / Colors) % Dashes.Length];

    /// <summary>Its marker, as an SVG path.</summary>
    /// <param name="index">Which series.</param>
    /// <param name="x">Its middle.</param>
    /// <param name="y">Its middle.</param>
    /// <param name="r">Half its size.</param>
    public static string Marker(int index, double x, double y, double r)
    {
        string N(double value) => Numbers.Coordinate(value);
        return ((index + index / Colors) % 8) switch
        {
            0 => $"M{N(x - r)} {N(y)}a{N(r)} {N(r)} 0 1 0 {N(2 * r)} 0a{N(r)} {N(r)} 0 1 0 {N(-2 * r)} 0z",
            1 => $"M{N(x - r)} {N(y - r)}h{N(2 * r)}v{N(2 * r)}h{N(-2 * r)}z",
            2 => $"M{N(x)} {N(y - 1.2 * r)}l{N(1.15 * r)} {N(2.1 * r)}h{N(-2.3 * r)}z",
            3 => $"M{N(x)} {N(y - 1.35 * r)}l{N(1.35 * r)} {N(1.35 * r)}l{N(-1.35 * r)} {N(1.35 * r)}l{N(-1.35 * r)} {N(-1.35 * r)}z",
            4 => $"M{N(x)} {N(y + 1.2 * r)}l{N(1.15 * r)} {N(-2.1 * r)}h{N(-2.3 * r)}z",
            5 => $"M{N(x - 0.4 * r)} {N(y - 1.2 * r)}h{N(0.8 * r)}v{N(0.8 * r)}h{N(0.8 * r)}v{N(0.8 * r)}h{N(-0.8 * r)}v{N(0.8 * r)}h{N(-0.8 * r)}v{N(-0.8 * r)}h{N(-0.8 * r)}v{N(-0.8 * r)}h{N(0.8 * r)}z",
            6 => $"M{N(x - 1.3 * r)} {N(y - 0.6 * r)}h{N(2.6 * r)}v{N(1.2 * r)}h{N(-2.6 * r)}z",
            _ => $"M{N(x - 0.6 * r)} {N(y - 1.3 * r)}h{N(1.2 * r)}v{N(2.6 * r)}h{N(-1.2 * r)}z",
        };
    }
}
