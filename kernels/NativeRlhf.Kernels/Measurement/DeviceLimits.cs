using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Measurement;

/// <summary>The limits of a device, measured: what every op's time is held against.</summary>
/// <param name="PeakFlops">Multiply-adds of float32, two operations each, a second: at the widest vectors of a CPU, in the registers of a GPU.</param>
/// <param name="ReadBandwidth">Bytes a second that sums over an array beyond the caches read.</param>
/// <param name="CopyBandwidth">Bytes a second, read and written together, of a copy beyond the caches.</param>
/// <param name="EmptyLaunch">Seconds of a launch of a kernel that does nothing, one of many that follow each other; a CPU simulates it.</param>
public sealed record DeviceLimits(double PeakFlops, double ReadBandwidth, double CopyBandwidth, double EmptyLaunch)
{
    /// <summary>Measures a device, in about a second.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The best of several runs of each: a limit is what the device can do.</returns>
    public static DeviceLimits Measure(ComputeDevice device) => device.IsHostMemory ? MeasureHost(device) : new LimitKernels(device).Measure();

    /// <summary>The least time that some work can take.</summary>
    /// <param name="flops">Floating-point operations of products.</param>
    /// <param name="bytes">Bytes read and written.</param>
    /// <param name="isRead">Whether nearly all of the bytes are read.</param>
    /// <returns>Seconds: the roofline (Williams et al. 2009).</returns>
    public double LeastSeconds(double flops, double bytes, bool isRead = false) => Math.Max(flops / PeakFlops, bytes / (isRead ? ReadBandwidth : CopyBandwidth));

    private static DeviceLimits MeasureHost(ComputeDevice device)
    {
        double peak = 0, read = 0, copy = 0;
        using var limits = new HostLimits(device.Team.Threads);
        // The best of several: a limit is what the machine can do.
        for (int round = 0; round < 5; round++)
        {
            peak = Math.Max(peak, limits.Flops());
            read = Math.Max(read, limits.Read());
            copy = Math.Max(copy, limits.Copy());
        }

        return new DeviceLimits(peak, read, copy, LimitKernels.EmptyLaunch(device));
    }
}
