using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>How often something was executed by a warp, and how its shared-memory accesses met the 32 banks.</summary>
public sealed class PtxCount
{
    /// <summary>Executions by a warp.</summary>
    public long Executions { get; set; }

    /// <summary>Shared-memory accesses of as many lanes as the memory serves at once: 128 bytes when all is well.</summary>
    public long Phases { get; set; }

    /// <summary>Turns that those accesses took: as many as phases when no two lanes meet in a bank.</summary>
    public long Turns { get; set; }

    /// <summary>Turns a phase: 1 without bank conflicts.</summary>
    public double Ways => Phases == 0 ? 1 : (double)Turns / Phases;
}

/// <summary>One launch of a kernel on a machine that executes PTX lane by lane, and complains of what a device would not forgive.</summary>
/// <param name="kernel">The kernel.</param>
/// <param name="memory">Global memory.</param>
/// <param name="groups">Blocks of the grid.</param>
/// <param name="threads">Threads of a block.</param>
/// <param name="dynamicShared">Bytes of dynamic shared memory.</param>
public sealed class PtxLaunch(PtxKernel kernel, PtxGlobalMemory memory, (int X, int Y, int Z) groups, (int X, int Y, int Z) threads, int dynamicShared = 0)
{
    private readonly Dictionary<PtxInstruction, PtxCount> _counts = new(ReferenceEqualityComparer.Instance);

    /// <summary>Steps of a block after which it is taken to be stuck.</summary>
    public long StepLimit { get; init; } = 20_000_000;

    internal PtxKernel Kernel => kernel;

    internal PtxGlobalMemory Memory => memory;

    internal (int X, int Y, int Z) Groups => groups;

    internal (int X, int Y, int Z) Threads => threads;

    internal int StaticShared { get; } = kernel.Shared.Count == 0 ? 0 : (kernel.Shared[^1].Offset + kernel.Shared[^1].Bytes + 15) / 16 * 16;

    internal int DynamicShared => dynamicShared;

    internal byte[] Parameters { get; private set; } = [];

    /// <summary>What the instructions of one name did, all together; a name may have modifiers, as <c>ldmatrix.sync</c>.</summary>
    public PtxCount Count(string opcode)
    {
        var sum = new PtxCount();
        foreach (var (instruction, count) in _counts.Where(c => (c.Key.Name + "." + string.Join('.', c.Key.Modifiers) + ".").StartsWith(opcode + ".", StringComparison.Ordinal)))
        {
            sum.Executions += count.Executions;
            sum.Phases += count.Phases;
            sum.Turns += count.Turns;
        }

        return sum;
    }

    /// <summary>The instructions whose accesses to shared memory met in a bank, the worst first.</summary>
    public IEnumerable<(PtxInstruction Instruction, PtxCount Count)> Conflicts() =>
        _counts.Where(c => c.Value.Turns > c.Value.Phases).OrderByDescending(c => c.Value.Turns - c.Value.Phases).Select(c => (c.Key, c.Value));

    /// <summary>Runs all blocks, one after the other.</summary>
    /// <param name="arguments">The bytes of every parameter, in order; see <see cref="View"/> and <see cref="Value"/>.</param>
    /// <exception cref="PtxException">Something that a device would not forgive.</exception>
    public void Run(params IReadOnlyList<byte[]> arguments)
    {
        if (arguments.Count != kernel.Parameters.Count) throw new PtxException($"{arguments.Count} arguments for {kernel.Parameters.Count} parameters");
        var last = kernel.Parameters.LastOrDefault();
        Parameters = new byte[last is null ? 0 : last.Offset + last.Bytes];
        foreach (var (parameter, bytes) in kernel.Parameters.Zip(arguments))
        {
            if (bytes.Length != parameter.Bytes) throw new PtxException($"parameter {parameter.Name} has {parameter.Bytes} bytes, not {bytes.Length}");
            bytes.CopyTo(Parameters, parameter.Offset);
        }

        for (int z = 0; z < groups.Z; z++)
        {
            for (int y = 0; y < groups.Y; y++)
            {
                for (int x = 0; x < groups.X; x++) new PtxBlock(this, (x, y, z)).Run();
            }
        }
    }

    /// <summary>A view as the kernel compiler passes it: an address and a length.</summary>
    public static byte[] View(ulong address, long length) => [.. BitConverter.GetBytes(length == 0 ? 0 : address), .. BitConverter.GetBytes(length)];

    /// <summary>A number or a structure.</summary>
    public static byte[] Value<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)).ToArray();

    internal PtxCount CountOf(PtxInstruction instruction)
    {
        if (!_counts.TryGetValue(instruction, out var count)) _counts.Add(instruction, count = new PtxCount());
        return count;
    }
}

/// <summary>A block: its warps and its shared memory.</summary>
internal sealed class PtxBlock
{
    private readonly PtxWarp[] _warps;

    public PtxBlock(PtxLaunch launch, (int X, int Y, int Z) index)
    {
        Launch = launch;
        Index = index;
        Shared = new PtxSharedMemory(launch.StaticShared + launch.DynamicShared);
        int count = launch.Threads.X * launch.Threads.Y * launch.Threads.Z;
        _warps = [.. Enumerable.Range(0, (count + 31) / 32).Select(w => new PtxWarp(this, w, Math.Min(32, count - (32 * w))))];
    }

    public PtxLaunch Launch { get; }

    public (int X, int Y, int Z) Index { get; }

    public PtxSharedMemory Shared { get; }

    public long Steps { get; set; }

    public void Run()
    {
        while (true)
        {
            foreach (var warp in _warps) warp.Run();
            if (_warps.All(w => w.IsDone)) return;

            // Every warp is done or stands at a barrier; those that are done need not come.
            foreach (var warp in _warps.Where(w => !w.IsDone)) warp.PassBarrier();
            Shared.Barrier();
        }
    }
}
