using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The group of the running thread. Every member that is still running has to reach a barrier.</summary>
public static class Group
{
    public static int IdxX => GroupMember.Current.Index.X;
    public static int IdxY => GroupMember.Current.Index.Y;
    public static int IdxZ => GroupMember.Current.Index.Z;
    public static Index3D Index => GroupMember.Current.Index;
    public static int DimX => GroupMember.Current.Runner.GroupDim.X;
    public static int DimY => GroupMember.Current.Runner.GroupDim.Y;
    public static int DimZ => GroupMember.Current.Runner.GroupDim.Z;
    public static Index3D Dimension => GroupMember.Current.Runner.GroupDim;
    public static int LinearIndex => GroupMember.Current.LinearIndex;
    public static bool IsFirstThread => LinearIndex == 0;
    public static bool IsLastThread => LinearIndex == Dimension.Size - 1;

    public static void Barrier() => GroupMember.Current.GroupBarrier(false);

    /// <summary>A barrier that says for how many members the predicate held.</summary>
    public static int BarrierPopCount(bool predicate) => GroupMember.Current.GroupBarrier(predicate).Count;

    public static bool BarrierAnd(bool predicate)
    {
        (int count, int participants) = GroupMember.Current.GroupBarrier(predicate);
        return count == participants;
    }

    public static bool BarrierOr(bool predicate) => GroupMember.Current.GroupBarrier(predicate).Count > 0;

    /// <summary>The value of one member, for all.</summary>
    public static T Broadcast<T>(T value, int groupIndex)
        where T : unmanaged =>
        GroupMember.Current.BroadcastInGroup(value, groupIndex);
}
