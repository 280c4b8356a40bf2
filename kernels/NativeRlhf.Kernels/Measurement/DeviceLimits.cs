using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Measurement;

/// <summary>The limits of a device, measured: what every op's time is held against.</summary>
/// <param name="PeakFlops">Multiply-adds of float32, two operations each, a second: at the widest vectors of a CPU, in the registers of a GPU.</param>
/// <param name="ReadBandwidth">Bytes a second that sums over an array beyond the caches read.</param>
/// <param name="CopyBandwidth">Bytes a second, read and written together, of a copy beyond the caches.</param>
/// <param name="EmptyLaunch">Seconds of a launch of a kernel that does nothing, one of many that follow each other; a CPU simulates it.</param>
public sealed record DeviceLimits(double PeakFlops, double ReadBandwidth, double CopyBandwidth, double EmptyLaunch)
{
    private const int Elements = 1 << 26; // 256 MiB

    /// <summary>Measures a device, in about a second.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The best of several runs of each: a limit is what the device can do.</returns>
    public static DeviceLimits Measure(ComputeDevice device) => device.IsHostMemory ? MeasureHost(device) : new LimitKernels(device).Measure();

    /// <summary>The least time that some work can take.</summary>
    /// <param name="flops">Floating-point operations of products.</param>
    /// <param name="bytes">Bytes read and written.</param>
    /// <param name="isRead">Whether nearly all of the bytes are read.</param>
    /// <returns>Seconds: the roofline (Williams et al. 2009).</returns>
    public double LeastSeconds(double flops, double bytes, bool isRead = false) => Math.Max(flops / PeakFlops, bytes / (isRead ? ReadBandwidth : CopyBandwidth));

    private static DeviceLimits MeasureHost(ComputeDevice device)
    {
        int threads = device.Team.Threads;
        double peak = 0, read = 0, copy = 0;
        // The best of several: a limit is what the machine can do.
        for (int round = 0; round < 5; round++)
        {
            peak = Math.Max(peak, PerSecond(threads, _ => Vector512.IsHardwareAccelerated ? FusedMultiplyAdds<Simd512, Vector512<float>>() : FusedMultiplyAdds<Simd256, Vector256<float>>()));
            unsafe
            {
                float* memory = (float*)NativeMemory.AlignedAlloc((nuint)Elements * sizeof(float), 64);
                try
                {
                    // As arenas do.
                    HugePages.Advise(memory, (long)Elements * sizeof(float));
                    new Span<float>(memory, Elements).Fill(1);
                    var (source, part) = ((nint)memory, Elements / threads / 2 * 2);
                    read = Math.Max(read, PerSecond(threads, t => Read((float*)source + ((nint)t * part), part)));
                    copy = Math.Max(copy, PerSecond(threads, t => Copy((float*)source + ((nint)t * part), part)));
                }
                finally
                {
                    NativeMemory.AlignedFree(memory);
                }
            }
        }

        return new DeviceLimits(peak, read, copy, LimitKernels.EmptyLaunch(device));
    }

    /// <summary>Units a second when all threads run a body that returns its units.</summary>
    private static double PerSecond(int threads, Func<int, double> body)
    {
        double units = 0;
        using var start = new Barrier(threads);
        long begin = 0;
        var team = new Thread[threads];
        for (int t = 0; t < threads; t++)
        {
            int index = t;
            team[t] = new Thread(() =>
            {
                start.SignalAndWait();
                if (index == 0) begin = Stopwatch.GetTimestamp();
                double done = body(index);
                lock (start) units += done;
            });
            team[t].Start();
        }

        foreach (var thread in team) thread.Join();
        return units / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    /// <summary>Twelve independent chains, enough to hide the latency of the instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double FusedMultiplyAdds<S, V>()
        where S : struct, ISimd<V>
        where V : struct
    {
        const int Rounds = 10_000_000;
        V x = S.Set(0.999f), y = S.Set(0.001f);
        V a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int r = 0; r < Rounds; r++)
        {
            a = S.FusedMultiplyAdd(a, x, y); b = S.FusedMultiplyAdd(b, x, y); c = S.FusedMultiplyAdd(c, x, y);
            d = S.FusedMultiplyAdd(d, x, y); e = S.FusedMultiplyAdd(e, x, y); f = S.FusedMultiplyAdd(f, x, y);
            g = S.FusedMultiplyAdd(g, x, y); h = S.FusedMultiplyAdd(h, x, y); i = S.FusedMultiplyAdd(i, x, y);
            j = S.FusedMultiplyAdd(j, x, y); k = S.FusedMultiplyAdd(k, x, y); l = S.FusedMultiplyAdd(l, x, y);
        }

        V abcd = S.Add(S.Add(a, b), S.Add(c, d)), efgh = S.Add(S.Add(e, f), S.Add(g, h)), ijkl = S.Add(S.Add(i, j), S.Add(k, l));
        s_sink = S.Sum(S.Add(S.Add(abcd, efgh), ijkl));
        return Rounds * 12.0 * S.Width * 2;
    }

    private static float s_sink;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe double Read(float* source, int count)
    {
        const int Step = 32;
        Vector256<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < count; i += Step)
        {
            a += Vector256.Load(source + i);
            b += Vector256.Load(source + i + 8);
            c += Vector256.Load(source + i + 16);
            d += Vector256.Load(source + i + 24);
        }

        s_sink = Vector256.Sum(a + b + c + d);
        return (double)count * sizeof(float);
    }

    private static unsafe double Copy(float* memory, int count)
    {
        int half = count / 2;
        new ReadOnlySpan<float>(memory, half).CopyTo(new Span<float>(memory + half, half));
        return 2.0 * half * sizeof(float);
    }
}
