using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// A device buffer of int32 that is refilled from the host every step: token ids, positions, row numbers. It keeps its
/// memory and grows only when a larger content arrives. The host does not wait for the copy: kernels that are launched after it
/// follow it.
/// </summary>
public sealed class IndexBuffer : IDisposable
{
    private const string Purpose = "indices";

    private readonly ComputeDevice _device;
    private MemoryBuffer1D<int, Stride1D.Dense> _buffer;
    private int[] _host;

    internal IndexBuffer(ComputeDevice device, int capacity)
    {
        _device = device;
        _host = new int[Math.Max(capacity, 1)];
        _buffer = Allocate();
    }

    /// <summary>The number of elements of the current content.</summary>
    public int Length { get; private set; }

    /// <summary>The content on the device, <see cref="Length"/> elements.</summary>
    public ArrayView<int> View => ((ArrayView<int>)_buffer.View).SubView(0, Length);

    /// <summary>The content as it was last set from the host.</summary>
    public ReadOnlySpan<int> Host => _host.AsSpan(0, Length);

    /// <summary>Replaces the content.</summary>
    /// <param name="values">The new content.</param>
    public void Set(ReadOnlySpan<int> values)
    {
        if (values.Length > _host.Length)
        {
            Dispose();
            _host = new int[Math.Max(values.Length, 2 * _host.Length)];
            _buffer = Allocate();
        }

        values.CopyTo(_host);
        Length = values.Length;
        if (Length > 0) _device.Upload(View, Host);
    }

    /// <summary>Reads the content back from the device, after an op has written it.</summary>
    /// <returns>The content, valid until it is set again.</returns>
    public ReadOnlySpan<int> Download()
    {
        if (Length > 0) _device.Download(View, _host.AsSpan(0, Length));
        return Host;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.IsDisposed) return;
        _buffer.Dispose();
        _device.Memory.Add(Purpose, -_host.Length * sizeof(int));
    }

    private MemoryBuffer1D<int, Stride1D.Dense> Allocate()
    {
        _device.Memory.Add(Purpose, _host.Length * sizeof(int));
        return _device.Accelerator.Allocate1D<int>(_host.Length);
    }
}
