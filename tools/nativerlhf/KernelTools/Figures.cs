using System.Globalization;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    /// <summary>A time.</summary>
    public static string Time(double seconds) => seconds switch
    {
        >= 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} s"),
        >= 1e-3 => string.Create(CultureInfo.InvariantCulture, $"{1e3 * seconds:F3} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{1e6 * seconds:F2} µs"),
    };

    /// <summary>Operations a second where there are any, otherwise bytes.</summary>
    public static string Rate(double flops, double bytes, double seconds) => flops > 0 ? Flops(flops / seconds) : Bytes(bytes / seconds);

    /// <summary>Operations a second.</summary>
    public static string Flops(double perSecond) => perSecond >= 1e12
        ? string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1e12:F1} TFLOP/s")
        : string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1e9:F1} GFLOP/s");

    /// <summary>Bytes a second.</summary>
    public static string Bytes(double perSecond) => string.Create(CultureInfo.InvariantCulture, $"{perSecond / 1e9:F1} GB/s");

    /// <summary>A share.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %");
}
