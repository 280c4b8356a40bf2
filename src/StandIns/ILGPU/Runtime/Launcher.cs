using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using ILGPU.Runtime.CPU;

namespace ILGPU.Runtime;

/// <summary>
/// Runs a kernel. An exception inside it reaches the caller of the launch, after all other work items have stopped.
/// </summary>
internal sealed class Launcher
{
    // Below this many work items a parallel loop costs more than it saves.
    private const int SmallExtent = 64;

    private readonly Accelerator accelerator;

    public Launcher(Accelerator accelerator, Delegate kernel)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        ArgumentNullException.ThrowIfNull(kernel);
        if (!kernel.Method.IsStatic && kernel.Target is { } target && target.GetType().GetFields().Any(field => !field.IsStatic))
            throw new NotSupportedException($"The kernel {kernel.Method.Name} captures variables of its surroundings.");
        this.accelerator = accelerator;
    }

    /// <summary>The accelerator, once it is clear that it has groups of that size.</summary>
    public static Accelerator Sized(Accelerator accelerator, int customGroupSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(customGroupSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(customGroupSize, accelerator.MaxNumThreadsPerGroup);
        return accelerator;
    }

    /// <summary>Runs an implicitly grouped kernel: one call for every index of the extent, in any order.</summary>
    public void Launch<TIndex>(AcceleratorStream stream, TIndex extent, Action<TIndex> kernel)
        where TIndex : struct, IIndex
    {
        EnsureRunnable(stream);
        long count = extent.Size;
        if (count <= 0)
            return;

        int pieces = (int)Math.Min(count, Environment.ProcessorCount * 4L);
        if (count <= SmallExtent || pieces == 1 || Environment.ProcessorCount == 1)
        {
            RunRange(extent, 0, count, kernel);
            return;
        }

        try
        {
            Parallel.For(0, pieces, piece => RunRange(extent, count * piece / pieces, count * (piece + 1) / pieces, kernel));
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.Flatten().InnerExceptions[0]);
        }
    }

    /// <summary>Runs an explicitly grouped kernel.</summary>
    public void Launch(AcceleratorStream stream, in KernelConfig config, Action kernel)
    {
        EnsureRunnable(stream);
        if (!config.IsValid)
            throw new ArgumentOutOfRangeException(nameof(config), $"Grid {config.GridDim} of groups {config.GroupDim} is empty.");
        if (config.GroupDim.LongSize > accelerator.MaxNumThreadsPerGroup)
        {
            throw new NotSupportedException(
                $"A group of {config.GroupDim} is larger than the accelerator's {accelerator.MaxNumThreadsPerGroup} threads.");
        }

        GroupLaunch.Run(accelerator, config, kernel);
    }

    private void EnsureRunnable(AcceleratorStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        accelerator.EnsureAlive();
        stream.Synchronize();
    }

    private void RunRange<TIndex>(TIndex extent, long start, long end, Action<TIndex> kernel)
        where TIndex : struct, IIndex
    {
        LocalArena local = LocalArena.ForThread(accelerator);
        for (long item = start; item < end; item++)
        {
            local.Reset();
            kernel(At(extent, item));
        }
    }

    // The branches are decided when the method is compiled for a TIndex.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TIndex At<TIndex>(TIndex extent, long item)
        where TIndex : struct, IIndex
    {
        if (typeof(TIndex) == typeof(Index1D))
            return Unsafe.BitCast<Index1D, TIndex>(new Index1D((int)item));
        if (typeof(TIndex) == typeof(LongIndex1D))
            return Unsafe.BitCast<LongIndex1D, TIndex>(new LongIndex1D(item));
        if (typeof(TIndex) == typeof(Index2D))
        {
            Index2D size = Unsafe.BitCast<TIndex, Index2D>(extent);
            return Unsafe.BitCast<Index2D, TIndex>(new Index2D((int)(item % size.X), (int)(item / size.X)));
        }

        if (typeof(TIndex) == typeof(Index3D))
            return Unsafe.BitCast<Index3D, TIndex>(GroupLaunch.Unflatten(item, Unsafe.BitCast<TIndex, Index3D>(extent)));
        throw new NotSupportedException($"{typeof(TIndex).Name} is no index of an implicitly grouped kernel.");
    }
}
