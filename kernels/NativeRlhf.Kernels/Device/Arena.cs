using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// One allocation of float32 that is cut into tensors from the front. Every tensor starts at a multiple of 256 bytes,
/// which compiled kernels may assume. Arenas are planned before the first step; nothing is allocated after it.
/// </summary>
public sealed class Arena : IDisposable
{
    /// <summary>The alignment of every tensor, in elements: 256 bytes.</summary>
    public const int Alignment = 64;

    private readonly ComputeDevice _device;
    private readonly string _purpose;
    private readonly MemoryBuffer1D<float, Stride1D.Dense>? _buffer;
    private readonly ArrayView<float> _elements;
    private readonly List<(long Start, string Name)> _names = [];
    private long _used;
    private bool _isDisposed;

    internal Arena(ComputeDevice device, long capacity, string purpose)
    {
        (_device, _purpose) = (device, purpose);
        Capacity = AlignUp(Math.Max(capacity, 1));
        device.Memory.Add(purpose, Capacity * sizeof(float));
        if (device.IsRehearsal) return;
        var accelerator = device.Accelerator;
        bool isHost = accelerator.AcceleratorType == AcceleratorType.CPU;
        // Host memory comes aligned to a few bytes only, and starts up to one alignment later.
        _buffer = accelerator.Allocate1D<float>(Capacity + (isHost ? Alignment : 0));
        ArrayView<float> all = _buffer.View;
        _elements = all.SubView(isHost ? Skipped(all) : 0, Capacity);
        if (isHost) unsafe { HugePages.Advise(_elements.Pointer(), Capacity * sizeof(float)); }
        _buffer.MemSetToZero();
        accelerator.Synchronize();
    }

    /// <summary>The number of elements that the arena holds.</summary>
    public long Capacity { get; }

    /// <summary>The number of elements taken so far, alignment included.</summary>
    public long Used => _used;

    /// <summary>Every element, taken or not, as one row vector.</summary>
    public Tensor All => Range(0, checked((int)Capacity));

    /// <summary>Elements next to each other, taken or not, as one row vector.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <returns>A tensor (1, length).</returns>
    public Tensor Range(long start, int length) => new(Part(start, length), 1, length);

    /// <summary>The size in elements that a tensor of <paramref name="length"/> elements takes.</summary>
    /// <param name="length">A number of elements.</param>
    /// <returns><paramref name="length"/>, rounded up to the alignment.</returns>
    public static long AlignUp(long length) => (length + Alignment - 1) / Alignment * Alignment;

    /// <summary>Takes the next tensor. Its content is what was there before: zeros in a fresh arena.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="name">What it is called where something is said of it.</param>
    /// <returns>A tensor of that shape.</returns>
    /// <exception cref="InvalidOperationException">The arena was planned too small.</exception>
    public Tensor Take(int rows, int cols, string name = "")
    {
        long length = (long)rows * cols;
        if (_used + length > Capacity)
            throw new InvalidOperationException($"arena of {Capacity} elements, {_used} taken, has no room for ({rows}, {cols})");
        var view = Part(_used, length);
        _names.Add((_used, name));
        _used += AlignUp(length);
        return new Tensor(view, rows, cols);
    }

    /// <summary>Forgets all tensors, so that their memory is taken anew.</summary>
    public void Reset()
    {
        _used = 0;
        _names.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _device.Forget(this);
        _buffer?.Dispose();
        _device.Memory.Add(_purpose, -Capacity * sizeof(float));
    }

    /// <summary>The name of the tensor that another one begins in; null if it lies elsewhere, or has none.</summary>
    internal string? NameOf(Tensor tensor)
    {
        IContiguousArrayView own = _elements, other = tensor.View;
        if (!ReferenceEquals(own.Buffer, other.Buffer)) return null;
        long start = other.Index - own.Index;
        return _names.FindLast(entry => entry.Start <= start).Name is { Length: > 0 } name ? name : null;
    }

    private ArrayView<float> Part(long start, long length) => _buffer is null ? default : _elements.SubView(start, length);

    /// <summary>The elements before the first aligned one.</summary>
    private static unsafe long Skipped(ArrayView<float> memory) => (Alignment - ((long)memory.Pointer() / sizeof(float) % Alignment)) % Alignment;
}
