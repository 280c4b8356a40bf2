using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Page-locked memory of the host that uploads pass through: a device copies from it by itself, in order with the kernels before and after,
/// and the host goes on. What was copied before the host last waited for the device is free again; only where more than
/// <see cref="Capacity"/> is on its way at once does an upload wait.
/// </summary>
/// <param name="device">The device.</param>
internal sealed class Staging(ComputeDevice device) : IDisposable
{
    /// <summary>Its bytes.</summary>
    public const int Capacity = 4 << 20;

    private const int Alignment = 256;

    private PageLockedArray1D<byte>? _memory;
    private int _used;
    private long _since;

    /// <summary>Queues a copy. The values are read before this returns.</summary>
    public void Upload<T>(ArrayView<T> destination, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        if (bytes.IsEmpty) return;
        _memory ??= device.Accelerator.AllocatePageLocked1D<byte>(Capacity, uninitialized: true);
        var target = destination.Cast<byte>();
        for (int done = 0; done < bytes.Length;)
        {
            if (_used == Capacity) device.Synchronize();
            if (_since != device.Waits) (_used, _since) = (0, device.Waits);
            int count = Math.Min(bytes.Length - done, Capacity - _used);
            bytes.Slice(done, count).CopyTo(_memory.Span[_used..]);
            target.SubView(done, count).CopyFromCPUUnsafeAsync(device.Accelerator.DefaultStream, ref _memory[_used], count);
            done += count;
            _used = Math.Min((_used + count + Alignment - 1) / Alignment * Alignment, Capacity);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();
}
