using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>The place of the running thread's group among all groups.</summary>
public static class Grid
{
    public static int IdxX => GroupMember.Current.Runner.GridIndex.X;
    public static int IdxY => GroupMember.Current.Runner.GridIndex.Y;
    public static int IdxZ => GroupMember.Current.Runner.GridIndex.Z;
    public static Index3D Index => GroupMember.Current.Runner.GridIndex;
    public static int DimX => GroupMember.Current.Runner.GridDim.X;
    public static int DimY => GroupMember.Current.Runner.GridDim.Y;
    public static int DimZ => GroupMember.Current.Runner.GridDim.Z;
    public static Index3D Dimension => GroupMember.Current.Runner.GridDim;
    public static int LinearIndex => Flatten(Index, Dimension);
    public static Index3D GlobalIndex => ComputeGlobalIndex(Index, Group.Index);
    public static int GlobalLinearIndex => (LinearIndex * Group.Dimension.Size) + Group.LinearIndex;

    public static Index1D ComputeGlobalIndex(Index1D gridIdx, Index1D groupIdx) => (gridIdx * Group.DimX) + groupIdx;

    public static Index2D ComputeGlobalIndex(Index2D gridIdx, Index2D groupIdx) =>
        (gridIdx * new Index2D(Group.DimX, Group.DimY)) + groupIdx;

    public static Index3D ComputeGlobalIndex(Index3D gridIdx, Index3D groupIdx) =>
        (gridIdx * Group.Dimension) + groupIdx;

    private static int Flatten(Index3D index, Index3D extent) =>
        (((index.Z * extent.Y) + index.Y) * extent.X) + index.X;
}
