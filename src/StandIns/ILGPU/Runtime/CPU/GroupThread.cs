using System.Collections.Concurrent;

namespace ILGPU.Runtime.CPU;

/// <summary>An operating-system thread for a member of a team. Threads are kept and used again.</summary>
internal sealed class GroupThread
{
    private const int StackBytes = 1 << 20;

    private static readonly ConcurrentStack<GroupThread> Idle = new();

    private readonly Sleeper sleeper = new();
    private (GroupRunner Runner, GroupMember Member, int Seen)? work;

    private GroupThread() =>
        new Thread(Loop, StackBytes) { IsBackground = true, Name = "Kernel group" }.Start();

    /// <summary>Lets a thread run a member of this group and of the following ones.</summary>
    public static void Start(GroupRunner runner, GroupMember member, int seen)
    {
        GroupThread thread = Idle.TryPop(out GroupThread? idle) ? idle : new GroupThread();
        thread.work = (runner, member, seen);
        thread.sleeper.Wake();
    }

    private void Loop()
    {
        while (true)
        {
            sleeper.Sleep();
            (GroupRunner runner, GroupMember member, int seen) = work!.Value;
            work = null;
            runner.RunInTeam(member, seen);
            // First back into the pool, for the launch that follows this one.
            Idle.Push(this);
            runner.LeaveTeam();
        }
    }
}
