using System.Diagnostics;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Times work on a device. On a GPU a mark is an event in the stream, so that nothing waits for it; on the CPU it is the
/// monotonic clock, read when everything before it is done. A GPU needs <see cref="DeviceOptions.HasTimers"/>; without, a mark
/// waits for the work before it.
/// </summary>
/// <param name="device">The device.</param>
public sealed class DeviceClock(ComputeDevice device)
{
    private readonly bool _hasEvents = !device.IsHostMemory && device.Accelerator.Context.Properties.EnableProfiling;

    /// <summary>A point in the device's work.</summary>
    public readonly struct Mark
    {
        internal Mark(long timestamp, ProfilingMarker? marker) => (Timestamp, Marker) = (timestamp, marker);

        internal long Timestamp { get; }

        internal ProfilingMarker? Marker { get; }
    }

    /// <summary>Marks the place behind all work so far.</summary>
    /// <returns>The mark.</returns>
    public Mark Now()
    {
        if (_hasEvents) return new Mark(0, device.Accelerator.DefaultStream.AddProfilingMarker());
        // Not a wait of what is timed.
        if (!device.IsHostMemory) device.Accelerator.Synchronize();
        return new Mark(Stopwatch.GetTimestamp(), null);
    }

    /// <summary>The time between two marks. The device must have been waited for.</summary>
    /// <param name="start">The earlier mark.</param>
    /// <param name="end">The later one.</param>
    /// <returns>Seconds.</returns>
    public static double Seconds(Mark start, Mark end) =>
        end.Marker is { } marker && start.Marker is { } from ? (marker - from).TotalSeconds : Stopwatch.GetElapsedTime(start.Timestamp, end.Timestamp).TotalSeconds;
}
