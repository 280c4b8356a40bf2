namespace NativeRlhf.Kernels.Device;

/// <summary>One call of an op.</summary>
/// <param name="Op">The op.</param>
/// <param name="Method">Its method.</param>
/// <param name="Start">When it began, in seconds from the begin of the recording.</param>
/// <param name="Seconds">How long it took on the device.</param>
/// <param name="Flops">Floating-point operations of products, as <see cref="WorkTally.Flops"/> counts them.</param>
/// <param name="Bytes">Bytes read and written, each operand once.</param>
/// <param name="Launches">Kernels that it launched.</param>
public readonly record struct OpCall(string Op, string Method, double Start, double Seconds, double Flops, double Bytes, int Launches)
{
    /// <summary>Op and method, as in <c>MatMul.Forward</c>.</summary>
    public string Name => $"{Op}.{Method}";
}

/// <summary>
/// A recording of the ops that a device runs: which, when, how long, and how much they had to do. The device has to be opened with
/// <see cref="DeviceOptions.IsRecorded"/>; on any other no call passes by here, and none pays for it.
/// </summary>
public sealed class OpRecording : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly DeviceClock _clock;
    private readonly DeviceClock.Mark _begin;
    private readonly long _waits;
    private readonly List<(string Op, string Method, double Flops, double Bytes, long Launches, DeviceClock.Mark Start, DeviceClock.Mark End)> _calls = [];

    private OpRecording(ComputeDevice device)
    {
        _device = device;
        _clock = new DeviceClock(device);
        device.Synchronize();
        _waits = OwnWaits(device);
        _begin = _clock.Now();
    }

    /// <summary>Begins to record, until the recording is disposed.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The recording.</returns>
    /// <exception cref="InvalidOperationException">The device was not opened to be recorded, or is recorded already.</exception>
    public static OpRecording Begin(ComputeDevice device)
    {
        if (!device.IsRecorded) throw new InvalidOperationException("the device was opened without DeviceOptions.IsRecorded: its ops cannot be recorded");
        if (device.Work.Recording is not null) throw new InvalidOperationException("the ops of this device are recorded already");
        return device.Work.Recording = new OpRecording(device);
    }

    /// <summary>How often the host has waited for the device since the recording began.</summary>
    public long Waits => OwnWaits(_device) - _waits;

    /// <summary>The calls so far, in order. Waits until the device has done them.</summary>
    /// <returns>One entry a call.</returns>
    public IReadOnlyList<OpCall> Calls()
    {
        _device.Synchronize();
        return [.. _calls.Select(call => new OpCall(
            call.Op, call.Method, DeviceClock.Seconds(_begin, call.Start), DeviceClock.Seconds(call.Start, call.End), call.Flops, call.Bytes, (int)call.Launches))];
    }

    /// <summary>The seconds from the begin of the recording to now.</summary>
    /// <returns>The time by the device's clock.</returns>
    public double Elapsed()
    {
        var now = _clock.Now();
        _device.Synchronize();
        return DeviceClock.Seconds(_begin, now);
    }

    /// <summary>Ends the recording; what was recorded stays.</summary>
    public void Dispose() => _device.Work.Recording = null;

    /// <summary>Waits that would be without a recording.</summary>
    private static long OwnWaits(ComputeDevice device) => device.Waits - device.Work.Waits;

    /// <summary>An op begins.</summary>
    internal int Begin(string op, string method, double flops, double bytes)
    {
        _calls.Add((op, method, flops, bytes, _device.Work.Launches, _clock.Now(), default));
        return _calls.Count - 1;
    }

    /// <summary>An op has ended, or is launched.</summary>
    internal void End(int index) => _calls[index] = _calls[index] with { Launches = _device.Work.Launches - _calls[index].Launches, End = _clock.Now() };
}
