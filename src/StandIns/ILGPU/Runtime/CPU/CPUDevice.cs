using System.Collections.Immutable;
using System.Numerics;

namespace ILGPU.Runtime.CPU;

/// <summary>Accelerators that the CPU device imitates in warp and group size.</summary>
public enum CPUDeviceKind
{
    Default,
    Nvidia,
    AMD,
    LegacyAMD,
    Intel,
}

/// <summary>How group members run. Here always one at a time in a group, several groups at once.</summary>
public enum CPUAcceleratorMode
{
    Auto = 0,
    Sequential = 1,
    Parallel = 2,
}

/// <summary>The CPU, with a warp and group size of one's choice.</summary>
[DeviceType(AcceleratorType.CPU)]
public sealed class CPUDevice : Device
{
    public static readonly CPUDevice Default = new(4, 4, 1);
    public static readonly CPUDevice Nvidia = new(32, 32, 1);
    public static readonly CPUDevice AMD = new(32, 8, 1);
    public static readonly CPUDevice LegacyAMD = new(64, 4, 1);
    public static readonly CPUDevice Intel = new(16, 8, 1);

    /// <summary>All devices, in the order of <see cref="CPUDeviceKind"/>.</summary>
    public static readonly ImmutableArray<CPUDevice> All = [Default, Nvidia, AMD, LegacyAMD, Intel];

    public CPUDevice(int numThreadsPerWarp, int numWarpsPerMultiprocessor, int numMultiprocessors)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numThreadsPerWarp, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(numWarpsPerMultiprocessor, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(numMultiprocessors, 1);
        if (!BitOperations.IsPow2(numWarpsPerMultiprocessor))
            throw new ArgumentOutOfRangeException(nameof(numWarpsPerMultiprocessor));
        if (numThreadsPerWarp * numWarpsPerMultiprocessor > short.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(numWarpsPerMultiprocessor));

        Name = nameof(CPUAccelerator);
        WarpSize = numThreadsPerWarp;
        MaxNumThreadsPerGroup = numThreadsPerWarp * numWarpsPerMultiprocessor;
        MaxNumThreadsPerMultiprocessor = MaxNumThreadsPerGroup;
        NumMultiprocessors = numMultiprocessors;
        MaxGroupSize = new Index3D(MaxNumThreadsPerGroup);
        MaxGridSize = new Index3D(int.MaxValue, ushort.MaxValue, ushort.MaxValue);
        MemorySize = long.MaxValue;
        MaxSharedMemoryPerGroup = int.MaxValue;
        MaxConstantMemory = int.MaxValue;
    }

    public int NumThreads => MaxNumThreads;

    public static CPUDevice GetDevice(CPUDeviceKind kind) =>
        kind is >= CPUDeviceKind.Default and <= CPUDeviceKind.Intel
            ? All[(int)kind]
            : throw new ArgumentOutOfRangeException(nameof(kind));

    public override Accelerator CreateAccelerator(Context context) => CreateCPUAccelerator(context);

    public CPUAccelerator CreateCPUAccelerator(Context context) =>
        CreateCPUAccelerator(context, CPUAcceleratorMode.Auto);

    public CPUAccelerator CreateCPUAccelerator(Context context, CPUAcceleratorMode mode) =>
        CreateCPUAccelerator(context, mode, ThreadPriority.Normal);

    public CPUAccelerator CreateCPUAccelerator(
        Context context, CPUAcceleratorMode mode, ThreadPriority threadPriority) =>
        new(context, this, mode, threadPriority);
}

/// <summary>The CPU in use.</summary>
public sealed class CPUAccelerator : Accelerator
{
    internal CPUAccelerator(Context context, CPUDevice device, CPUAcceleratorMode mode, ThreadPriority threadPriority)
        : base(context, device)
    {
        Mode = mode;
        ThreadPriority = threadPriority;
    }

    public CPUAcceleratorMode Mode { get; }
    public ThreadPriority ThreadPriority { get; }
    public int NumThreads => MaxNumThreads;
}

/// <summary>Choosing the CPU when a context is built, and finding it there.</summary>
public static class CPUContextExtensions
{
    public static Context.Builder DefaultCPU(this Context.Builder builder) => builder.CPU(CPUDeviceKind.Default);

    public static Context.Builder CPU(this Context.Builder builder, CPUDeviceKind kind) =>
        builder.CPU(CPUDevice.GetDevice(kind));

    public static Context.Builder CPU(this Context.Builder builder, CPUDevice device)
    {
        builder.Register(device);
        return builder;
    }

    public static Context.Builder CPU(this Context.Builder builder) => builder.CPU(_ => true);

    public static Context.Builder CPU(this Context.Builder builder, Predicate<CPUDevice> predicate)
    {
        foreach (CPUDevice device in CPUDevice.All)
        {
            if (predicate(device))
                builder.Register(device);
        }

        return builder;
    }

    public static CPUDevice GetCPUDevice(this Context context, int cpuDeviceIndex) =>
        context.GetDevice<CPUDevice>(cpuDeviceIndex);

    public static Context.DeviceCollection<CPUDevice> GetCPUDevices(this Context context) =>
        context.GetDevices<CPUDevice>();

    public static CPUAccelerator CreateCPUAccelerator(this Context context, int cpuDeviceIndex) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context);

    public static CPUAccelerator CreateCPUAccelerator(
        this Context context, int cpuDeviceIndex, CPUAcceleratorMode mode) =>
        context.GetCPUDevice(cpuDeviceIndex).CreateCPUAccelerator(context, mode);
}
