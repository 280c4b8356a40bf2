using System.Diagnostics;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Kernels.Verification.Catalogue;
using NativeRlhf.Kernels.Verification.Vendor;

namespace NativeRlhf.Kernels.Verification.Timing;

/// <summary>The time of a call.</summary>
/// <param name="Median">The median, in seconds.</param>
/// <param name="Lower">A quarter of the samples took at most this.</param>
/// <param name="Upper">A quarter of them took at least this.</param>
/// <param name="Samples">How many samples there are.</param>
public readonly record struct CallTime(double Median, double Lower, double Upper, int Samples);

/// <summary>A library's time for the same product.</summary>
/// <param name="Name">Library, function and precision.</param>
/// <param name="Time">Its time.</param>
public sealed record VendorTime(string Name, CallTime Time);

/// <summary>A case, timed on one shape.</summary>
/// <param name="Case">The case.</param>
/// <param name="Variant">The variant that ran.</param>
/// <param name="Precision">How operands were stored: float32 or bfloat16.</param>
/// <param name="Label">What the shape is in a model; may be empty.</param>
/// <param name="Sizes">The size of each dimension.</param>
/// <param name="Time">The time of a call.</param>
/// <param name="Flops">Floating-point operations of products of a call; 0 where memory is the limit.</param>
/// <param name="Bytes">Bytes that a call reads and writes, each operand once.</param>
/// <param name="Roofline">The least time that the device's limits allow, as a share of the time that it took.</param>
/// <param name="Vendors">What vendors' libraries take.</param>
public sealed record KernelTime(
    OpCase Case, string Variant, string Precision, string Label, IReadOnlyList<int> Sizes, CallTime Time, double Flops, double Bytes, double Roofline, IReadOnlyList<VendorTime> Vendors);

/// <summary>Times ops on a device, with operands that no cache holds.</summary>
/// <param name="device">The device; on a GPU opened with its timers on.</param>
/// <param name="limits">What it can do.</param>
/// <param name="vendors">Libraries to time beside it.</param>
/// <param name="seconds">How long to sample each.</param>
public sealed class KernelTimer(ComputeDevice device, DeviceLimits limits, IReadOnlyList<IVendorProduct> vendors, double seconds = 0.5)
{
    private const int MostCopies = 512, LeastSamples = 5, MostSamples = 1000;

    // A GPU's largest last-level cache so far has 126 MiB.
    private const long GpuCache = 128L << 20;

    private const long MostMemory = 4L << 30;

    // Shorter samples are lost in the clock's own time.
    private const double LeastSample = 1e-3;

    private readonly long _cache = device.IsHostMemory ? HostCache() : GpuCache;

    /// <summary>Times a case.</summary>
    /// <param name="definition">The case.</param>
    /// <param name="shape">On what shape.</param>
    /// <param name="precision">How operands are stored that need not be of float32.</param>
    /// <returns>Its time and what it did in it.</returns>
    /// <exception cref="ArgumentException">The operands do not fit into the device's memory.</exception>
    public KernelTime Time(OpCase definition, TimedShape shape, string precision = "float32")
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(shape);
        var storage = precision == "bfloat16" ? ElementType.BFloat16 : ElementType.Float32;
        var (elements, flops, bytes, written) = Plan(definition, shape.Sizes, storage);
        int copies = Copies(elements, bytes);
        if (sizeof(float) * elements * copies > device.MemorySize * 0.9)
            throw new ArgumentException($"{definition.Name} of {definition.Format(shape.Sizes)} takes {sizeof(float) * elements / 1e9:F1} GB, more than the device has");
        using var arena = device.AllocateArena(elements * copies, "bench");
        var problems = new Problem[copies];
        try
        {
            for (int i = 0; i < copies; i++) problems[i] = Problem.Create(definition, shape.Sizes, device, (rows, cols, type) => arena.Take(rows, cols, "", type), (ulong)i, isTimed: true, storage);
            var time = Sample(call => problems[call % copies].Run());
            arena.Reset();
            double least = limits.LeastSeconds(flops, bytes, isRead: sizeof(float) * written < bytes / 8);
            return new KernelTime(definition, device.Kernels.Chosen[definition.Op], precision, shape.Label, shape.Sizes, time, flops, bytes, least / time.Median, [.. Vendors(definition, shape.Sizes)]);
        }
        finally
        {
            foreach (var problem in problems) problem?.Dispose();
        }
    }

    /// <summary>Runs the case on a device without memory, which says what it takes.</summary>
    private static (long Elements, double Flops, double Bytes, long Written) Plan(OpCase definition, IReadOnlyList<int> sizes, ElementType storage)
    {
        using var rehearsal = ComputeDevice.OpenRehearsal();
        using var arena = rehearsal.AllocateArena(1L << 48);
        using var problem = Problem.Create(definition, sizes, rehearsal, (rows, cols, type) => arena.Take(rows, cols, "", type), 0, isTimed: true, storage);
        problem.Run();
        return (arena.Used, rehearsal.Work.Flops, rehearsal.Work.Bytes, problem.Outputs.Sum(output => output.Elements));
    }

    private IEnumerable<VendorTime> Vendors(OpCase definition, IReadOnlyList<int> sizes)
    {
        if (definition.Op != "matmul") yield break;
        bool isOutIn = definition.Method.EndsWith("outIn", StringComparison.Ordinal);
        var (N, IC, OC) = (sizes[0], sizes[1], sizes[2]);
        // Rows, columns and inner size of the product, and which operand lies transposed.
        var (m, n, k, transposeA, transposeB, beta) = definition.Method.Split('.')[0] switch
        {
            "y" => (N, OC, IC, false, isOutIn, 0f),
            "dX" => (N, IC, OC, false, !isOutIn, 0f),
            _ when isOutIn => (OC, IC, N, true, false, 1f),
            _ => (IC, OC, N, true, false, 1f),
        };
        long elements = Arena.AlignUp((long)m * k) + Arena.AlignUp((long)k * n) + Arena.AlignUp((long)m * n);
        int copies = Copies(elements, sizeof(float) * elements);
        using var arena = device.AllocateArena(elements * copies, "bench");
        var operands = new (Tensor A, Tensor B, Tensor C)[copies];
        for (int i = 0; i < copies; i++)
        {
            operands[i] = (arena.Take(m, k), arena.Take(k, n), arena.Take(m, n));
            // Small numbers whose halves are bfloat16 numbers, too: libraries read the memory as either.
            float pattern = BitConverter.UInt32BitsToSingle(0x3E993E99);
            device.Kernels.Elementwise.Fill(operands[i].A, pattern);
            device.Kernels.Elementwise.Fill(operands[i].B, pattern);
            device.Kernels.Elementwise.Fill(operands[i].C, 0);
        }

        nint[][] addresses = [.. operands.Select(o => new[] { Address(o.A), Address(o.B), Address(o.C) })];
        foreach (var vendor in vendors)
        {
            yield return new VendorTime(vendor.Name, Sample(call =>
            {
                nint[] place = addresses[call % copies];
                vendor.Multiply(m, n, k, place[0], transposeA, place[1], transposeB, beta, place[2]);
            }));
        }
    }

    /// <summary>So many copies of the operands that what a call touches was last touched two caches ago, as far as there is memory.</summary>
    private int Copies(long elements, double touched)
    {
        double wanted = (2 * _cache / Math.Max(touched, 1)) + 1, room = Math.Min(device.MemorySize / 4, MostMemory) / (sizeof(float) * (double)Math.Max(elements, 1));
        return (int)Math.Min(Math.Min(wanted, Math.Max(room, 1)), MostCopies);
    }

    /// <summary>Samples a call by the device's clock, after a warm-up of a tenth of the time.</summary>
    private CallTime Sample(Action<int> call)
    {
        var clock = new DeviceClock(device);
        int calls = 0, each = 1;
        long begin = Stopwatch.GetTimestamp();
        double warm = 0;
        while (true)
        {
            double took = Run();
            warm = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            if (took < LeastSample) each = Math.Max(each + 1, (int)Math.Min(each * 8L, each * 1.5 * LeastSample / Math.Max(took, 1e-9)));
            else if (warm >= seconds / 10) break;
        }

        List<double> samples = [];
        begin = Stopwatch.GetTimestamp();
        while (samples.Count < LeastSamples || (samples.Count < MostSamples && Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)) samples.Add(Run() / each);
        samples.Sort();
        return new CallTime(Quantile(samples, 0.5), Quantile(samples, 0.25), Quantile(samples, 0.75), samples.Count);

        double Run()
        {
            var start = clock.Now();
            for (int i = 0; i < each; i++) call(calls++ & int.MaxValue);
            var end = clock.Now();
            device.Synchronize();
            return DeviceClock.Seconds(start, end);
        }
    }

    /// <summary>A quantile of sorted samples, between its neighbours where it falls between them.</summary>
    internal static double Quantile(List<double> sorted, double share)
    {
        double place = share * (sorted.Count - 1);
        int below = (int)place;
        return sorted[below] + ((place - below) * (sorted[Math.Min(below + 1, sorted.Count - 1)] - sorted[below]));
    }

    private static unsafe nint Address(Tensor tensor) => ILGPU.Runtime.ArrayViewExtensions.LoadEffectiveAddressAsPtr(tensor.View);

    /// <summary>The last-level cache of this machine: what Linux says of it, or a common size.</summary>
    private static long HostCache()
    {
        const string Folder = "/sys/devices/system/cpu/cpu0/cache";
        long largest = 0;
        if (Directory.Exists(Folder))
        {
            foreach (string index in Directory.GetDirectories(Folder, "index*"))
            {
                string file = Path.Combine(index, "size");
                if (!File.Exists(file)) continue;
                string size = File.ReadAllText(file).Trim();
                if (size.Length > 1 && long.TryParse(size.AsSpan(0, size.Length - 1), out long number)) largest = Math.Max(largest, number << (size[^1] == 'M' ? 20 : 10));
            }
        }

        return largest > 0 ? Math.Min(largest, 256L << 20) : 32L << 20;
    }
}
