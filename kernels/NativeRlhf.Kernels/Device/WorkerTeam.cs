using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>The body of a parallel loop. A struct, so that a region allocates nothing.</summary>
internal interface IParallelBody
{
    /// <summary>
    /// Does item <paramref name="index"/>. What it computes must not depend on who runs it or when;
    /// <paramref name="worker"/> only says whose scratch memory may be used.
    /// </summary>
    void Run(int index, int worker);
}

/// <summary>
/// Persistent threads that share the items of parallel loops. Between loops they spin for a short while, so that the
/// next loop starts within microseconds, then sleep. Items are claimed one at a time from a counter, which balances
/// uneven work; every item computes the same bits whoever runs it, so results do not depend on the number of threads.
/// </summary>
public sealed unsafe class WorkerTeam : IDisposable
{
    // About 30 µs of polling: longer than the gap between two ops of a training step, shorter than a scheduler tick.
    private const int SpinsBeforeSleep = 400;

    private readonly Thread[] _threads;
    private readonly float*[] _scratch;
    private readonly int[] _scratchLength;
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Lock _oneAtATime = new();

    // The loop under way. Written before _generation, read after it.
    private delegate*<void*, int, int, void> _run;
    private void* _body;
    private int _count;
    private Exception? _failure;

    private PaddedCounter _generation;
    private PaddedCounter _next;
    private PaddedCounter _working;
    private PaddedCounter _asleep;
    private volatile bool _stop;

    /// <summary>A team of <paramref name="threads"/> threads, the calling one included.</summary>
    /// <param name="threads">How many threads; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public WorkerTeam(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = new Thread[threads - 1];
        _scratch = new float*[threads];
        _scratchLength = new int[threads];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>The number of threads, the calling one included.</summary>
    public int Threads => _threads.Length + 1;

    /// <summary>Runs <paramref name="body"/> for every index in [0, <paramref name="count"/>) and returns when all are done.</summary>
    /// <typeparam name="TBody">The body's type.</typeparam>
    /// <param name="count">The number of items.</param>
    /// <param name="body">The body; a struct on the caller's stack, shared by all threads.</param>
    internal void For<TBody>(int count, TBody body)
        where TBody : struct, IParallelBody
    {
        if (count <= 0) return;
        if (_threads.Length == 0 || count == 1)
        {
            for (int i = 0; i < count; i++) body.Run(i, 0);
            return;
        }

        lock (_oneAtATime)
        {
            // The struct lives in this frame until every worker has left the loop.
            _run = &RunItem<TBody>;
            _body = Unsafe.AsPointer(ref body);
            _count = count;
            Volatile.Write(ref _next.Value, 0);
            Volatile.Write(ref _working.Value, _threads.Length);
            Interlocked.Increment(ref _generation.Value);
            int asleep = Volatile.Read(ref _asleep.Value);
            if (asleep > 0) _wake.Release(asleep);

            Claim(0);
            var spinner = new SpinWait();
            while (Volatile.Read(ref _working.Value) != 0)
            {
                if (Thread.Yield()) continue;
                spinner.SpinOnce(sleep1Threshold: -1);
            }

            if (_failure is { } failure)
            {
                _failure = null;
                throw new AggregateException(failure);
            }
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (_stop) return;
        _stop = true;
        Interlocked.Increment(ref _generation.Value);
        if (_threads.Length > 0) _wake.Release(_threads.Length);
        foreach (var thread in _threads) thread.Join();
        _wake.Dispose();
        foreach (float* memory in _scratch) NativeMemory.AlignedFree(memory);
    }

    /// <summary>Memory of a worker that lasts for one item: 64-byte aligned, at least as long as asked, content undefined.</summary>
    /// <param name="worker">The worker that runs the item.</param>
    /// <param name="length">The number of floats.</param>
    /// <returns>The worker's memory.</returns>
    internal float* Scratch(int worker, int length)
    {
        if (_scratchLength[worker] < length)
        {
            NativeMemory.AlignedFree(_scratch[worker]);
            _scratch[worker] = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);
            _scratchLength[worker] = length;
        }

        return _scratch[worker];
    }

    private static void RunItem<TBody>(void* body, int index, int worker)
        where TBody : struct, IParallelBody => Unsafe.AsRef<TBody>(body).Run(index, worker);

    private void Claim(int worker)
    {
        try
        {
            int index;
            while ((index = Interlocked.Increment(ref _next.Value) - 1) < _count) _run(_body, index, worker);
        }
        catch (Exception exception)
        {
            // The others finish what they hold; the caller rethrows.
            Volatile.Write(ref _next.Value, int.MaxValue / 2);
            _failure = exception;
        }
    }

    private void Work(int worker)
    {
        int seen = 0;
        while (true)
        {
            int spins = 0;
            while (Volatile.Read(ref _generation.Value) == seen)
            {
                if (++spins < SpinsBeforeSleep)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                Sleep(seen);
            }

            seen++;
            if (_stop) return;
            Claim(worker);
            Interlocked.Decrement(ref _working.Value);
        }
    }

    private void Sleep(int seen)
    {
        Interlocked.Increment(ref _asleep.Value);
        // The generation is read again after the announcement: a loop that starts in between sees one more sleeper.
        if (Volatile.Read(ref _generation.Value) == seen && !_stop) _wake.Wait();
        Interlocked.Decrement(ref _asleep.Value);
    }

    // A cache line of its own each: they are written by different threads.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct PaddedCounter
    {
        [FieldOffset(64)]
        public int Value;
    }
}
