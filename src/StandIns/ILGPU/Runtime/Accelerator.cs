using System.Runtime.CompilerServices;

namespace ILGPU.Runtime;

/// <summary>The kinds of accelerators that the package knows.</summary>
public enum AcceleratorType
{
    CPU,
    Cuda,
    OpenCL,
}

/// <summary>A device in use: memory, streams and kernels.</summary>
public abstract class Accelerator : IDisposable
{
    private readonly ConditionalWeakTable<AcceleratorObject, object?> children = [];
    private bool disposed;

    private protected Accelerator(Context context, Device device)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Register(this);
        Context = context;
        Device = device;
        DefaultStream = new HostStream(this);
    }

    /// <summary>The kind of accelerator on which a kernel runs.</summary>
    public static AcceleratorType CurrentType => AcceleratorType.CPU;

    public Context Context { get; }
    public Device Device { get; }
    public AcceleratorStream DefaultStream { get; }
    public AcceleratorType AcceleratorType => Device.AcceleratorType;
    public string Name => Device.Name;
    public long MemorySize => Device.MemorySize;
    public Index3D MaxGridSize => Device.MaxGridSize;
    public Index3D MaxGroupSize => Device.MaxGroupSize;
    public int MaxNumThreadsPerGroup => Device.MaxNumThreadsPerGroup;
    public int MaxSharedMemoryPerGroup => Device.MaxSharedMemoryPerGroup;
    public int MaxConstantMemory => Device.MaxConstantMemory;
    public int WarpSize => Device.WarpSize;
    public int NumMultiprocessors => Device.NumMultiprocessors;
    public int MaxNumThreadsPerMultiprocessor => Device.MaxNumThreadsPerMultiprocessor;
    public int MaxNumThreads => Device.MaxNumThreads;

    public (Index1D, Index1D) MaxNumGroupsExtent =>
        (NumMultiprocessors * (MaxNumThreadsPerMultiprocessor / MaxNumThreadsPerGroup), MaxNumThreadsPerGroup);

    public event EventHandler? Disposed;

    public AcceleratorStream CreateStream()
    {
        EnsureAlive();
        return new HostStream(this);
    }

    /// <summary>Waits for all streams.</summary>
    public void Synchronize() => EnsureAlive();

    /// <summary>Makes this accelerator the thread's own; the CPU's is everybody's.</summary>
    public void Bind() => EnsureAlive();

    public MemoryBuffer AllocateRaw(long length, int elementSize)
    {
        EnsureAlive();
        return new HostMemoryBuffer(this, length, elementSize);
    }

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length)
        where T : unmanaged
    {
        MemoryBuffer buffer = AllocateRaw(length, Unsafe.SizeOf<T>());
        var view = new ArrayView<T>(buffer, 0, length);
        return new MemoryBuffer1D<T, Stride1D.Dense>(
            this, new ArrayView1D<T, Stride1D.Dense>(view, length, default));
    }

    public void PrintInformation(TextWriter writer) => Device.PrintInformation(writer);

    public override string ToString() => Device.ToString();

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        Disposed?.Invoke(this, EventArgs.Empty);
        foreach ((AcceleratorObject child, _) in children)
            child.Dispose();
        children.Clear();
        GC.SuppressFinalize(this);
    }

    internal void Register(AcceleratorObject child)
    {
        EnsureAlive();
        children.Add(child, null);
    }

    internal void EnsureAlive() => ObjectDisposedException.ThrowIf(disposed, this);
}
