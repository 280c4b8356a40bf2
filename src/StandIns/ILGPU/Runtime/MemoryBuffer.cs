using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>Memory of an accelerator.</summary>
public abstract unsafe class MemoryBuffer : AcceleratorObject
{
    protected MemoryBuffer(Accelerator accelerator, long length, int elementSize)
        : base(accelerator)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(elementSize, 1);
        Length = length;
        ElementSize = elementSize;
    }

    /// <summary>The first byte, or null after disposal. Read at every access through a view.</summary>
    internal byte* Memory { get; private protected set; }

    public nint NativePtr => (nint)Memory;
    public long Length { get; }
    public int ElementSize { get; }
    public long LengthInBytes => Length * ElementSize;

    public ArrayView<byte> AsRawArrayView() => AsRawArrayView(0, LengthInBytes);

    public ArrayView<byte> AsRawArrayView(long offsetInBytes) =>
        AsRawArrayView(offsetInBytes, LengthInBytes - offsetInBytes);

    public ArrayView<byte> AsRawArrayView(long offsetInBytes, long lengthInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetInBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthInBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthInBytes, LengthInBytes - offsetInBytes);
        return new ArrayView<byte>(this, offsetInBytes, lengthInBytes);
    }

    public ArrayView<T> AsArrayView<T>(long offset, long length)
        where T : unmanaged
    {
        if (sizeof(T) != ElementSize)
            throw new NotSupportedException($"A buffer of elements of {ElementSize} bytes has no view of {typeof(T).Name}.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new ArrayView<T>(this, offset, length);
    }
}

/// <summary>A buffer that is used through a typed view of it.</summary>
public class MemoryBuffer<TView> : MemoryBuffer, IContiguousArrayView
    where TView : struct, IArrayView
{
    private readonly MemoryBuffer? source;

    protected internal MemoryBuffer(Accelerator accelerator, in TView view)
        : base(accelerator, view.Length, view.ElementSize)
    {
        View = view;
        source = view.Buffer;
        unsafe
        {
            Memory = source is null ? null : source.Memory;
        }
    }

    public TView View { get; private set; }
    public bool IsValid => !IsDisposed;
    MemoryBuffer IArrayView.Buffer => source!;
    long IContiguousArrayView.Index => 0;
    long IContiguousArrayView.IndexInBytes => 0;
    ArrayView<byte> IContiguousArrayView.AsRawArrayView() => source!.AsRawArrayView();

    public TView ToArrayView() => View;

    protected override unsafe void DisposeAcceleratorObject(bool disposing)
    {
        if (!disposing)
            return;
        source?.Dispose();
        View = default;
        Memory = null;
    }

    public static implicit operator TView(MemoryBuffer<TView> buffer) => buffer.View;
}

/// <summary>A one-dimensional buffer.</summary>
public class MemoryBuffer1D<T, TStride> : MemoryBuffer<ArrayView1D<T, TStride>>
    where T : unmanaged
    where TStride : struct, IStride1D
{
    protected internal MemoryBuffer1D(Accelerator accelerator, in ArrayView1D<T, TStride> view)
        : base(accelerator, view)
    {
    }

    public LongIndex1D Extent => View.Extent;
    public Index1D IntExtent => View.IntExtent;

    public ArrayView<T> AsContiguous() => View.AsContiguous();

    public static explicit operator ArrayView<T>(MemoryBuffer1D<T, TStride> buffer) => buffer.AsContiguous();
}

/// <summary>
/// Host memory, aligned to 256 bytes as slices of an arena are. Its contents are undefined at first, as on a device.
/// </summary>
internal sealed unsafe class HostMemoryBuffer : MemoryBuffer
{
    private const int Alignment = 256;

    public HostMemoryBuffer(Accelerator accelerator, long length, int elementSize)
        : base(accelerator, length, elementSize)
    {
        long bytes = checked(length * elementSize);
        Memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
        if (bytes > 0)
            GC.AddMemoryPressure(bytes);
    }

    ~HostMemoryBuffer() => DisposeAcceleratorObject(disposing: false);

    protected override void DisposeAcceleratorObject(bool disposing)
    {
        if (Memory == null)
            return;
        NativeMemory.AlignedFree(Memory);
        Memory = null;
        if (LengthInBytes > 0)
            GC.RemoveMemoryPressure(LengthInBytes);
        if (disposing)
            GC.SuppressFinalize(this);
    }
}
