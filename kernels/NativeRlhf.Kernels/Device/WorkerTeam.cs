using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
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
/// Persistent threads that share the items of parallel loops. Between loops they poll for a short while, so that the
/// next loop starts within microseconds, then sleep. Each has a share of neighbouring items, so that what it read and wrote
/// in one loop is in its caches in the next, and counts them on a line of its own; who is done helps where most are left, which balances
/// uneven work. Every item computes the same bits whoever runs it, so results do not depend on the number of threads.
/// A loop ends when its items are done: a thread that the operating system wakes too late finds the loop closed and is
/// not waited for, so that a busy machine does not stall short loops.
/// </summary>
public sealed unsafe class WorkerTeam : IDisposable
{
    // About 30 µs of polling: longer than the gap between two ops of a training step.
    private const int SpinsBeforeYield = 400;

    // Then about 2 ms in which others may have the core: longer than the gap between two steps. Sleeping sooner costs more than
    // the call that wakes: the system may put the woken thread on the caller's core, and takes many milliseconds to part them.
    private const int YieldsBeforeSleep = 4000;

    // One turn of the gate, in its high half; the mask of its low half.
    private const long Turn = 1L << 32, InsideMask = Turn - 1;

    private readonly Thread[] _threads;
    private readonly ScratchMemory[] _scratch;
    private readonly object _sleepers = new();
    private readonly Lock _oneAtATime = new();

    // The next item of each worker's share.
    private readonly PaddedCounter[] _next;

    // The loop under way. Written while the gate is closed and nobody is inside.
    private delegate*<void*, int, int, void> _run;
    private void* _body;
    private int _count;
    private Exception? _failure;

    // The low half counts the workers inside of the loop; the high half counts how often the gate was opened or closed,
    // so that it is odd while a loop can be entered. It begins anew after 2³² turns, which small models reach in hours.
    private PaddedCounter _gate;
    private PaddedCounter _asleep;
    private volatile bool _stop;

    /// <summary>A team of <paramref name="threads"/> threads, the calling one included.</summary>
    /// <param name="threads">How many threads; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public WorkerTeam(int threads)
        : this(threads, turns: 0)
    {
    }

    /// <summary>A team whose gate has been turned so often, an even number; for tests of what happens after many loops.</summary>
    internal WorkerTeam(int threads, uint turns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _gate.Value = turns * Turn;
        _threads = new Thread[threads - 1];
        _scratch = new ScratchMemory[threads];
        _next = new PaddedCounter[threads];
        for (int worker = 0; worker < threads; worker++) _scratch[worker] = new ScratchMemory();
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
            for (int worker = 0; worker < Threads; worker++) Volatile.Write(ref _next[worker].Value, FirstOf(worker));
            Interlocked.Add(ref _gate.Value, Turn);
            Wake();

            Claim(0);
            Interlocked.Add(ref _gate.Value, Turn);
            var spinner = new SpinWait();
            while ((Volatile.Read(ref _gate.Value) & InsideMask) != 0) spinner.SpinOnce(sleep1Threshold: -1);

            if (_failure is { } failure)
            {
                _failure = null;
                ExceptionDispatchInfo.Throw(failure);
            }
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (_stop) return;
        _stop = true;
        Interlocked.MemoryBarrier();
        Wake();
        foreach (var thread in _threads) thread.Join();
        foreach (var memory in _scratch) memory.Dispose();
    }

    /// <summary>Memory of a worker that lasts for one item: 64-byte aligned, at least as long as asked, content undefined.</summary>
    /// <param name="worker">The worker that runs the item.</param>
    /// <param name="length">The number of floats.</param>
    /// <returns>The worker's memory.</returns>
    internal float* Scratch(int worker, int length) => _scratch[worker].Take((nuint)length);

    private static void RunItem<TBody>(void* body, int index, int worker)
        where TBody : struct, IParallelBody => Unsafe.AsRef<TBody>(body).Run(index, worker);

    /// <summary>The first item of a worker's share, and the end of that of the one before.</summary>
    private int FirstOf(int worker) => (int)((long)_count * worker / Threads);

    /// <summary>Does the items of a worker's share, then helps where most are left.</summary>
    private void Claim(int worker)
    {
        try
        {
            for (int share = worker; share >= 0; share = Longest())
            {
                int end = FirstOf(share + 1);
                long index;
                while ((index = Interlocked.Increment(ref _next[share].Value) - 1) < end)
                {
                    _run(_body, (int)index, worker);
                    if (share != worker) break;
                }
            }
        }
        catch (Exception exception)
        {
            // The others finish what they hold; the caller rethrows the first.
            Interlocked.CompareExchange(ref _failure, exception, null);
            foreach (ref var next in _next.AsSpan()) Volatile.Write(ref next.Value, int.MaxValue);
        }
    }

    /// <summary>The share of which most items are left to claim; −1 when none is.</summary>
    private int Longest()
    {
        int longest = -1;
        long most = 0;
        for (int share = 0; share < Threads; share++)
        {
            long left = FirstOf(share + 1) - Volatile.Read(ref _next[share].Value);
            if (left > most) (longest, most) = (share, left);
        }

        return longest;
    }

    private void Work(int worker)
    {
        uint seen = 0;
        while (true)
        {
            int spins = 0;
            long gate;
            while (!IsOpen(gate = Volatile.Read(ref _gate.Value), seen))
            {
                if (_stop) return;
                if (++spins < SpinsBeforeYield) Thread.SpinWait(8);
                else if (spins < SpinsBeforeYield + YieldsBeforeSleep) Thread.Yield();
                else Sleep(seen);
            }

            if (Interlocked.CompareExchange(ref _gate.Value, gate + 1, gate) != gate) continue;
            seen = TurnOf(gate);
            Claim(worker);
            Interlocked.Decrement(ref _gate.Value);
        }
    }

    /// <summary>Whether a loop can be entered that is not the one seen last.</summary>
    private static bool IsOpen(long gate, uint seen) => TurnOf(gate) % 2 == 1 && TurnOf(gate) != seen;

    private static uint TurnOf(long gate) => (uint)(gate >>> 32);

    private void Sleep(uint seen)
    {
        lock (_sleepers)
        {
            // The gate is read after the announcement, and opened before announcements are read: one of both sees the other.
            Interlocked.Increment(ref _asleep.Value);
            while (!IsOpen(Volatile.Read(ref _gate.Value), seen) && !_stop) Monitor.Wait(_sleepers);
            Interlocked.Decrement(ref _asleep.Value);
        }
    }

    private void Wake()
    {
        if (Volatile.Read(ref _asleep.Value) == 0) return;
        lock (_sleepers) Monitor.PulseAll(_sleepers);
    }

    // A cache line of its own each: they are written by different threads.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct PaddedCounter
    {
        [FieldOffset(64)]
        public long Value;
    }
}
