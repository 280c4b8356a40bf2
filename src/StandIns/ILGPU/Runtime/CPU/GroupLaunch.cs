using System.Runtime.ExceptionServices;

namespace ILGPU.Runtime.CPU;

/// <summary>One launch of an explicitly grouped kernel: groups are handed out to one runner per core.</summary>
internal sealed class GroupLaunch
{
    private readonly CountdownEvent running;
    private readonly long groupCount;
    private long nextGroup;
    private ExceptionDispatchInfo? failure;

    private GroupLaunch(Accelerator accelerator, in KernelConfig config, Action kernel, int runners)
    {
        Accelerator = accelerator;
        Config = config;
        Kernel = kernel;
        groupCount = config.GridDim.LongSize;
        running = new CountdownEvent(runners);
    }

    public Accelerator Accelerator { get; }
    public KernelConfig Config { get; }
    public Action Kernel { get; }
    public bool HasFailed => Volatile.Read(ref failure) is not null;

    public static void Run(Accelerator accelerator, in KernelConfig config, Action kernel)
    {
        int runners = (int)Math.Min(config.GridDim.LongSize, Environment.ProcessorCount);
        var launch = new GroupLaunch(accelerator, config, kernel, runners);
        for (int i = 1; i < runners; i++)
            GroupThread.Rent().Start(new GroupRunner(launch));
        new GroupRunner(launch).Run(GroupThread.Caller);

        launch.running.Wait();
        launch.running.Dispose();
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
        long group = Interlocked.Increment(ref nextGroup) - 1;
        bool taken = group < groupCount && !HasFailed;
        gridIndex = taken ? Unflatten(group, Config.GridDim) : default;
        return taken;
    }

    /// <summary>Ends the launch early. The first exception is the one that its caller sees.</summary>
    public void Fail(Exception exception) =>
        Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);

    public void RunnerHasEnded() => running.Signal();
}
