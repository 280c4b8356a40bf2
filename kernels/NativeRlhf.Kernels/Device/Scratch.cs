using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// What an op keeps between its kernels. It is taken when it is first needed, and again only when more is needed, so that steps of the
/// same shapes allocate nothing.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="purpose">What it is for, in <see cref="ComputeDevice.Memory"/>.</param>
internal sealed class Scratch<T>(ComputeDevice device, string purpose) : IDisposable
    where T : unmanaged
{
    private MemoryBuffer1D<T, Stride1D.Dense>? _buffer;

    /// <summary>
    /// The memory, at least so many elements: what was left in it, or zeros where it had to grow. The device must be able to forget what was
    /// in it before.
    /// </summary>
    public ArrayView<T> Take(long length)
    {
        if (_buffer is null || _buffer.Length < length)
        {
            Dispose();
            _buffer = device.Accelerator.Allocate1D<T>(length);
            _buffer.MemSetToZero(device.Accelerator.DefaultStream);
            device.Memory.Add(purpose, _buffer.LengthInBytes);
        }

        return _buffer.View.AsContiguous().SubView(0, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer is null) return;
        device.Memory.Add(purpose, -_buffer.LengthInBytes);
        _buffer.Dispose();
        _buffer = null;
    }
}
