using System.Runtime.CompilerServices;

namespace ILGPU.Runtime;

/// <summary>A one-dimensional view with a stride.</summary>
public readonly struct ArrayView1D<T, TStride> : IArrayView<T>
    where T : unmanaged
    where TStride : struct, IStride1D
{
    public static readonly int ElementSize = Unsafe.SizeOf<T>();
    public static readonly ArrayView1D<T, TStride> Empty;

    public ArrayView1D(ArrayView<T> baseView, LongIndex1D extent, TStride stride)
    {
        BaseView = baseView;
        Extent = extent;
        Stride = stride;
    }

    public ArrayView<T> BaseView { get; }
    MemoryBuffer IArrayView.Buffer => BaseView.Buffer!;
    int IArrayView.ElementSize => ElementSize;
    public LongIndex1D Extent { get; }
    public Index1D IntExtent => Extent.ToIntIndex();
    public TStride Stride { get; }
    public bool IsValid => BaseView.IsValid;
    public long Length => Stride.ComputeBufferLength(Extent);
    public int IntLength => checked((int)Length);
    public long LengthInBytes => Length * ElementSize;

    public ref T this[Index1D index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref BaseView[Stride.ComputeElementIndex(index)];
    }

    public ref T this[LongIndex1D index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref BaseView[Stride.ComputeElementIndex(index)];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView1D<T, TStride> SubView(Index1D index, Index1D extent) =>
        SubView(index.ToLongIndex(), extent.ToLongIndex());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayView1D<T, TStride> SubView(LongIndex1D index, LongIndex1D extent) =>
        new(
            BaseView.SubView(Stride.ComputeElementIndex(index), Stride.ComputeBufferLength(extent)),
            extent,
            Stride);

    public ArrayView<T> AsContiguous() => BaseView;

    public ArrayView1D<T, Stride1D.Dense> AsDense() => new(BaseView, Extent, default);

    public override string ToString() => BaseView.ToString();
}
