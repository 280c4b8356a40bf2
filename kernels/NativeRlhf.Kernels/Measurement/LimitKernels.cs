using System.Diagnostics;
using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Measurement;

/// <summary>Measures the limits of an accelerator by a copy, a sum, a chain of multiply-adds, and launches of nothing.</summary>
internal sealed class LimitKernels(ComputeDevice device)
{
    private const int Rounds = 4096, ChainsPerThread = 8, Runs = 10, GroupsPerMultiprocessor = 32;

    private readonly Action<KernelConfig, ArrayView<Float4>, ArrayView<Float4>, int> _copy =
        device.Accelerator.LoadStreamKernel<ArrayView<Float4>, ArrayView<Float4>, int>(CopyKernel);

    private readonly Action<KernelConfig, ArrayView<Float4>, ArrayView<Float4>, int> _read =
        device.Accelerator.LoadStreamKernel<ArrayView<Float4>, ArrayView<Float4>, int>(ReadKernel);

    private readonly Action<KernelConfig, ArrayView<Float4>, float, float, int> _multiplyAdd =
        device.Accelerator.LoadStreamKernel<ArrayView<Float4>, float, float, int>(MultiplyAddKernel);

    /// <summary>The limits, with arrays of an eighth of the memory or 1 GiB, whichever is less.</summary>
    public DeviceLimits Measure()
    {
        var accelerator = device.Accelerator;
        int count = (int)(Math.Min(accelerator.MemorySize / 8, 1L << 30) / 16), group = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        int groups = accelerator.NumMultiprocessors * GroupsPerMultiprocessor;
        var launch = new KernelConfig(new Index1D(groups), new Index1D(group));
        using var arena = device.AllocateArena(8L * count, "limits");
        ArrayView<Float4> source = arena.Take(count, 4).View.Cast<Float4>(), target = arena.Take(count, 4).View.Cast<Float4>();
        return new DeviceLimits(
            PerSecond(2.0 * 4 * ChainsPerThread * Rounds * groups * group, () => _multiplyAdd(launch, target, 0.999f, 0.001f, Rounds)),
            PerSecond(16.0 * count, () => _read(launch, target, source, count)),
            PerSecond(32.0 * count, () => _copy(launch, target, source, count)),
            EmptyLaunch(device));
    }

    /// <summary>The time of a launch of a kernel that does nothing, among many that follow each other; the best of several runs.</summary>
    public static double EmptyLaunch(ComputeDevice device)
    {
        var empty = device.Accelerator.LoadStreamKernel<ArrayView<int>>(EmptyKernel);
        var one = new KernelConfig(new Index1D(1), new Index1D(1));
        // A CPU simulates them.
        int launches = device.IsHostMemory ? 20 : 1000;
        double best = double.MaxValue;
        for (int run = 0; run <= Runs; run++)
        {
            long begin = Stopwatch.GetTimestamp();
            for (int i = 0; i < launches; i++) empty(one, default);
            device.Synchronize();
            // The first run compiles.
            if (run > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds / launches);
        }

        return best;
    }

    private double PerSecond(double units, Action work)
    {
        var clock = new DeviceClock(device);
        work();
        device.Synchronize();
        double best = double.MaxValue;
        for (int run = 0; run < Runs; run++)
        {
            var start = clock.Now();
            work();
            var end = clock.Now();
            device.Synchronize();
            best = Math.Min(best, DeviceClock.Seconds(start, end));
        }

        return units / best;
    }

    [Kernel(Grouping.Explicit)]
    private static void EmptyKernel(ArrayView<int> none)
    {
    }

    [Kernel(Grouping.Explicit)]
    private static void CopyKernel(ArrayView<Float4> target, ArrayView<Float4> source, int count)
    {
        for (long i = ElementLoop.First; i < count; i += ElementLoop.Step) target[i] = source[i];
    }

    [Kernel(Grouping.Explicit)]
    private static void ReadKernel(ArrayView<Float4> target, ArrayView<Float4> source, int count)
    {
        Float4 a = default, b = default;
        long step = ElementLoop.Step;
        for (long i = ElementLoop.First; i < count; i += 2 * step)
        {
            a = a.Add(1, source[i]);
            if (i + step < count) b = b.Add(1, source[i + step]);
        }

        // The sum of zeros is never this, but the compiler does not know.
        if (a.X + a.Y + a.Z + a.W + b.X + b.Y + b.Z + b.W == 1e30f) target[ElementLoop.First] = a;
    }

    /// <summary>Eight independent chains of four multiply-adds, enough to hide the latency of the instruction.</summary>
    [Kernel(Grouping.Explicit)]
    private static void MultiplyAddKernel(ArrayView<Float4> target, float x, float y, int rounds)
    {
        Float4 a = new(y, y + 1, y + 2, y + 3), b = new(y + 4, y + 5, y + 6, y + 7);
        for (int r = 0; r < rounds; r++)
        {
            a = a.Times(x).Plus(y);
            b = b.Times(x).Plus(y);
            a = a.Times(x).Plus(y);
            b = b.Times(x).Plus(y);
            a = a.Times(x).Plus(y);
            b = b.Times(x).Plus(y);
            a = a.Times(x).Plus(y);
            b = b.Times(x).Plus(y);
        }

        if (a.Sum + b.Sum == 1e30f) target[ElementLoop.First] = a;
    }
}
