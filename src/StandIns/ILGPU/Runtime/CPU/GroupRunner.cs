namespace ILGPU.Runtime.CPU;

/// <summary>
/// Runs groups, one after another. The members of a group run as a loop on one thread, which is all that a kernel
/// without barriers needs. When a member comes to a barrier, every member gets a thread, a team forms, and the team
/// runs the rest of this group and all groups that follow.
/// </summary>
internal sealed class GroupRunner
{
    private readonly GroupLaunch launch;
    private readonly GroupMember[] members;
    private readonly TeamBarrier groupBarrier = new();
    private readonly TeamBarrier[] warpBarriers;
    private readonly ExchangeSlots groupSlots = new(1);
    private readonly ExchangeSlots[] warpSlots;
    private readonly List<MemoryBuffer> shared = [];
    private MemoryBuffer? dynamicShared;

    // The turn of the team: it opens when a group starts, and once more when there is none left.
    private readonly TeamBarrier turn = new();
    private CountdownEvent? team;
    private bool finished;

    // Members that neither wait nor have ended. At zero nobody is left to open a barrier.
    private int running;
    private int predicates;
    private (int Count, int Participants) lastVote;

    public GroupRunner(GroupLaunch launch)
    {
        this.launch = launch;
        GridDim = launch.Config.GridDim;
        GroupDim = launch.Config.GroupDim;
        WarpSize = launch.Accelerator.WarpSize;
        members = new GroupMember[GroupDim.Size];
        for (int i = 0; i < members.Length; i++)
            members[i] = new GroupMember(this, i, GroupLaunch.Unflatten(i, GroupDim), i % WarpSize, i / WarpSize);
        int warps = (members.Length + WarpSize - 1) / WarpSize;
        warpBarriers = [.. Enumerable.Range(0, warps).Select(_ => new TeamBarrier())];
        warpSlots = [.. Enumerable.Range(0, warps).Select(_ => new ExchangeSlots(WarpSize))];
    }

    public Index3D GridDim { get; }
    public Index3D GroupDim { get; }
    public Index3D GridIndex { get; private set; }
    public int WarpSize { get; }

    /// <summary>Runs groups until there is none left, or so many; a team does not stop before all are done.</summary>
    public void Run(long groups)
    {
        for (; groups > 0 && StartGroup(); groups--)
        {
            foreach (GroupMember member in members)
            {
                int seen = turn.Generation;
                RunMember(member);
                if (team is not null)
                {
                    FollowTurns(member, seen);
                    team.Wait();
                    team.Dispose();
                    groups = 0;
                    break;
                }

                if (launch.HasFailed)
                    break;
            }
        }

        foreach (MemoryBuffer buffer in shared)
            buffer.Dispose();
        dynamicShared?.Dispose();
    }

    /// <summary>What a thread of the team does: its member of this group, if that has not run, and of the next ones.</summary>
    public void RunInTeam(GroupMember member, int seen)
    {
        if (!member.HasEnded)
            RunMember(member);
        FollowTurns(member, seen);
    }

    public void LeaveTeam() => team!.Signal();

    /// <summary>Waits until all members that are still running have come here.</summary>
    public (int Count, int Participants) GroupBarrier(GroupMember member, bool predicate)
    {
        EnsureTeam(member);
        int seen = groupBarrier.Generation;
        ThrowIfFailed();
        if (predicate)
            Interlocked.Increment(ref predicates);
        if (groupBarrier.Arrive())
            OpenGroupBarrier(groupBarrier.Alive - 1);
        else
            Wait(groupBarrier, seen);
        return lastVote;
    }

    /// <summary>Waits until all members of the warp that are still running have come here.</summary>
    public void WarpBarrier(GroupMember member)
    {
        EnsureTeam(member);
        TeamBarrier barrier = warpBarriers[member.Warp];
        int seen = barrier.Generation;
        ThrowIfFailed();
        if (barrier.Arrive())
            Open(barrier, barrier.Alive - 1);
        else
            Wait(barrier, seen);
    }

    // Slots have two sets that take turns: one is read while members that are ahead already write to the other, and
    // nobody can be ahead by two barriers.

    public T Shuffle<T>(GroupMember member, T value, int sourceLane)
        where T : unmanaged
    {
        ExchangeSlots slots = warpSlots[member.Warp];
        int set = warpBarriers[member.Warp].Generation & 1;
        slots.Write(set, member.Lane, value);
        WarpBarrier(member);
        bool exists = (member.Warp * WarpSize) + sourceLane < members.Length;
        return exists ? slots.Read<T>(set, sourceLane) : value;
    }

    public T Broadcast<T>(GroupMember member, T value, int source)
        where T : unmanaged
    {
        int set = groupBarrier.Generation & 1;
        if (member.LinearIndex == source)
            groupSlots.Write(set, 0, value);
        GroupBarrier(member, false);
        return groupSlots.Read<T>(set, 0);
    }

    /// <summary>The array that belongs to the n-th allocation of every member.</summary>
    public ArrayView<T> Shared<T>(int ordinal, int extent)
        where T : unmanaged
    {
        long wanted = (long)extent * Interop.SizeOf<T>();
        lock (shared)
        {
            if (ordinal == shared.Count)
                shared.Add(AllocateShared(wanted));
            ArrayView<byte> bytes = shared[ordinal].AsRawArrayView();
            return bytes.Length == wanted
                ? bytes.Cast<T>()
                : throw new InvalidOperationException(
                    $"Members of a group disagree on shared array {ordinal}: {bytes.Length} or {wanted} bytes.");
        }
    }

    public ArrayView<T> DynamicShared<T>()
        where T : unmanaged
    {
        int bytes = launch.Config.SharedMemoryConfig.ArraySize;
        if (bytes == 0)
            return ArrayView<T>.Empty;
        lock (shared)
        {
            dynamicShared ??= AllocateShared(bytes);
            return dynamicShared.AsRawArrayView().Cast<T>();
        }
    }

    // Only one thread is active when a group starts: the one that runs the loop, or the last member of the last group.
    private bool StartGroup()
    {
        if (!launch.TryTake(out Index3D gridIndex))
            return false;
        GridIndex = gridIndex;
        foreach (GroupMember member in members)
            member.Reset();
        groupBarrier.Reset(members.Length);
        for (int i = 0; i < warpBarriers.Length; i++)
            warpBarriers[i].Reset(Math.Min(WarpSize, members.Length - (i * WarpSize)));
        foreach (MemoryBuffer buffer in shared)
            Spoil(buffer);
        if (dynamicShared is not null)
            Spoil(dynamicShared);
        return true;
    }

    private void RunMember(GroupMember member)
    {
        LocalArena.ForThread(launch.Accelerator).Reset();
        member.MakeCurrent();
        try
        {
            launch.Kernel();
            End(member);
        }
        catch (LaunchAbortedException)
        {
            // The failure that ended the launch is on record.
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
        finally
        {
            GroupMember.ClearCurrent();
        }
    }

    private void End(GroupMember member)
    {
        member.HasEnded = true;
        TeamBarrier warp = warpBarriers[member.Warp];
        if (warp.Leave())
            Open(warp, warp.Alive);
        if (groupBarrier.Leave())
        {
            if (groupBarrier.Alive > 0)
                OpenGroupBarrier(groupBarrier.Alive);
            else if (team is not null)
                PassTurn();
        }

        if (team is not null)
            StopRunning();
    }

    private void FollowTurns(GroupMember member, int seen)
    {
        while (true)
        {
            turn.WaitPast(seen);
            if (finished || launch.HasFailed)
                return;
            // A later turn needs this member, so that no turn can be missed.
            seen++;
            RunMember(member);
        }
    }

    // The group is over. What is left in the count are members that have ended and have yet to stop running, the one that
    // ended last among them.
    private void PassTurn()
    {
        finished = !StartGroup();
        Interlocked.Add(ref running, members.Length);
        turn.Open();
    }

    private void EnsureTeam(GroupMember member)
    {
        if (team is not null)
            return;
        running = groupBarrier.Alive;
        int seen = turn.Generation;
        team = new CountdownEvent(members.Length);
        foreach (GroupMember other in members)
        {
            if (other != member)
                GroupThread.Start(this, other, seen);
        }

        // The thread that is here already does not sign off: it waits for the others.
        team.Signal();
    }

    private void Wait(TeamBarrier barrier, int seen)
    {
        StopRunning();
        barrier.WaitPast(seen);
        ThrowIfFailed();
    }

    private void StopRunning()
    {
        if (Interlocked.Decrement(ref running) == 0)
        {
            Fail(new InvalidOperationException(
                "Members of a group wait at different barriers: some at the group's, some at their warp's."));
        }
    }

    private void Open(TeamBarrier barrier, int waiting)
    {
        Interlocked.Add(ref running, waiting);
        barrier.Open();
    }

    private void OpenGroupBarrier(int waiting)
    {
        lastVote = (predicates, groupBarrier.Alive);
        predicates = 0;
        // Members may have taken different branches: from here on they count their shared arrays alike again.
        int ordinal = 0;
        foreach (GroupMember member in members)
            ordinal = Math.Max(ordinal, member.SharedOrdinal);
        foreach (GroupMember member in members)
            member.SharedOrdinal = ordinal;
        Open(groupBarrier, waiting);
    }

    // Members that wait leave the kernel by an exception.
    private void Fail(Exception exception)
    {
        launch.Fail(exception);
        groupBarrier.Open();
        foreach (TeamBarrier barrier in warpBarriers)
            barrier.Open();
        turn.Open();
    }

    private void ThrowIfFailed()
    {
        if (launch.HasFailed)
            throw new LaunchAbortedException();
    }

    private MemoryBuffer AllocateShared(long bytes)
    {
        MemoryBuffer buffer = launch.Accelerator.AllocateRaw(bytes, sizeof(byte));
        Spoil(buffer);
        return buffer;
    }

    // What a kernel reads from shared memory before writing it is NaN, not what the last group left.
    private static unsafe void Spoil(MemoryBuffer buffer) =>
        new Span<byte>(buffer.Memory, (int)buffer.LengthInBytes).Fill(0xFF);

    private sealed class LaunchAbortedException : Exception;
}
