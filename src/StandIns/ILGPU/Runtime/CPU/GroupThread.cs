using System.Collections.Concurrent;

namespace ILGPU.Runtime.CPU;

/// <summary>An operating-system thread that runs group members. Threads are kept and used again.</summary>
internal sealed class GroupThread
{
    private const int StackBytes = 1 << 20;

    private static readonly ConcurrentStack<GroupThread> Idle = new();

    [ThreadStatic]
    private static GroupThread? caller;

    private readonly bool pooled;
    private readonly object turn = new();
    private bool hasTurn;
    private GroupRunner? runner;

    private GroupThread(bool pooled) => this.pooled = pooled;

    /// <summary>The thread that launches a kernel; it takes part until its turn ends.</summary>
    public static GroupThread Caller => caller ??= new GroupThread(pooled: false);

    public static GroupThread Rent()
    {
        if (Idle.TryPop(out GroupThread? idle))
            return idle;
        var created = new GroupThread(pooled: true);
        new Thread(created.Loop, StackBytes) { IsBackground = true, Name = "Kernel group" }.Start();
        return created;
    }

    /// <summary>Gives the thread its turn, to run members of the runner that have not started.</summary>
    public void Start(GroupRunner work)
    {
        runner = work;
        Resume();
    }

    /// <summary>Gives the thread its turn.</summary>
    public void Resume()
    {
        lock (turn)
        {
            hasTurn = true;
            Monitor.Pulse(turn);
        }
    }

    public void WaitForTurn()
    {
        lock (turn)
        {
            while (!hasTurn)
                Monitor.Wait(turn);
            hasTurn = false;
        }
    }

    /// <summary>The thread's turn has ended and no member depends on it.</summary>
    public void Return()
    {
        if (pooled)
            Idle.Push(this);
    }

    private void Loop()
    {
        while (true)
        {
            WaitForTurn();
            runner!.Run(this);
        }
    }
}
