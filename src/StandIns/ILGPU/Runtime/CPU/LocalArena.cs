namespace ILGPU.Runtime.CPU;

/// <summary>Local memory of the work item that a thread is running.</summary>
internal sealed class LocalArena
{
    private const int ChunkBytes = 64 * 1024;
    private const int Alignment = 64;

    [ThreadStatic]
    private static LocalArena? current;

    private readonly Accelerator accelerator;
    private readonly List<MemoryBuffer> chunks = [];
    private int chunk;
    private long used;

    private LocalArena(Accelerator accelerator) => this.accelerator = accelerator;

    /// <summary>The arena of this thread, if it is running a kernel.</summary>
    public static LocalArena Current => current ?? throw new InvalidKernelOperationException();

    public static LocalArena ForThread(Accelerator accelerator) =>
        current?.accelerator == accelerator ? current : current = new LocalArena(accelerator);

    /// <summary>Gives all memory back, at the start of a work item.</summary>
    public void Reset() => (chunk, used) = (0, 0);

    public unsafe ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(extent);
        // Rounded up, so that the next array starts aligned for any type.
        long bytes = (((long)extent * sizeof(T)) + Alignment - 1) / Alignment * Alignment;
        while (chunk < chunks.Count && used + bytes > chunks[chunk].Length)
            (chunk, used) = (chunk + 1, 0);
        if (chunk == chunks.Count)
            chunks.Add(accelerator.AllocateRaw(Math.Max(bytes, ChunkBytes), sizeof(byte)));
        ArrayView<T> view = chunks[chunk].AsRawArrayView(used, (long)extent * sizeof(T)).Cast<T>();
        used += bytes;
        return view;
    }
}
