using System.Runtime.CompilerServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// The work of the operations that ran on a rehearsal device (<see cref="ComputeDevice.OpenRehearsal"/>) or on one that is recorded
/// (<see cref="DeviceOptions.IsRecorded"/>).
/// </summary>
public sealed class WorkTally
{
    /// <summary>
    /// Floating-point operations of matrix products and attention, two for every multiplication with its addition; the rest of a
    /// model is bound by memory.
    /// </summary>
    public double Flops { get; private set; }

    /// <summary>Bytes that operations read and write, each operand once.</summary>
    public double Bytes { get; private set; }

    /// <summary>Kernels that were launched on a device that is recorded. Operations in the vectors of a CPU launch none.</summary>
    public long Launches { get; private set; }

    /// <summary>How often the host waited for the sake of this tally.</summary>
    internal long Waits { get; set; }

    /// <summary>What listens to the calls; null while nothing does.</summary>
    internal OpRecording? Recording { get; set; }

    internal void CountLaunch() => Launches++;

    /// <summary>Enters a call of an operation, which ends when the result is disposed.</summary>
    /// <param name="op">The op.</param>
    /// <param name="flops">Its floating-point operations.</param>
    /// <param name="bytes">The bytes that it reads and writes.</param>
    /// <param name="core">The method that implements it: its name, and Core.</param>
    internal Span Call(string op, double flops, double bytes, [CallerMemberName] string core = "")
    {
        Flops += flops;
        Bytes += bytes;
        return Recording is { } recording ? new Span(recording, recording.Begin(op, core[..^"Core".Length], flops, bytes)) : default;
    }

    /// <summary>The time of a call.</summary>
    internal readonly ref struct Span(OpRecording? recording, int index)
    {
        public void Dispose() => recording?.End(index);
    }
}
