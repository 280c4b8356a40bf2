namespace NativeRlhf.Reporting.Charts;

/// <summary>How a figure is drawn.</summary>
/// <param name="Width">In CSS pixels at its natural size.</param>
/// <param name="Height">Likewise; horizontal bars take what they need.</param>
/// <param name="IndexOf">Which style a series has, by its name.</param>
internal sealed record ChartOptions(int Width, int Height, Func<string, int> IndexOf)
{
    /// <summary>The weight of the moving average that is drawn over long lines without intervals; 0 for none.</summary>
    public double Smoothing { get; init; }

    /// <summary>Whether the numbers go along for a script that shows them.</summary>
    public bool HasData { get; init; } = true;

    /// <summary>The most points of a line that are drawn.</summary>
    public int MostPoints { get; init; } = 300;
}
