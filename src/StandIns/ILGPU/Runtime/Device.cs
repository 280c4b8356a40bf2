using System.Reflection;

namespace ILGPU.Runtime;

/// <summary>Names the kind of accelerator that a device class makes.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class DeviceTypeAttribute(AcceleratorType acceleratorType) : Attribute
{
    public AcceleratorType AcceleratorType { get; } = acceleratorType;

    public static AcceleratorType GetAcceleratorType(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return type.GetCustomAttribute<DeviceTypeAttribute>()?.AcceleratorType
            ?? throw new InvalidOperationException($"{type} says no accelerator type.");
    }
}

/// <summary>What an accelerator can be created from.</summary>
public abstract class Device
{
    protected Device() => AcceleratorType = DeviceTypeAttribute.GetAcceleratorType(GetType());

    public AcceleratorType AcceleratorType { get; }
    public string Name { get; protected set; } = "<Unknown>";
    public long MemorySize { get; protected set; }
    public Index3D MaxGridSize { get; protected set; }
    public Index3D MaxGroupSize { get; protected set; }
    public int MaxNumThreadsPerGroup { get; protected set; }
    public int MaxSharedMemoryPerGroup { get; protected set; }
    public int MaxConstantMemory { get; protected set; }
    public int WarpSize { get; protected set; }
    public int NumMultiprocessors { get; protected set; }
    public int MaxNumThreadsPerMultiprocessor { get; protected set; }
    public int MaxNumThreads => NumMultiprocessors * MaxNumThreadsPerMultiprocessor;

    public abstract Accelerator CreateAccelerator(Context context);

    public void PrintInformation(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteLine($"Device: {Name}");
        writer.WriteLine($"  Accelerator type: {AcceleratorType}");
        writer.WriteLine($"  Warp size: {WarpSize}");
        writer.WriteLine($"  Multiprocessors: {NumMultiprocessors}");
        writer.WriteLine($"  Threads per group: {MaxNumThreadsPerGroup}");
        writer.WriteLine($"  Threads: {MaxNumThreads}");
    }

    public override bool Equals(object? obj) =>
        obj is Device device && device.AcceleratorType == AcceleratorType && device.Name == Name;

    public override int GetHashCode() => (int)AcceleratorType;

    public override string ToString() =>
        $"{Name} [Type: {AcceleratorType}, WarpSize: {WarpSize}, " +
        $"MaxNumThreadsPerGroup: {MaxNumThreadsPerGroup}, MemorySize: {MemorySize}]";
}
