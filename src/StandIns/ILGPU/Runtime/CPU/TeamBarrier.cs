using System.Diagnostics;

namespace ILGPU.Runtime.CPU;

/// <summary>
/// A barrier for more threads than cores. A thread that waits first yields its core to the others, which costs a
/// tenth of sleeping and waking. It sleeps when that takes too long, and at once while other programs want the cores:
/// then a yield can cost a time slice.
/// </summary>
internal sealed class TeamBarrier
{
    private const int Yields = 20;
    private static readonly long SlowYield = Stopwatch.Frequency / 500;
    private static readonly long BusyPeriod = Stopwatch.Frequency / 5;

    private static long busyUntil;

    private readonly List<Sleeper> sleepers = [];
    private int alive;
    private int pending;
    private int generation;
    private int sleeping;

    /// <summary>How many threads take part. Steady while all of them wait.</summary>
    public int Alive => Volatile.Read(ref alive);

    /// <summary>How often the barrier has opened.</summary>
    public int Generation => Volatile.Read(ref generation);

    public void Reset(int threads)
    {
        alive = threads;
        pending = threads;
    }

    /// <summary>True for the last thread to come, which has to open the barrier.</summary>
    public bool Arrive() => Interlocked.Decrement(ref pending) == 0;

    /// <summary>Takes part no longer. True if all others are waiting, and the barrier has to be opened.</summary>
    public bool Leave()
    {
        Interlocked.Decrement(ref alive);
        return Interlocked.Decrement(ref pending) == 0;
    }

    public void Open()
    {
        Volatile.Write(ref pending, alive);
        Interlocked.Increment(ref generation);
        if (Volatile.Read(ref sleeping) == 0)
            return;
        Sleeper[] woken;
        lock (sleepers)
        {
            woken = [.. sleepers];
            sleepers.Clear();
            sleeping = 0;
        }

        foreach (Sleeper sleeper in woken)
            sleeper.Wake();
    }

    /// <summary>Waits until the barrier has opened after a moment at which its generation was read.</summary>
    public void WaitPast(int seen)
    {
        if (YieldPast(seen))
            return;
        Sleeper sleeper = Sleeper.OfThread;
        // Again after waking: a thread that opened the barrier earlier and wakes its sleepers late finds those that wait
        // for the next opening among them.
        while (Generation == seen)
        {
            lock (sleepers)
            {
                // Whoever opens the barrier sees either the sleeper or has been seen here.
                Interlocked.Increment(ref sleeping);
                if (Generation != seen)
                {
                    sleeping--;
                    return;
                }

                sleepers.Add(sleeper);
            }

            sleeper.Sleep();
        }
    }

    private bool YieldPast(int seen)
    {
        long before = Stopwatch.GetTimestamp();
        for (int i = 0; i < Yields && before > Volatile.Read(ref busyUntil); i++)
        {
            if (Generation != seen)
                return true;
            Thread.Yield();
            long after = Stopwatch.GetTimestamp();
            if (after - before > SlowYield)
                Volatile.Write(ref busyUntil, after + BusyPeriod);
            before = after;
        }

        return Generation != seen;
    }
}
