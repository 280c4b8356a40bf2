using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// One allocation that is cut into tensors from the front. It is counted in elements of float32; a tensor of bfloat16 takes half. Every tensor starts at a multiple of 256 bytes,
/// which compiled kernels may assume. Arenas are planned before the first step; nothing is allocated after it.
/// </summary>
public sealed class Arena : IDisposable
{
    /// <summary>The alignment of every tensor, in elements: 256 bytes.</summary>
    public const int Alignment = 64;

    private readonly ComputeDevice _device;
    private readonly string _purpose;
    private readonly MemoryBuffer1D<float, Stride1D.Dense>? _buffer;
    private readonly ArrayView<byte> _bytes;
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
        _bytes = all.SubView(isHost ? Skipped(all) : 0, Capacity).Cast<byte>();
        if (isHost) unsafe { HugePages.Advise((float*)_bytes.Pointer(), _bytes.Length); }
        _buffer.MemSetToZero();
        accelerator.Synchronize();
    }

    /// <summary>The number of elements that the arena holds.</summary>
    public long Capacity { get; }

    /// <summary>The number of elements taken so far, alignment included.</summary>
    public long Used => _used;

    /// <summary>Every element, taken or not, as one row vector of float32.</summary>
    public Tensor All => Range(0, checked((int)Capacity));

    /// <summary>Elements next to each other, taken or not, as one row vector of float32.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <returns>A tensor (1, length).</returns>
    public Tensor Range(long start, int length) => new(Part(start, length), 1, length, ElementType.Float32);

    /// <summary>Elements next to each other, taken or not, as one row vector.</summary>
    /// <param name="start">The first element, counted in elements of the type.</param>
    /// <param name="length">How many.</param>
    /// <param name="type">Their type.</param>
    /// <returns>A tensor (1, length).</returns>
    public Tensor Range(long start, int length, ElementType type) =>
        new(_buffer is null ? default : _bytes.SubView(start * type.Size(), (long)length * type.Size()), 1, length, type);

    /// <summary>The size in elements that a tensor of <paramref name="length"/> elements takes.</summary>
    /// <param name="length">A number of elements.</param>
    /// <param name="type">Their type; a word holds two of bfloat16.</param>
    /// <returns>The words that they take, rounded up to the alignment.</returns>
    public static long AlignUp(long length, ElementType type) => AlignUp(Words(length, type));

    /// <summary>The size that a tensor of <paramref name="length"/> elements of float32 takes.</summary>
    /// <param name="length">A number of elements.</param>
    /// <returns><paramref name="length"/>, rounded up to the alignment.</returns>
    public static long AlignUp(long length) => (length + Alignment - 1) / Alignment * Alignment;

    /// <summary>Takes the next tensor. Its content is what was there before: zeros in a fresh arena.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="name">What it is called where something is said of it.</param>
    /// <param name="type">How its elements are stored.</param>
    /// <returns>A tensor of that shape.</returns>
    /// <exception cref="InvalidOperationException">The arena was planned too small.</exception>
    public Tensor Take(int rows, int cols, string name = "", ElementType type = ElementType.Float32)
    {
        var tensor = TakeAt(_used, rows, cols, name, type);
        _used += AlignUp((long)rows * cols, type);
        return tensor;
    }

    /// <summary>Takes a tensor at a place that the caller has planned; it does not count as taken for <see cref="Take"/>.</summary>
    /// <param name="start">The first word of float32 that it covers.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="name">What it is called where something is said of it.</param>
    /// <param name="type">How its elements are stored.</param>
    /// <returns>A tensor of that shape.</returns>
    /// <exception cref="InvalidOperationException">The arena was planned too small.</exception>
    public Tensor TakeAt(long start, int rows, int cols, string name, ElementType type = ElementType.Float32)
    {
        if (start + Words((long)rows * cols, type) > Capacity)
            throw new InvalidOperationException($"arena of {Capacity} elements, {start} taken, has no room for ({rows}, {cols})");
        _names.Add((start, name));
        return new Tensor(_buffer is null ? default : _bytes.SubView(start * sizeof(float), (long)rows * cols * type.Size()), rows, cols, type);
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
        IContiguousArrayView own = _bytes, other = tensor.Bytes;
        if (!ReferenceEquals(own.Buffer, other.Buffer)) return null;
        long start = (other.IndexInBytes - own.IndexInBytes) / sizeof(float);
        return _names.FindLast(entry => entry.Start <= start).Name is { Length: > 0 } name ? name : null;
    }

    private ArrayView<byte> Part(long start, long length) => _buffer is null ? default : _bytes.SubView(start * sizeof(float), length * sizeof(float));

    private static long Words(long length, ElementType type) => type == ElementType.BFloat16 ? (length + 1) / 2 : length;

    /// <summary>The elements before the first aligned one.</summary>
    private static unsafe long Skipped(ArrayView<float> memory) => (Alignment - ((long)memory.Pointer() / sizeof(float) % Alignment)) % Alignment;
}
