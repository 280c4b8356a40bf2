using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Measurement;

/// <summary>
/// What a CPU can do at this moment, each measured in some tens of milliseconds: beside every timing on a machine whose speed changes from
/// second to second.
/// </summary>
/// <param name="threads">How many threads do it.</param>
public sealed unsafe class HostLimits(int threads) : IDisposable
{
    /// <summary>What a thread does between two looks at the clock: some hundred microseconds.</summary>
    private const int Chunk = 1 << 19, FmaRounds = 100_000;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(20), s_duration = TimeSpan.FromMilliseconds(40);

    private static float s_sink;

    // 256 MiB, beyond the caches; more where each of many threads would not have a chunk to copy and one to copy it to.
    private readonly int _length = Math.Max(1 << 26, checked(2 * threads * Chunk));
    private float* _memory;

    /// <summary>Floating-point operations a second of multiply-adds of the widest vectors, without memory.</summary>
    /// <returns>Operations a second, two a multiply-add.</returns>
    public double Flops() =>
        PerSecond((_, _) => Vector512.IsHardwareAccelerated ? FusedMultiplyAdds<Simd512, Vector512<float>>() : FusedMultiplyAdds<Simd256, Vector256<float>>());

    /// <summary>Reading of memory from end to end, each thread its part.</summary>
    /// <returns>Bytes a second.</returns>
    public double Read()
    {
        var memory = (nint)Memory();
        int chunks = _length / threads / Chunk;
        return PerSecond((thread, turn) => Read((float*)memory + (((nint)thread * chunks) + (turn % chunks)) * Chunk));
    }

    /// <summary>Copying of memory.</summary>
    /// <returns>Bytes a second, read and written together.</returns>
    public double Copy()
    {
        var memory = (nint)Memory();
        int chunks = _length / threads / 2 / Chunk;
        return PerSecond((thread, turn) => Copy((float*)memory + (((2 * (nint)thread * chunks) + (turn % chunks)) * Chunk), (nint)chunks * Chunk));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    /// <summary>The memory that is read and copied, from the first time on.</summary>
    private float* Memory()
    {
        if (_memory != null) return _memory;
        _memory = (float*)NativeMemory.AlignedAlloc((nuint)_length * sizeof(float), 64);
        // As arenas do.
        HugePages.Advise(_memory, (long)_length * sizeof(float));
        new Span<float>(_memory, _length).Fill(1);
        return _memory;
    }

    /// <summary>
    /// Units a second of all threads at the same time, each turn after turn for as long as the others, after a while untimed, in which they
    /// come to cores of their own: one that a neighbour slows down does less, and nobody waits for it.
    /// </summary>
    private double PerSecond(Func<int, int, double> body)
    {
        double units = 0;
        using var start = new Barrier(threads);
        var team = new Thread[threads];
        for (int t = 0; t < threads; t++)
        {
            int thread = t;
            team[t] = new Thread(() =>
            {
                start.SignalAndWait();
                long begin = Stopwatch.GetTimestamp();
                int turn = 0;
                while (Stopwatch.GetElapsedTime(begin) < s_warmUp) body(thread, turn++);
                begin = Stopwatch.GetTimestamp();
                double done = 0;
                TimeSpan elapsed;
                do
                {
                    done += body(thread, turn++);
                    elapsed = Stopwatch.GetElapsedTime(begin);
                }
                while (elapsed < s_duration);
                lock (start) units += done / elapsed.TotalSeconds;
            });
            team[t].Start();
        }

        foreach (var thread in team) thread.Join();
        return units;
    }

    /// <summary>Twelve independent chains, enough to hide the latency of the instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double FusedMultiplyAdds<S, V>()
        where S : struct, ISimd<V>
        where V : struct
    {
        V x = S.Set(0.999f), y = S.Set(0.001f);
        V a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int r = 0; r < FmaRounds; r++)
        {
            a = S.FusedMultiplyAdd(a, x, y); b = S.FusedMultiplyAdd(b, x, y); c = S.FusedMultiplyAdd(c, x, y);
            d = S.FusedMultiplyAdd(d, x, y); e = S.FusedMultiplyAdd(e, x, y); f = S.FusedMultiplyAdd(f, x, y);
            g = S.FusedMultiplyAdd(g, x, y); h = S.FusedMultiplyAdd(h, x, y); i = S.FusedMultiplyAdd(i, x, y);
            j = S.FusedMultiplyAdd(j, x, y); k = S.FusedMultiplyAdd(k, x, y); l = S.FusedMultiplyAdd(l, x, y);
        }

        V abcd = S.Add(S.Add(a, b), S.Add(c, d)), efgh = S.Add(S.Add(e, f), S.Add(g, h)), ijkl = S.Add(S.Add(i, j), S.Add(k, l));
        s_sink = S.Sum(S.Add(S.Add(abcd, efgh), ijkl));
        return FmaRounds * 12.0 * S.Width * 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Read(float* source)
    {
        const int Step = 32;
        Vector256<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < Chunk; i += Step)
        {
            a += Vector256.Load(source + i);
            b += Vector256.Load(source + i + 8);
            c += Vector256.Load(source + i + 16);
            d += Vector256.Load(source + i + 24);
        }

        s_sink = Vector256.Sum(a + b + c + d);
        return (double)Chunk * sizeof(float);
    }

    private static double Copy(float* source, nint distance)
    {
        new ReadOnlySpan<float>(source, Chunk).CopyTo(new Span<float>(source + distance, Chunk));
        return 2.0 * Chunk * sizeof(float);
    }
}
