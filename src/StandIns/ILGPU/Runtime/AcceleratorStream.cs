using System.Diagnostics;

namespace ILGPU.Runtime;

/// <summary>A queue of work. Here every launch and copy has ended when its call returns.</summary>
public abstract class AcceleratorStream : AcceleratorObject
{
    protected AcceleratorStream(Accelerator accelerator)
        : base(accelerator)
    {
    }

    public abstract void Synchronize();

    public Task SynchronizeAsync() => Task.Run(Synchronize);

    public ProfilingMarker AddProfilingMarker() =>
        Accelerator.Context.Properties.EnableProfiling
            ? AddProfilingMarkerInternal()
            : throw new NotSupportedException("Profiling markers need a context built with Profiling().");

    protected abstract ProfilingMarker AddProfilingMarkerInternal();
}

/// <summary>A point in a stream; the difference of two is the time between them.</summary>
public abstract class ProfilingMarker : AcceleratorObject
{
    protected ProfilingMarker(Accelerator accelerator)
        : base(accelerator)
    {
    }

    public abstract void Synchronize();

    public abstract TimeSpan MeasureFrom(ProfilingMarker marker);

    public static TimeSpan operator -(ProfilingMarker end, ProfilingMarker start) => end.MeasureFrom(start);
}

/// <summary>Markers on the default stream.</summary>
public static class ProfilingMarkers
{
    public static ProfilingMarker AddProfilingMarker(this Accelerator accelerator) =>
        accelerator.DefaultStream.AddProfilingMarker();
}

internal sealed class HostStream(Accelerator accelerator) : AcceleratorStream(accelerator)
{
    public override void Synchronize() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    protected override ProfilingMarker AddProfilingMarkerInternal() => new HostMarker(Accelerator);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
    }

    private sealed class HostMarker(Accelerator accelerator) : ProfilingMarker(accelerator)
    {
        private readonly long timestamp = Stopwatch.GetTimestamp();

        public override void Synchronize()
        {
        }

        public override TimeSpan MeasureFrom(ProfilingMarker marker) =>
            marker is HostMarker start
                ? Stopwatch.GetElapsedTime(start.timestamp, timestamp)
                : throw new ArgumentException("The marker is not from this accelerator.", nameof(marker));

        protected override void DisposeAcceleratorObject(bool disposing)
        {
        }
    }
}
