using System.Collections.Immutable;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace ILGPU;

public enum OptimizationLevel
{
    Debug = O0,
    Release = O1,
    O0 = 0,
    O1,
    O2,
}

public enum MathMode
{
    Default,
    Fast,
    Fast32BitOnly,
}

public enum InliningMode
{
    Default = Aggressive,
    Aggressive = 0,
    Conservative,
    Disabled,
}

public enum PageLockingMode
{
    Default,
    Auto,
    Aggressive,
}

/// <summary>What a context was built with.</summary>
public class ContextProperties
{
    protected internal ContextProperties()
    {
    }

    public OptimizationLevel OptimizationLevel { get; protected set; } = OptimizationLevel.Release;
    public InliningMode InliningMode { get; protected set; }
    public MathMode MathMode { get; protected set; }
    public PageLockingMode PageLockingMode { get; protected set; }
    public bool EnableAssertions { get; protected set; }
    public bool EnableProfiling { get; protected set; }
}

/// <summary>Where everything starts: the devices, and the accelerators made from them.</summary>
public sealed class Context : IDisposable
{
    private readonly List<WeakReference<Accelerator>> accelerators = [];
    private bool disposed;

    private Context(Builder builder)
    {
        Properties = builder;
        Devices = builder.Devices.ToImmutableArray();
    }

    /// <summary>The version of the package whose API this is.</summary>
    public static string Version => "1.5.3";

    public ImmutableArray<Device> Devices { get; }
    public ContextProperties Properties { get; }

    public static Builder Create() => new();

    public static Context Create(Action<Builder> buildingCallback)
    {
        ArgumentNullException.ThrowIfNull(buildingCallback);
        Builder builder = Create();
        buildingCallback(builder);
        return builder.ToContext();
    }

    public static Context CreateDefault() => Create(builder => builder.Default());

    public TDevice GetDevice<TDevice>(int deviceIndex)
        where TDevice : Device =>
        GetDevices<TDevice>()[deviceIndex];

    public DeviceCollection<TDevice> GetDevices<TDevice>()
        where TDevice : Device =>
        new([.. Devices.OfType<TDevice>()]);

    public Device GetPreferredDevice(bool preferCPU) => GetPreferredDevices(preferCPU, matchingDevicesOnly: false).First();

    public IEnumerable<Device> GetPreferredDevices(bool preferCPU, bool matchingDevicesOnly) =>
        Devices.Length > 0
            ? Devices
            : throw new NotSupportedException("The context has been built without a device.");

    public ImmutableArray<Device>.Enumerator GetEnumerator() => Devices.GetEnumerator();

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        foreach (WeakReference<Accelerator> reference in accelerators)
        {
            if (reference.TryGetTarget(out Accelerator? accelerator))
                accelerator.Dispose();
        }
    }

    internal void Register(Accelerator accelerator)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        lock (accelerators)
            accelerators.Add(new WeakReference<Accelerator>(accelerator));
    }

    /// <summary>The devices of one kind.</summary>
    public readonly ref struct DeviceCollection<TDevice>
        where TDevice : Device
    {
        private readonly List<TDevice> devices;

        internal DeviceCollection(List<TDevice> devices) => this.devices = devices;

        public AcceleratorType AcceleratorType => DeviceTypeAttribute.GetAcceleratorType(typeof(TDevice));
        public int Count => devices.Count;

        public TDevice this[int deviceIndex] =>
            (uint)deviceIndex < (uint)devices.Count
                ? devices[deviceIndex]
                : throw new ArgumentOutOfRangeException(
                    nameof(deviceIndex), $"There is no {typeof(TDevice).Name} {deviceIndex}: the context has {devices.Count}.");

        public List<TDevice>.Enumerator GetEnumerator() => devices.GetEnumerator();
    }

    /// <summary>Collects devices and options of a new context.</summary>
    public sealed class Builder : ContextProperties
    {
        internal Builder()
        {
        }

        internal List<Device> Devices { get; } = [];

        public Builder Default() => AllAccelerators();

        public Builder AllAccelerators() => this.DefaultCPU().OpenCL().Cuda();

        public Builder AllAccelerators(Predicate<Device> predicate) => this.CPU(predicate).OpenCL().Cuda();

        public Builder Optimize(OptimizationLevel level)
        {
            OptimizationLevel = level;
            return this;
        }

        public Builder Debug() => Optimize(OptimizationLevel.Debug).Assertions();

        public Builder Release() => Optimize(OptimizationLevel.Release);

        public Builder Math(MathMode mathMode)
        {
            MathMode = mathMode;
            return this;
        }

        public Builder Inlining(InliningMode inliningMode)
        {
            InliningMode = inliningMode;
            return this;
        }

        public Builder PageLocking(PageLockingMode mode)
        {
            PageLockingMode = mode;
            return this;
        }

        public Builder Assertions()
        {
            EnableAssertions = true;
            return this;
        }

        public Builder Profiling()
        {
            EnableProfiling = true;
            return this;
        }

        public Context ToContext() => new(this);

        // Devices of equal kind and name count as one, as in the package: the first to come stays.
        internal void Register(Device device)
        {
            ArgumentNullException.ThrowIfNull(device);
            if (!Devices.Contains(device))
                Devices.Add(device);
        }
    }
}
