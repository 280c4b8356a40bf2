using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Grids and groups for one accelerator. Group sizes are powers of two, so that reductions are plain trees. Warps play no
/// part: a kernel that is correct for one size is correct for all.
/// </summary>
internal readonly struct LaunchSize
{
    /// <summary>The largest group that any kernel is launched with: shared memory is sized by it.</summary>
    public const int MaxGroup = 256;

    // The CPU accelerator runs every group member as a thread of the operating system: as few as make a group. Tiles need
    // 4 × 4 threads.
    private const int CpuGroup = 8, CpuTileEdge = 4;

    // Rounds of groups that keep a multiprocessor busy in a loop over elements.
    private const int GroupsPerMultiprocessor = 16;

    private readonly int _group, _tileEdge, _columns, _elementGroups;

    /// <summary>Chooses sizes.</summary>
    /// <param name="accelerator">The accelerator that will run the kernel.</param>
    /// <param name="preferredGroup">The group size to use where the accelerator allows it; a power of two up to <see cref="MaxGroup"/>.</param>
    public LaunchSize(Accelerator accelerator, int preferredGroup = MaxGroup)
    {
        bool isCpu = accelerator.AcceleratorType == AcceleratorType.CPU;
        int largest = accelerator.MaxNumThreadsPerGroup;
        _group = isCpu ? CpuGroup : preferredGroup;
        while (_group > largest) _group /= 2;
        _tileEdge = isCpu ? CpuTileEdge : Tile.MaxEdge;
        while (_tileEdge * _tileEdge > largest && _tileEdge > CpuTileEdge) _tileEdge /= 2;
        _columns = _group >= 64 ? 8 : 4;
        _elementGroups = accelerator.NumMultiprocessors * GroupsPerMultiprocessor;
    }

    /// <summary>One group for each of <paramref name="count"/> rows.</summary>
    public KernelConfig Groups(int count) => new(new Index1D(count), new Index1D(_group));

    /// <summary>The threads of a one-dimensional group.</summary>
    public int Group => _group;

    /// <summary>One group for each row, head, and part of <see cref="Group"/> positions.</summary>
    public KernelConfig Parts(int rows, int heads, int parts) => new(new Index3D(rows, heads, parts), new Index3D(_group, 1, 1));

    /// <summary>Enough groups for a loop over <paramref name="count"/> elements by <see cref="ElementLoop"/>.</summary>
    public KernelConfig Elements(long count) =>
        new(new Index1D((int)Math.Min((count + _group - 1) / _group, _elementGroups)), new Index1D(_group));

    /// <summary>Groups of columns × row lanes, for sums down the columns by <see cref="GroupReduce.SumLanes(ArrayView{float}, float)"/>; blocks of rows along Y.</summary>
    public KernelConfig Columns(int count, int blocks = 1) =>
        new(new Index2D((count + _columns - 1) / _columns, blocks), new Index2D(_columns, Lanes));

    /// <summary>The row lanes of <see cref="Columns"/>.</summary>
    public int Lanes => _group / _columns;

    /// <summary>A square group of E × E threads for every tile of 8E × 8E of a (rows, cols) matrix; row tiles along X, column tiles along Y.</summary>
    public KernelConfig WideTiles(int rows, int cols) =>
        new(new Index2D(TileCount(rows, 2 * Tile.PerThread), TileCount(cols, 2 * Tile.PerThread)), new Index2D(_tileEdge, _tileEdge));

    /// <summary>A square group for every tile of rows, every head, and every tile of a head's columns.</summary>
    public KernelConfig HeadTiles(int rows, int heads, int headSize) =>
        new(new Index3D(TileCount(rows, Tile.PerThread), heads, TileCount(headSize, Tile.PerThread)), new Index3D(_tileEdge, _tileEdge, 1));

    private int TileCount(int extent, int perThread)
    {
        int side = perThread * _tileEdge;
        return (int)(((long)extent + side - 1) / side);
    }
}

/// <summary>The elements of one thread in a loop over all: <c>for (long i = First; i &lt; length; i += Step)</c>.</summary>
internal static class ElementLoop
{
    /// <summary>The thread's first element.</summary>
    public static long First => ((long)Grid.IdxX * Group.DimX) + Group.IdxX;

    /// <summary>The distance between its elements: the threads of the grid.</summary>
    public static long Step => (long)Grid.DimX * Group.DimX;
}
