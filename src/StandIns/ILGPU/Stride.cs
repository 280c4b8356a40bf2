namespace ILGPU;

/// <summary>How a one-dimensional index maps to an element of a view.</summary>
public interface IStride1D
{
    public int XStride { get; }
    public Index1D StrideExtent { get; }
    public int ComputeElementIndex(Index1D index);
    public long ComputeElementIndex(LongIndex1D index);
    public long ComputeBufferLength(LongIndex1D extent);
}

/// <summary>The strides of one-dimensional views.</summary>
public static class Stride1D
{
    /// <summary>Element i lies at position i.</summary>
    public readonly struct Dense : IStride1D
    {
        public int XStride => 1;
        public Index1D StrideExtent => Index1D.One;
        public int ComputeElementIndex(Index1D index) => index.X;
        public long ComputeElementIndex(LongIndex1D index) => index.X;
        public long ComputeBufferLength(LongIndex1D extent) => extent.X;
        public override string ToString() => "<dense>";
    }
}
