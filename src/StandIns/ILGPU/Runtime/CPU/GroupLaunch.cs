using System.Runtime.ExceptionServices;

namespace ILGPU.Runtime.CPU;

/// <summary>One launch of an explicitly grouped kernel.</summary>
internal sealed class GroupLaunch
{
    private readonly long groupCount;
    private long nextGroup;
    private ExceptionDispatchInfo? failure;

    private GroupLaunch(Accelerator accelerator, in KernelConfig config, Action kernel)
    {
        Accelerator = accelerator;
        Config = config;
        Kernel = kernel;
        groupCount = config.GridDim.LongSize;
    }

    public Accelerator Accelerator { get; }
    public KernelConfig Config { get; }
    public Action Kernel { get; }
    public bool HasFailed => Volatile.Read(ref failure) is not null;

    /// <summary>
    /// Runs all groups. The first one shows whether the kernel has barriers: then the members of a group share the
    /// cores and groups follow each other, else every core runs groups of its own.
    /// </summary>
    public static void Run(Accelerator accelerator, in KernelConfig config, Action kernel)
    {
        var launch = new GroupLaunch(accelerator, config, kernel);
        new GroupRunner(launch).Run(groups: 1);
        int runners = (int)Math.Min(launch.groupCount - launch.nextGroup, Environment.ProcessorCount);
        if (runners > 0 && !launch.HasFailed)
            Parallel.For(0, runners, _ => new GroupRunner(launch).Run(groups: long.MaxValue));
        launch.failure?.Throw();
    }

    /// <summary>The place of element <paramref name="linear"/> of an extent, where X runs fastest.</summary>
    public static Index3D Unflatten(long linear, Index3D extent) =>
        new(
            (int)(linear % extent.X),
            (int)(linear / extent.X % extent.Y),
            (int)(linear / extent.X / extent.Y));

    /// <summary>Takes the next group; false when there is none or the launch has failed.</summary>
    public bool TryTake(out Index3D gridIndex)
    {
        gridIndex = default;
        if (HasFailed)
            return false;
        long group = Interlocked.Increment(ref nextGroup) - 1;
        if (group >= groupCount)
            return false;
        gridIndex = Unflatten(group, Config.GridDim);
        return true;
    }

    /// <summary>Ends the launch early. The first exception is the one that its caller sees.</summary>
    public void Fail(Exception exception) =>
        Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
}
