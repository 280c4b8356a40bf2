using System.Runtime.CompilerServices;

namespace ILGPU.Runtime.CPU;

/// <summary>One thread of a group, as the kernel sees it.</summary>
internal sealed class GroupMember(GroupRunner runner, int linearIndex, Index3D index, int lane, int warp)
{
    [ThreadStatic]
    private static GroupMember? current;

    /// <summary>The member that this operating-system thread is running.</summary>
    public static GroupMember Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => current ?? throw new InvalidKernelOperationException();
    }

    public GroupRunner Runner { get; } = runner;
    public int LinearIndex { get; } = linearIndex;
    public Index3D Index { get; } = index;
    public int Lane { get; } = lane;
    public int Warp { get; } = warp;
    public bool HasEnded { get; set; }

    /// <summary>How many shared arrays this member has allocated.</summary>
    public int SharedOrdinal { get; set; }

    public static void ClearCurrent() => current = null;

    public void MakeCurrent() => current = this;

    public void Reset() => (HasEnded, SharedOrdinal) = (false, 0);

    public (int Count, int Participants) GroupBarrier(bool predicate) => Runner.GroupBarrier(this, predicate);

    public void WarpBarrier() => Runner.WarpBarrier(this);

    public T Shuffle<T>(T value, int sourceLane)
        where T : unmanaged =>
        Runner.Shuffle(this, value, sourceLane);

    public T BroadcastInGroup<T>(T value, int source)
        where T : unmanaged =>
        Runner.Broadcast(this, value, source);

    public ArrayView<T> AllocateShared<T>(int extent)
        where T : unmanaged =>
        Runner.Shared<T>(SharedOrdinal++, extent);

    public ArrayView<T> DynamicShared<T>()
        where T : unmanaged =>
        Runner.DynamicShared<T>();
}
