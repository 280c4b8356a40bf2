using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The warp of the running thread: members of a group that exchange values without shared memory.</summary>
public static class Warp
{
    public static int WarpSize => GroupMember.Current.Runner.WarpSize;
    public static int LaneIdx => GroupMember.Current.Lane;
    public static bool IsFirstLane => LaneIdx == 0;
    public static bool IsLastLane => LaneIdx == WarpSize - 1;
    public static int WarpIdx => ComputeWarpIdx(Group.LinearIndex);

    public static int ComputeWarpIdx(Index1D groupThreadIdx) => groupThreadIdx / WarpSize;
    public static int ComputeWarpThreadIdx(Index1D groupThreadIdx) => groupThreadIdx % WarpSize;

    public static void Barrier() => GroupMember.Current.WarpBarrier();

    public static T Shuffle<T>(T variable, int sourceLane)
        where T : unmanaged =>
        Shuffle(variable, 0, WarpSize, sourceLane);

    public static T Shuffle<T>(T variable, int sourceLane, int width)
        where T : unmanaged =>
        Shuffle(variable, First(sourceLane, width), width, sourceLane % width);

    public static T ShuffleDown<T>(T variable, int delta)
        where T : unmanaged =>
        ShuffleDown(variable, delta, WarpSize);

    public static T ShuffleDown<T>(T variable, int delta, int width)
        where T : unmanaged =>
        Shuffle(variable, First(LaneIdx, width), width, (LaneIdx % width) + delta);

    public static T ShuffleUp<T>(T variable, int delta)
        where T : unmanaged =>
        ShuffleUp(variable, delta, WarpSize);

    public static T ShuffleUp<T>(T variable, int delta, int width)
        where T : unmanaged =>
        Shuffle(variable, First(LaneIdx, width), width, (LaneIdx % width) - delta);

    public static T ShuffleXor<T>(T variable, int mask)
        where T : unmanaged =>
        ShuffleXor(variable, mask, WarpSize);

    public static T ShuffleXor<T>(T variable, int mask, int width)
        where T : unmanaged =>
        Shuffle(variable, First(LaneIdx, width), width, (LaneIdx % width) ^ mask);

    public static T Broadcast<T>(T value, int sourceLane)
        where T : unmanaged =>
        Shuffle(value, sourceLane);

    // A source outside of the part of the warp leaves a lane its own value.
    private static T Shuffle<T>(T variable, int firstLane, int width, int source)
        where T : unmanaged =>
        GroupMember.Current.Shuffle(variable, source >= 0 && source < width ? firstLane + source : LaneIdx);

    private static int First(int lane, int width)
    {
        if (width <= 0 || width > WarpSize || (width & (width - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(width), $"Width {width} is no power of two up to the warp size {WarpSize}.");
        return lane / width * width;
    }
}
