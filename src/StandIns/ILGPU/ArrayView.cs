using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace ILGPU;

/// <summary>A part of a <see cref="MemoryBuffer"/>, whatever its element type.</summary>
public interface IArrayView
{
    public MemoryBuffer Buffer { get; }
    public bool IsValid { get; }
    public long Length { get; }
    public int ElementSize { get; }
    public long LengthInBytes { get; }
}

/// <summary>A view whose elements lie next to each other.</summary>
public interface IContiguousArrayView : IArrayView
{
    public long Index { get; }
    public long IndexInBytes { get; }
    public ArrayView<byte> AsRawArrayView();
}

/// <summary>A view of elements of type <typeparamref name="T"/>.</summary>
public interface IArrayView<T> : IArrayView
    where T : unmanaged;

/// <summary>A contiguous view of elements of type <typeparamref name="T"/>.</summary>
public interface IContiguousArrayView<T> : IArrayView<T>, IContiguousArrayView
    where T : unmanaged;

/// <summary>
/// A contiguous part of a buffer. Indexing returns a live reference into the buffer's memory; an index out of
/// range or a disposed buffer is an exception.
/// </summary>
public readonly unsafe struct ArrayView<T> : IContiguousArrayView<T>
    where T : unmanaged
{
    private readonly MemoryBuffer? buffer;
    private readonly long byteOffset;

    public static readonly int ElementSize = sizeof(T);
    public static readonly ArrayView<T> Empty;

    public ArrayView(MemoryBuffer source, long index, long length)
        : this(source, length, checked(index * sizeof(T)), 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
    }

    private ArrayView(MemoryBuffer? buffer, long length, long byteOffset, int _)
    {
        this.buffer = buffer;
        this.byteOffset = byteOffset;
        Length = length;
    }

    internal MemoryBuffer? Buffer => buffer;
    MemoryBuffer IArrayView.Buffer => buffer!;
    int IArrayView.ElementSize => sizeof(T);
    long IContiguousArrayView.Index => byteOffset / sizeof(T);
    long IContiguousArrayView.IndexInBytes => byteOffset;

    public bool IsValid => buffer is not null && Length > 0;
    public long Length { get; }
    public int IntLength => checked((int)Length);
    public long LengthInBytes => Length * sizeof(T);
    public LongIndex1D Extent => new(Length);
    public Index1D IntExtent => new(IntLength);
    public Stride1D.Dense Stride => default;

    public ref T this[Index1D index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref this[(long)index.X];
    }

    public ref T this[LongIndex1D index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref this[index.X];
    }

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref this[(long)index];
    }

    public ref T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)Length)
                ThrowIndexOutOfRange(index);
            byte* memory = buffer!.Memory;
            if (memory == null)
                ThrowDisposed();
            return ref *((T*)(memory + byteOffset) + index);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView<T> SubView(long index) => SubView(index, Length - index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView<T> SubView(int index, int subViewLength) => SubView((long)index, subViewLength);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView<T> SubView(long index, long subViewLength)
    {
        // As the package has it: a part may start past the end only if the view is empty.
        if (((ulong)index >= (ulong)Length && !(index == 0 && Length == 0))
            || (ulong)subViewLength > (ulong)(Length - index))
        {
            ThrowSubViewOutOfRange(index, subViewLength);
        }

        return new ArrayView<T>(buffer, subViewLength, byteOffset + (index * sizeof(T)), 0);
    }

    /// <summary>The same memory as elements of another type; a rest that does not fill an element is left out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView<TOther> Cast<TOther>()
        where TOther : unmanaged
    {
        if (byteOffset % sizeof(TOther) != 0)
            ThrowMisaligned(typeof(TOther), sizeof(TOther));
        return new ArrayView<TOther>(buffer, LengthInBytes / sizeof(TOther), byteOffset, 0);
    }

    ArrayView<byte> IContiguousArrayView.AsRawArrayView() => AsBytes();

    internal ArrayView<byte> AsBytes() => new(buffer, LengthInBytes, byteOffset, 0);

    /// <summary>The bytes of this view.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is gone.</exception>
    internal byte* Address()
    {
        if (buffer is null)
            return null;
        if (buffer.Memory == null)
            ThrowDisposed();
        return buffer.Memory + byteOffset;
    }

    public override string ToString() => $"{byteOffset / sizeof(T)} [{Length}]";

    public static implicit operator ArrayView1D<T, Stride1D.Dense>(ArrayView<T> view) =>
        new(view, view.Extent, default);

    public static implicit operator ArrayView<T>(ArrayView1D<T, Stride1D.Dense> view) =>
        view.BaseView.SubView(0, view.Length);

    [DoesNotReturn]
    private void ThrowIndexOutOfRange(long index) =>
        throw new IndexOutOfRangeException($"Index {index} is outside of a view of {Length} elements of {typeof(T).Name}.");

    [DoesNotReturn]
    private void ThrowSubViewOutOfRange(long index, long length) =>
        throw new ArgumentOutOfRangeException(
            nameof(index),
            $"A part of {length} elements from {index} does not lie in a view of {Length} elements of {typeof(T).Name}.");

    [DoesNotReturn]
    private void ThrowMisaligned(Type other, int size) =>
        throw new InvalidOperationException(
            $"A view that starts at byte {byteOffset} of its buffer cannot be cast to {other.Name} of {size} bytes.");

    [DoesNotReturn]
    private static void ThrowDisposed() =>
        throw new ObjectDisposedException(nameof(MemoryBuffer), "The view's buffer has been disposed.");
}
