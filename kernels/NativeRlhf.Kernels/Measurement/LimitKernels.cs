using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Measurement;

/// <summary>Measures the limits of an accelerator by a copy, a sum and a chain of multiply-adds.</summary>
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
            PerSecond(32.0 * count, () => _copy(launch, target, source, count)));
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
        float a = y, b = y + 1, c = y + 2, d = y + 3, e = y + 4, f = y + 5, g = y + 6, h = y + 7;
        for (int r = 0; r < rounds; r++)
        {
            a = (a * x) + y;
            b = (b * x) + y;
            c = (c * x) + y;
            d = (d * x) + y;
            e = (e * x) + y;
            f = (f * x) + y;
            g = (g * x) + y;
            h = (h * x) + y;
            a = (a * x) + y;
            b = (b * x) + y;
            c = (c * x) + y;
            d = (d * x) + y;
            e = (e * x) + y;
            f = (f * x) + y;
            g = (g * x) + y;
            h = (h * x) + y;
            a = (a * x) + y;
            b = (b * x) + y;
            c = (c * x) + y;
            d = (d * x) + y;
            e = (e * x) + y;
            f = (f * x) + y;
            g = (g * x) + y;
            h = (h * x) + y;
            a = (a * x) + y;
            b = (b * x) + y;
            c = (c * x) + y;
            d = (d * x) + y;
            e = (e * x) + y;
            f = (f * x) + y;
            g = (g * x) + y;
            h = (h * x) + y;
        }

        if (a + b + c + d + e + f + g + h == 1e30f) target[ElementLoop.First] = new Float4(a, b, c, d);
    }
}
