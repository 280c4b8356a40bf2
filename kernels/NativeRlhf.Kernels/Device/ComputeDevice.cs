using System.Buffers;
using System.Linq.Expressions;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace NativeRlhf.Kernels.Device;

/// <summary>How a device is opened.</summary>
public sealed record DeviceOptions
{
    /// <summary><c>auto</c>, <c>cpu</c>, <c>cuda[:n]</c> or <c>opencl[:n]</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Worker threads of the CPU device; 0 means one for each core.</summary>
    public int Threads { get; init; }

    /// <summary>Chosen variants by op, <c>op → variant</c>, over the defaults of <see cref="KernelSet"/>; <c>*</c> stands for every op that has the variant.</summary>
    public IReadOnlyDictionary<string, string> Variants { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the accelerator's own timers are on (<see cref="DeviceClock"/>), which costs every launch a little.</summary>
    public bool HasTimers { get; init; }

    /// <summary>Whether the device's ops can be recorded (<see cref="OpRecording"/>); its timers are on then, too.</summary>
    public bool IsRecorded { get; init; }
}

/// <summary>
/// A device that runs kernels: an ILGPU accelerator, its stream and memory, the worker team of the CPU, and the
/// <see cref="Kernels"/> chosen for it. Ops keep working memory between calls, so that one thread at a time may call those of a device.
/// </summary>
public sealed class ComputeDevice : IDisposable
{
    private readonly Context _context;
    private readonly List<Arena> _arenas = [];
    private readonly Staging _staging;

    private ComputeDevice(Context context, ILGPU.Runtime.Device device, DeviceOptions options, bool isRehearsal = false)
    {
        _context = context;
        IsRehearsal = isRehearsal;
        IsRecorded = options.IsRecorded;
        Accelerator = device.CreateAccelerator(context);
        IsHostMemory = Accelerator.AcceleratorType == AcceleratorType.CPU;
        int threads = options.Threads == 0 ? Environment.ProcessorCount : options.Threads;
        Team = new WorkerTeam(IsHostMemory ? threads : 1);
        _staging = new Staging(this);
        Kernels = new KernelSet(this, options.Variants);
    }

    /// <summary>The ops, each with the variant chosen for this device.</summary>
    public KernelSet Kernels { get; }

    /// <summary>The name that the accelerator gives itself.</summary>
    public string Name => IsHostMemory ? $"CPU, {Team.Threads} thread{(Team.Threads == 1 ? "" : "s")}" : Accelerator.Name;

    /// <summary>Whether buffers lie in host memory, so that the CPU can read them in place.</summary>
    public bool IsHostMemory { get; }

    /// <summary>Whether this is a rehearsal: see <see cref="OpenRehearsal"/>.</summary>
    public bool IsRehearsal { get; }

    /// <summary>Whether the ops can be recorded: see <see cref="OpRecording"/>.</summary>
    public bool IsRecorded { get; }

    /// <summary>What is allocated on this device.</summary>
    public MemoryLedger Memory { get; } = new();

    /// <summary>The work that was done, where this is a rehearsal or recorded; otherwise nothing is counted.</summary>
    public WorkTally Work { get; } = new();

    /// <summary>The bytes of memory that the device has: an accelerator's own, or what the process may use of the host's.</summary>
    public long MemorySize => IsHostMemory ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes : Accelerator.MemorySize;

    /// <summary>The ILGPU accelerator.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The threads of the CPU device; a team of one on others.</summary>
    public WorkerTeam Team { get; }

    /// <summary>Whether the ILGPU in use is the package; otherwise it is the stand-in, which has the CPU accelerator alone.</summary>
    public static bool UsesIlgpuPackage => typeof(Context).Assembly.GetName().Name == "ILGPU";

    /// <summary>All accelerators that ILGPU finds, each as <c>kind:index name</c>.</summary>
    /// <returns>One entry an accelerator.</returns>
    public static IReadOnlyList<string> List()
    {
        using var context = CreateContext(allAccelerators: true);
        return [.. context.Devices
            .GroupBy(d => d.AcceleratorType)
            .SelectMany(g => g.Select((d, i) => $"{Kind(g.Key)}:{i} {d.Name}"))];
    }

    /// <summary>Opens a device.</summary>
    /// <param name="options">Which device, how many threads, which variants.</param>
    /// <returns>The open device.</returns>
    /// <exception cref="ArgumentException">There is no such device, or an unknown variant is named.</exception>
    public static ComputeDevice Open(DeviceOptions? options = null)
    {
        options ??= new DeviceOptions();
        if (options.Threads is < 0 or > 1024)
            throw new ArgumentException($"threads is {options.Threads}; give 1 to 1024, or 0 for one per core");
        string[] parts = options.Device.Split(':');
        string kind = parts[0];
        int index = 0;
        if (kind is not ("auto" or "cpu" or "cuda" or "opencl") || parts.Length > 2
            || (parts.Length == 2 && (kind is "auto" or "cpu" || !int.TryParse(parts[1], out index) || index < 0)))
            throw new ArgumentException($"device '{options.Device}' is not known; use auto, cpu, cuda[:n] or opencl[:n]");

        var context = CreateContext(allAccelerators: kind != "cpu", options.HasTimers || options.IsRecorded);
        try
        {
            var found = context.Devices.Where(d => kind == "auto" || Kind(d.AcceleratorType) == kind)
                .OrderBy(d => d.AcceleratorType switch { AcceleratorType.Cuda => 0, AcceleratorType.CPU => 1, _ => 2 })
                .ToList();
            if (index >= found.Count)
                throw new ArgumentException($"device '{options.Device}' was not found; there is {(found.Count == 0 ? "none of this kind" : $"0 to {found.Count - 1}")} (see: nativerlhf devices)");
            return new ComputeDevice(context, found[index], options);
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a device on which everything has a size and nothing has memory: models and trainers are made on it by the same code
    /// as on any other, and run; <see cref="Memory"/> then says what they would take and <see cref="Work"/> what they would do. Of
    /// what is read back all is zero. Index buffers alone are real.
    /// </summary>
    /// <returns>The open device.</returns>
    public static ComputeDevice OpenRehearsal()
    {
        var context = CreateContext(allAccelerators: false);
        var cpu = context.Devices.First(device => device.AcceleratorType == AcceleratorType.CPU);
        return new ComputeDevice(context, cpu, new DeviceOptions { Threads = 1 }, isRehearsal: true);
    }

    /// <summary>Allocates an arena, filled with zeros.</summary>
    /// <param name="capacity">Its size in float32 elements.</param>
    /// <param name="purpose">What it is for, in <see cref="Memory"/>.</param>
    /// <returns>The arena, to be disposed by the caller.</returns>
    public Arena AllocateArena(long capacity, string purpose = "other")
    {
        var arena = new Arena(this, capacity, purpose);
        lock (_arenas) _arenas.Add(arena);
        return arena;
    }

    /// <summary>Allocates a buffer for int32 content that changes from step to step.</summary>
    /// <param name="capacity">The expected size; it grows when more arrives.</param>
    /// <returns>The buffer, to be disposed by the caller.</returns>
    public IndexBuffer AllocateIndices(int capacity) => new(this, capacity);

    /// <summary>
    /// Copies host values into a tensor; one of bfloat16 takes the nearest, ties to even. The values are free when this returns; the copy
    /// is made in order with the kernels before and after it, and the host does not wait for it.
    /// </summary>
    /// <param name="destination">The tensor, of exactly as many elements.</param>
    /// <param name="values">The values, row by row.</param>
    public void Upload(Tensor destination, ReadOnlySpan<float> values)
    {
        Guard.Require("upload", destination.Length == values.Length, $"{values.Length} values for {destination}");
        if (values.Length == 0 || IsRehearsal) return;
        if (destination.Type == ElementType.Float32)
        {
            Upload(destination.View, values);
            return;
        }

        using var narrow = MemoryPool<BFloat16>.Shared.Rent(values.Length);
        var elements = narrow.Memory.Span[..values.Length];
        BFloat16.Narrow(values, elements);
        Upload(destination.BFloat16View, elements);
    }

    /// <summary>Copies a tensor to the host, after all work before it is done.</summary>
    /// <param name="source">The tensor.</param>
    /// <param name="values">Receives the values row by row; exactly as many elements.</param>
    public void Download(Tensor source, Span<float> values)
    {
        Guard.Require("download", source.Length == values.Length, $"{values.Length} places for {source}");
        if (IsRehearsal) values.Clear();
        if (values.Length == 0 || IsRehearsal) return;
        if (source.Type == ElementType.Float32)
        {
            Download(source.View, values);
            return;
        }

        using var narrow = MemoryPool<BFloat16>.Shared.Rent(values.Length);
        var elements = narrow.Memory.Span[..values.Length];
        Download(source.BFloat16View, elements);
        BFloat16.Widen(elements, values);
    }

    /// <summary>Waits until all work is done.</summary>
    public void Synchronize()
    {
        // SIMD variants are done when they return; only launched kernels are waited for.
        if (!IsHostMemory || Kernels.UsesLaunches) Accelerator.Synchronize();
        Waits++;
    }

    /// <summary>What the memory that a tensor begins in was called when it was taken from an arena of this device.</summary>
    /// <param name="tensor">A tensor, or a part of one.</param>
    /// <returns>The name, or null if it has none.</returns>
    public string? NameOf(Tensor tensor)
    {
        lock (_arenas) return _arenas.Select(arena => arena.NameOf(tensor)).FirstOrDefault(name => name is not null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernels.Dispose();
        _staging.Dispose();
        Team.Dispose();
        Accelerator.Dispose();
        _context.Dispose();
    }

    /// <summary>An arena is disposed.</summary>
    internal void Forget(Arena arena)
    {
        lock (_arenas) _arenas.Remove(arena);
    }

    /// <summary>
    /// How often the host has waited for the device: whatever was under way before is done. Downloads wait, and <see cref="Synchronize"/>;
    /// uploads and launches do not.
    /// </summary>
    public long Waits { get; private set; }

    /// <summary>A launcher that counts its launches in <see cref="Work"/> where this device is recorded; the launcher itself on any other.</summary>
    internal T Counted<T>(T launcher)
        where T : Delegate
    {
        if (!IsRecorded) return launcher;
        ParameterExpression[] arguments = [.. typeof(T).GetMethod(nameof(Action.Invoke))!.GetParameters().Select(parameter => Expression.Parameter(parameter.ParameterType))];
        Expression count = Expression.Call(Expression.Constant((Action)Work.CountLaunch), nameof(Action.Invoke), null);
        return Expression.Lambda<T>(Expression.Block(count, Expression.Invoke(Expression.Constant(launcher), arguments)), arguments).Compile();
    }

    /// <summary>As <see cref="Upload(Tensor, ReadOnlySpan{float})"/>, of anything.</summary>
    internal unsafe void Upload<T>(ArrayView<T> destination, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        // Launches on the CPU have ended when they return.
        if (IsHostMemory) values.CopyTo(new Span<T>(destination.Pointer(), values.Length));
        else _staging.Upload(destination, values);
    }

    internal unsafe void Download<T>(ArrayView<T> source, Span<T> values)
        where T : unmanaged
    {
        if (IsHostMemory) new ReadOnlySpan<T>(source.Pointer(), values.Length).CopyTo(values);
        else source.CopyToCPU(Accelerator.DefaultStream, values); // It waits for the stream.
        Waits++;
    }

    private static Context CreateContext(bool allAccelerators, bool hasTimers = false) => Context.Create(builder =>
    {
        builder.EnableAlgorithms();
        // Groups of up to 256 threads in warps of 32: what a GPU offers, so that the same kernels run.
        builder.CPU(new CPUDevice(32, 8, 1));
        if (allAccelerators) builder.Cuda().OpenCL();
        if (hasTimers) builder.Profiling();
    });

    private static string Kind(AcceleratorType type) => type switch
    {
        AcceleratorType.CPU => "cpu",
        AcceleratorType.Cuda => "cuda",
        AcceleratorType.OpenCL => "opencl",
        _ => type.ToString().ToLowerInvariant(),
    };
}
