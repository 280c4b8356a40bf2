namespace ILGPU.Runtime.CPU;

/// <summary>
/// Runs groups, one after another. Of all members of a group exactly one runs at a time, and it hands on to the next
/// when it ends or has to wait at a barrier. A member needs a thread of its own only while it waits: members that
/// never wait run one after another on the same thread, so that a kernel without barriers costs a loop.
/// The order is fixed, which makes a kernel whose result depends on the order of its members repeatable.
/// </summary>
internal sealed class GroupRunner
{
    private readonly GroupLaunch launch;
    private readonly GroupMember[] members;
    private readonly WarpState[] warps;
    private readonly List<MemoryBuffer> shared = [];
    private readonly ExchangeSlots slots;
    private MemoryBuffer? dynamicShared;
    private int alive;
    private int waiting;
    private int predicateCount;
    private int phase;
    private (int Count, int Participants) lastBarrier;

    public GroupRunner(GroupLaunch launch)
    {
        this.launch = launch;
        GridDim = launch.Config.GridDim;
        GroupDim = launch.Config.GroupDim;
        WarpSize = launch.Accelerator.WarpSize;
        members = new GroupMember[GroupDim.Size];
        for (int i = 0; i < members.Length; i++)
            members[i] = new GroupMember(this, i, GroupLaunch.Unflatten(i, GroupDim), i % WarpSize, i / WarpSize);
        warps = new WarpState[(members.Length + WarpSize - 1) / WarpSize];
        for (int i = 0; i < warps.Length; i++)
            warps[i] = new WarpState(WarpSize);
        slots = new ExchangeSlots(1);
    }

    public Index3D GridDim { get; }
    public Index3D GroupDim { get; }
    public Index3D GridIndex { get; private set; }
    public int WarpSize { get; }

    /// <summary>Runs members that have not started, for as long as it is this thread's turn.</summary>
    public void Run(GroupThread thread)
    {
        int last = -1;
        while (true)
        {
            if (alive == 0)
            {
                if (!StartGroup())
                {
                    ReleaseShared();
                    thread.Return();
                    launch.RunnerHasEnded();
                    return;
                }

                last = -1;
            }

            GroupMember next = Next(last);
            if (next.State == MemberState.Resumable)
            {
                // Back in the pool first: whoever runs next may need this thread.
                GroupThread other = next.Thread!;
                thread.Return();
                other.Resume();
                return;
            }

            RunMember(next, thread);
            last = next.LinearIndex;
        }
    }

    /// <summary>Waits until all members that are still running have come here.</summary>
    public (int Count, int Participants) GroupBarrier(GroupMember member, bool predicate)
    {
        waiting++;
        predicateCount += predicate ? 1 : 0;
        member.State = MemberState.AtGroupBarrier;
        OpenGroupBarrierIfComplete();
        Yield(member);
        return lastBarrier;
    }

    /// <summary>Waits until all members of the warp that are still running have come here.</summary>
    public void WarpBarrier(GroupMember member)
    {
        warps[member.Warp].Waiting++;
        member.State = MemberState.AtWarpBarrier;
        OpenWarpBarrierIfComplete(member.Warp);
        Yield(member);
    }

    public T Shuffle<T>(GroupMember member, T value, int sourceLane)
        where T : unmanaged
    {
        WarpState warp = warps[member.Warp];
        // The slots of a phase are read until the next barrier is complete, so that the phase after next may reuse them.
        int current = warp.Phase;
        warp.Slots.Write(current, member.Lane, value);
        WarpBarrier(member);
        bool exists = (member.Warp * WarpSize) + sourceLane < members.Length;
        return exists ? warp.Slots.Read<T>(current, sourceLane) : value;
    }

    public T Broadcast<T>(GroupMember member, T value, int source)
        where T : unmanaged
    {
        int current = phase;
        if (member.LinearIndex == source)
            slots.Write(current, 0, value);
        GroupBarrier(member, false);
        return slots.Read<T>(current, 0);
    }

    /// <summary>The array that belongs to the n-th allocation of every member.</summary>
    public ArrayView<T> Shared<T>(int ordinal, int extent)
        where T : unmanaged
    {
        if (ordinal == shared.Count)
            shared.Add(AllocateShared((long)extent * Interop.SizeOf<T>()));
        ArrayView<byte> bytes = shared[ordinal].AsRawArrayView();
        if (bytes.Length != (long)extent * Interop.SizeOf<T>())
        {
            throw new InvalidOperationException(
                $"Members of a group disagree on shared array {ordinal}: {bytes.Length} bytes or {extent} elements of {typeof(T).Name}.");
        }

        return bytes.Cast<T>();
    }

    public ArrayView<T> DynamicShared<T>()
        where T : unmanaged
    {
        int bytes = launch.Config.SharedMemoryConfig.ArraySize;
        if (bytes == 0)
            return ArrayView<T>.Empty;
        dynamicShared ??= AllocateShared(bytes);
        return dynamicShared.AsRawArrayView().Cast<T>();
    }

    private bool StartGroup()
    {
        if (!launch.TryTake(out Index3D gridIndex))
            return false;
        GridIndex = gridIndex;
        alive = members.Length;
        foreach (GroupMember member in members)
            member.Reset();
        for (int i = 0; i < warps.Length; i++)
            warps[i].Alive = Math.Min(WarpSize, members.Length - (i * WarpSize));
        foreach (MemoryBuffer buffer in shared)
            Spoil(buffer);
        if (dynamicShared is not null)
            Spoil(dynamicShared);
        return true;
    }

    private void RunMember(GroupMember member, GroupThread thread)
    {
        member.Thread = thread;
        member.State = MemberState.Running;
        if (!launch.HasFailed)
        {
            LocalArena.ForThread(launch.Accelerator).Reset();
            member.MakeCurrent();
            try
            {
                launch.Kernel();
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

        member.State = MemberState.Ended;
        alive--;
        warps[member.Warp].Alive--;
        OpenWarpBarrierIfComplete(member.Warp);
        OpenGroupBarrierIfComplete();
    }

    // Hands the turn on and returns when it is this member's turn again.
    private void Yield(GroupMember member)
    {
        GroupMember next = Next(member.LinearIndex);
        if (next != member)
        {
            GroupThread own = member.Thread!;
            if (next.State == MemberState.Resumable)
                next.Thread!.Resume();
            else
                GroupThread.Rent().Start(this);
            own.WaitForTurn();
        }

        member.State = MemberState.Running;
        if (launch.HasFailed)
            throw new LaunchAbortedException();
    }

    // The next member, in a circle, that can run. There always is one as long as a member is alive.
    private GroupMember Next(int after)
    {
        for (int attempt = 0; attempt < 2; attempt++)
        {
            for (int i = 1; i <= members.Length; i++)
            {
                GroupMember member = members[(after + i) % members.Length];
                if (member.State is MemberState.NotStarted or MemberState.Resumable)
                    return member;
            }

            Fail(new InvalidOperationException(
                "Members of a group wait at different barriers: some at the group's, some at their warp's."));
        }

        throw new InvalidOperationException("A group has no member left to run.");
    }

    private void OpenGroupBarrierIfComplete()
    {
        if (waiting == 0 || waiting < alive)
            return;
        lastBarrier = (predicateCount, waiting);
        (waiting, predicateCount) = (0, 0);
        phase ^= 1;
        int ordinal = 0;
        foreach (GroupMember member in members)
        {
            if (member.State == MemberState.AtGroupBarrier)
            {
                member.State = MemberState.Resumable;
                ordinal = Math.Max(ordinal, member.SharedOrdinal);
            }
        }

        // Members may have taken different branches: from here on they count their shared arrays alike again.
        foreach (GroupMember member in members)
            member.SharedOrdinal = ordinal;
    }

    private void OpenWarpBarrierIfComplete(int index)
    {
        WarpState warp = warps[index];
        if (warp.Waiting == 0 || warp.Waiting < warp.Alive)
            return;
        warp.Waiting = 0;
        warp.Phase ^= 1;
        int end = Math.Min((index + 1) * WarpSize, members.Length);
        for (int i = index * WarpSize; i < end; i++)
        {
            if (members[i].State == MemberState.AtWarpBarrier)
                members[i].State = MemberState.Resumable;
        }
    }

    // Members that wait get their turn to leave the kernel by an exception.
    private void Fail(Exception exception)
    {
        launch.Fail(exception);
        (waiting, predicateCount) = (0, 0);
        foreach (WarpState warp in warps)
            warp.Waiting = 0;
        foreach (GroupMember member in members)
        {
            if (member.State is MemberState.AtGroupBarrier or MemberState.AtWarpBarrier)
                member.State = MemberState.Resumable;
        }
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

    private void ReleaseShared()
    {
        foreach (MemoryBuffer buffer in shared)
            buffer.Dispose();
        dynamicShared?.Dispose();
    }

    private sealed class WarpState(int warpSize)
    {
        public ExchangeSlots Slots { get; } = new(warpSize);
        public int Alive { get; set; }
        public int Waiting { get; set; }
        public int Phase { get; set; }
    }

    private sealed class LaunchAbortedException : Exception;
}
