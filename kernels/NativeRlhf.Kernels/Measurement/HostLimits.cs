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
public sealed unsafe class HostLimits : IDisposable
{
    /// <summary>What a thread does between two looks at the clock, some hundred microseconds: floats read or copied, and rounds of multiply-adds.</summary>
    internal const int Chunk = 1 << 19, FmaRounds = 100_000;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(20), s_duration = TimeSpan.FromMilliseconds(40);

    private static float s_sink;

    private readonly int _threads;
    private float* _memory;

    /// <summary>Measures nothing yet.</summary>
    /// <param name="threads">How many threads do it.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no thread to do it.</exception>
    public HostLimits(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = threads;
        Length = (nint)Math.Max(1L << 26, (long)threads << 23);
    }

    /// <summary>The floats that are read and copied: 256 MiB, or 32 MiB for each of many threads, beyond the caches.</summary>
    internal nint Length { get; }

    /// <summary>Floating-point operations a second of multiply-adds of the widest vectors, without memory.</summary>
    /// <returns>Operations a second, two a multiply-add.</returns>
    public double Flops() =>
        PerSecond((_, _) =>
            Vector512.IsHardwareAccelerated ? FusedMultiplyAdds<Simd512, Vector512<float>>()
            : Vector256.IsHardwareAccelerated ? FusedMultiplyAdds<Simd256, Vector256<float>>()
            : FusedMultiplyAdds<Simd128, Vector128<float>>());

    /// <summary>Reading of memory from end to end, each thread its part.</summary>
    /// <returns>Bytes a second.</returns>
    public double Read()
    {
        var memory = (nint)Memory();
        return PerSecond((thread, turn) => Read((float*)memory + ReadPlace(thread, turn)));
    }

    /// <summary>Copying of memory.</summary>
    /// <returns>Bytes a second, read and written together.</returns>
    public double Copy()
    {
        var memory = (nint)Memory();
        return PerSecond((thread, turn) =>
        {
            var (source, destination) = CopyPlace(thread, turn);
            return Copy((float*)memory + source, (float*)memory + destination);
        });
    }

    /// <summary>Where a thread's chunk lies that it reads in some turn: its part from end to end, again and again.</summary>
    internal nint ReadPlace(int thread, int turn)
    {
        nint chunks = Length / _threads / Chunk;
        return ((thread * chunks) + (turn % chunks)) * Chunk;
    }

    /// <summary>Where a thread's chunk lies that it copies in some turn, and where it is copied to: the halves of the thread's part.</summary>
    internal (nint Source, nint Destination) CopyPlace(int thread, int turn)
    {
        nint chunks = Length / _threads / Chunk / 2, source = ((2 * thread * chunks) + (turn % chunks)) * Chunk;
        return (source, source + (chunks * Chunk));
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
        _memory = (float*)NativeMemory.AlignedAlloc((nuint)Length * sizeof(float), 64);
        // As arenas do, which one thread clears, too.
        HugePages.Advise(_memory, (long)Length * sizeof(float));
        for (nint i = 0; i < Length; i += Chunk) new Span<float>(_memory + i, Chunk).Fill(1);
        return _memory;
    }

    /// <summary>
    /// Units a second of all threads at the same time, each turn after turn for as long as the others, after a while untimed, in which they
    /// come to cores of their own: one that a neighbour slows down does less. Nobody has the machine for itself while it is timed: each goes on
    /// until all are warm, and until all have been timed.
    /// </summary>
    private double PerSecond(Func<int, int, double> body)
    {
        double units = 0;
        int warm = 0, timed = 0;
        using var start = new Barrier(_threads);
        var team = new Thread[_threads];
        for (int t = 0; t < _threads; t++)
        {
            int thread = t;
            team[t] = new Thread(() =>
            {
                start.SignalAndWait();
                long begin = Stopwatch.GetTimestamp();
                int turn = 0;
                while (Stopwatch.GetElapsedTime(begin) < s_warmUp) body(thread, turn++);
                Interlocked.Increment(ref warm);
                while (Volatile.Read(ref warm) < _threads) body(thread, turn++);
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
                Interlocked.Increment(ref timed);
                while (Volatile.Read(ref timed) < _threads) body(thread, turn++);
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

    private static double Copy(float* source, float* destination)
    {
        new ReadOnlySpan<float>(source, Chunk).CopyTo(new Span<float>(destination, Chunk));
        return 2.0 * Chunk * sizeof(float);
    }
}
