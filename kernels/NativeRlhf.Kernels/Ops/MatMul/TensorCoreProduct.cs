using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The product y = A·B + bias + residual, and f(y), on tensor cores, A (rows, inner), B (inner, cols), both bfloat16, or float32 that is rounded to
/// tf32. A block makes 128 rows and as many columns as it has threads, a warp 64 × 64. Operands come by asynchronous copies through
/// three stages of shared memory, 128 bytes of the inner dimension at a time, in four steps of 32; fragments are fetched one step ahead
/// of the multiplication.
/// <para>
/// An operand's panel has the inner dimension along its rows of 128 bytes (it lies "by rows") or across them ("by columns",
/// loaded transposed), whichever way the operand lies in memory, so that no product needs a transposed copy. By columns, 128 bytes of
/// the outer dimension are a panel row, and as many elements of the inner one lie below each other: of 64 float32, 32 and then 32.
/// </para>
/// <para>
/// tf32 has 11 significant bits: for operands that are rounded to nearest, |y − Σ a·b| ≤ 2⁻¹⁰ (1 + 2⁻¹²) Σ |a·b|, and what float32 sums err.
/// </para>
/// </summary>
internal static class TensorCoreProduct
{
    /// <summary>Rows of a block's tile.</summary>
    public const int TileRows = 2 * TensorCore.PanelRows;

    /// <summary>Stages of shared memory.</summary>
    public const int Stages = 3;

    /// <summary>Bytes of an element of an operand.</summary>
    public const int BFloat16Bytes = 2, FloatBytes = 4;

    // Tiles of so many rows are made one below the other before the next column of tiles, so that both operands stay in the cache.
    private const int Band = 8;

    /// <summary>Bytes of shared memory that a block of so many threads needs.</summary>
    public static int SharedBytes(int threads) => Stages * (2 + (threads / 64)) * TensorCore.PanelBytes;

    /// <summary>Elements of the inner dimension in a stage, a row of a panel.</summary>
    public static int Depth(int elementBytes) => TensorCore.PanelPitch / elementBytes;

    /// <summary>
    /// Sizes and places of a product. Pitches are the elements between two rows in memory, whatever a row is. A part (see
    /// <see cref="Parts"/>) covers InnerPerPart of the inner dimension, a multiple of the depth. Flags: 1, y is float32 rather than bfloat16;
    /// 2, the bias; 4, the residual; 8, rows of A begin at multiples of 16 bytes; 16, those of B. The kind is f's.
    /// </summary>
    internal readonly struct Sizes(int rows, int cols, int inner, int aPitch, int bPitch, int parts, int innerPerPart, int flags, int kind)
    {
        public readonly int Rows = rows, Cols = cols, Inner = inner, APitch = aPitch, BPitch = bPitch, Parts = parts, InnerPerPart = innerPerPart, Flags = flags, Kind = kind;
    }

    public const int FloatOutput = 1, FloatBias = 2, FloatResidual = 4, AlignedA = 8, AlignedB = 16;

    /// <summary>y = A·B + bias + residual; A by rows (rows, inner), B by rows (cols, inner).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void RowsRowsKernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, false, false, BFloat16Bytes);

    /// <summary>The same for operands of float32, multiplied in tf32.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void RowsRowsTf32Kernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, false, false, FloatBytes);

    /// <summary>y = A·B + bias + residual; A by rows (rows, inner), B by columns (inner, cols).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void RowsColumnsKernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, false, true, BFloat16Bytes);

    /// <summary>The same for operands of float32, multiplied in tf32.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void RowsColumnsTf32Kernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, false, true, FloatBytes);

    /// <summary>y = A·B + bias + residual; A by columns (inner, rows), B by columns (inner, cols).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void ColumnsColumnsKernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, true, true, BFloat16Bytes);

    /// <summary>The same for operands of float32, multiplied in tf32.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void ColumnsColumnsTf32Kernel(long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes) =>
        Multiply(a, b, y, activated, bias, residual, turns, sizes, true, true, FloatBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(
        long a, long b, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, ArrayView<int> turns, Sizes sizes, bool aByColumns, bool bByColumns, int elementBytes)
    {
        if (!CudaAsm.IsSupported) return;
        var staged = SharedMemory.GetDynamic<Float4>();
        CudaAsm.Emit(TensorCore.Registers);
        CudaAsm.Emit(TensorCore.SharedBase);
        CudaAsm.Emit(TensorCore.Zero);

        int tileCols = Group.DimX, rowTiles = (sizes.Rows + TileRows - 1) / TileRows, colTiles = (sizes.Cols + tileCols - 1) / tileCols;
        int band = Grid.IdxX / (Band * colTiles) * Band, bandRows = Math.Min(Band, rowTiles - band), within = Grid.IdxX - (band * colTiles);
        int firstRow = (band + (within % bandRows)) * TileRows, firstCol = within / bandRows * tileCols;
        int first = Grid.IdxY * sizes.InnerPerPart, end = Math.Min(sizes.Inner, first + sizes.InnerPerPart), depth = Depth(elementBytes), steps = (end - first + depth - 1) / depth;

        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5, warpRow = warp & 1, warpCol = warp >> 1;
        int stageBytes = (2 + (Group.DimX >> 6)) * TensorCore.PanelBytes;
        int aPlace = (warpRow * TensorCore.PanelBytes) + (!aByColumns ? LanePairs.Rows(lane) : elementBytes == FloatBytes ? LanePairs.Floats(lane) : LanePairs.Chunks(lane));
        int bPlace = ((2 + warpCol) * TensorCore.PanelBytes) + (!bByColumns ? LanePairs.Chunks(lane) : elementBytes == FloatBytes ? LanePairs.Floats(lane) : LanePairs.Rows(lane));

        CopyStage(a, b, sizes, 0, firstRow, firstCol, first, end, aByColumns, bByColumns, elementBytes);
        CudaAsm.Emit(TensorCore.Commit);
        if (steps > 1) CopyStage(a, b, sizes, stageBytes, firstRow, firstCol, first + depth, end, aByColumns, bByColumns, elementBytes);
        CudaAsm.Emit(TensorCore.Commit);
        CudaAsm.Emit(TensorCore.WaitAllButOne);
        Group.Barrier();

        int read = 0, write = 2 * stageBytes;
        Load(aPlace, bPlace, 0, aByColumns, bByColumns, elementBytes);
        Advance(elementBytes);
        for (int step = 0; step < steps; step++)
        {
            // The copies of the stage after the next are spread over the steps of this one.
            int later = first + ((step + 2) * depth);
            bool more = step + 2 < steps;
            Load(read + aPlace, read + bPlace, 1, aByColumns, bByColumns, elementBytes);
            if (more) CopyA(a, sizes, write, firstRow, later, end, aByColumns, elementBytes);
            MultiplyAndAdvance(elementBytes);
            Load(read + aPlace, read + bPlace, 2, aByColumns, bByColumns, elementBytes);
            if (more) CopyB(b, sizes, write, firstCol, later, end, 0, Group.DimX / 2, bByColumns, elementBytes);
            MultiplyAndAdvance(elementBytes);
            Load(read + aPlace, read + bPlace, 3, aByColumns, bByColumns, elementBytes);
            if (more) CopyB(b, sizes, write, firstCol, later, end, Group.DimX / 2, Group.DimX, bByColumns, elementBytes);
            CudaAsm.Emit(TensorCore.Commit);
            MultiplyAndAdvance(elementBytes);

            // The next stage is there for all, and none still reads the one that is copied to next. After the last the loads repeat.
            CudaAsm.Emit(TensorCore.WaitAllButOne);
            Group.Barrier();
            write = read;
            if (step + 1 < steps) read = read == (Stages - 1) * stageBytes ? 0 : read + stageBytes;
            Load(read + aPlace, read + bPlace, 0, aByColumns, bByColumns, elementBytes);
            MultiplyAndAdvance(elementBytes);
        }

        CudaAsm.Emit(TensorCore.WaitAll);
        Group.Barrier();
        CudaAsm.Emit(TensorCore.Store, (warp * TensorCore.StoreBytes) + (((lane >> 2) * TensorCore.StorePitch) + (2 * (lane & 3))) * 4);
        Warp.Barrier();

        // Parts of the inner dimension add up in order, one after the other, so that the sum has the same bits every time.
        if (sizes.Parts > 1)
        {
            if (Group.IdxX == 0)
            {
                while (Atomic.CompareExchange(ref turns[Grid.IdxX], Grid.IdxY, Grid.IdxY) != Grid.IdxY)
                {
                }

                MemoryFence.DeviceLevel();
            }

            Group.Barrier();
        }

        WriteOutput(
            staged, y, activated, bias, residual, sizes, warp * (TensorCore.StoreBytes / 16),
            firstRow + (warpRow * TensorCore.PanelRows), firstCol + (warpCol * TensorCore.PanelRows), lane);
        if (sizes.Parts > 1)
        {
            MemoryFence.DeviceLevel();
            Group.Barrier();
            if (Group.IdxX == 0) Atomic.Exchange(ref turns[Grid.IdxX], Grid.IdxY + 1 == sizes.Parts ? 0 : Grid.IdxY + 1);
        }
    }

    /// <summary>The fragments of one of the four steps of 32 bytes in a stage, 16 elements or 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(int a, int b, int step, bool aByColumns, bool bByColumns, int elementBytes)
    {
        int rows = step * (32 / elementBytes) * TensorCore.PanelPitch;
        if (!aByColumns) CudaAsm.Emit(TensorCore.LoadNextARows, a ^ (step * 32));
        else if (elementBytes == FloatBytes) CudaAsm.Emit(TensorCore.LoadNextAFloatColumns, a + rows);
        else CudaAsm.Emit(TensorCore.LoadNextAColumns, a + rows);
        if (!bByColumns) CudaAsm.Emit(TensorCore.LoadNextBRows, b ^ (step * 32));
        else if (elementBytes == FloatBytes) CudaAsm.Emit(TensorCore.LoadNextBFloatColumns, b + rows);
        else CudaAsm.Emit(TensorCore.LoadNextBColumns, b + rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAndAdvance(int elementBytes)
    {
        if (elementBytes == FloatBytes) CudaAsm.Emit(TensorCore.MultiplyTf32);
        else CudaAsm.Emit(TensorCore.Multiply);
        Advance(elementBytes);
    }

    /// <summary>The fragments that were fetched are the next to be multiplied; what is float32 is rounded on this way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance(int elementBytes)
    {
        if (elementBytes == FloatBytes) CudaAsm.Emit(TensorCore.AdvanceTf32);
        else CudaAsm.Emit(TensorCore.Advance);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyStage(
        long a, long b, Sizes sizes, int place, int firstRow, int firstCol, int inner, int end, bool aByColumns, bool bByColumns, int elementBytes)
    {
        CopyA(a, sizes, place, firstRow, inner, end, aByColumns, elementBytes);
        CopyB(b, sizes, place, firstCol, inner, end, 0, Group.DimX, bByColumns, elementBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyA(long a, Sizes sizes, int place, int firstRow, int inner, int end, bool byColumns, int elementBytes) =>
        CopyPanels(a, sizes.APitch, place, firstRow, sizes.Rows, inner, end, 0, TileRows, byColumns, sizes.Flags & AlignedA, elementBytes);

    /// <summary>The panel rows first to last − 1 of the right operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyB(long b, Sizes sizes, int place, int firstCol, int inner, int end, int first, int last, bool byColumns, int elementBytes) =>
        CopyPanels(b, sizes.BPitch, place + (2 * TensorCore.PanelBytes), firstCol, sizes.Cols, inner, end, first, last, byColumns, sizes.Flags & AlignedB, elementBytes);

    /// <summary>
    /// Panel rows first to last − 1 of an operand, four times as many as an eighth of the block or a multiple; a panel row is an element of the
    /// outer dimension, or by columns one of the inner. What lies beyond the operand becomes zero; its address is not read.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyPanels(
        long source, int pitch, int place, int outer, int outerEnd, int inner, int innerEnd, int first, int last, bool byColumns, int isAligned, int elementBytes)
    {
        int chunk = Group.IdxX & 7, row = first + (Group.IdxX >> 3), rowStep = Group.DimX >> 3, targetStep = Group.DimX * TensorCore.ChunkBytes;
        int swizzle = byColumns && elementBytes == FloatBytes ? 2 * (row & 3) : row & 7;
        int target = place + (row * TensorCore.PanelPitch) + ((chunk ^ swizzle) * TensorCore.ChunkBytes), outerCount = outerEnd - outer, innerCount = innerEnd - inner;
        source += elementBytes * ((byColumns ? (long)inner : outer) * pitch);
        source += elementBytes * (byColumns ? outer : inner);
        if (isAligned != 0)
        {
            for (; row < last; row += 4 * rowStep)
            {
                Copy(source, pitch, target, row, chunk, outerCount, innerCount, byColumns, elementBytes);
                Copy(source, pitch, target + targetStep, row + rowStep, chunk, outerCount, innerCount, byColumns, elementBytes);
                Copy(source, pitch, target + (2 * targetStep), row + (2 * rowStep), chunk, outerCount, innerCount, byColumns, elementBytes);
                Copy(source, pitch, target + (3 * targetStep), row + (3 * rowStep), chunk, outerCount, innerCount, byColumns, elementBytes);
                target += 4 * targetStep;
            }
        }
        else
        {
            for (; row < last; row += rowStep)
            {
                long address = Address(source, pitch, row, chunk, byColumns, elementBytes);
                int bytes = Bytes(row, chunk, outerCount, innerCount, byColumns, elementBytes);
                if (elementBytes == FloatBytes) CudaAsm.Emit(TensorCore.CopyFloats, target, address, bytes);
                else CudaAsm.Emit(TensorCore.CopyElements, target, address, bytes);
                target += targetStep;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(long source, int pitch, int target, int row, int chunk, int outerCount, int innerCount, bool byColumns, int elementBytes) =>
        CudaAsm.Emit(
            TensorCore.Copy, target, Address(source, pitch, row, chunk, byColumns, elementBytes), Bytes(row, chunk, outerCount, innerCount, byColumns, elementBytes));

    /// <summary>Where a chunk of a panel row comes from; pitches are below 2²³, so that the rows of a stage stay within 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Address(long source, int pitch, int row, int chunk, bool byColumns, int elementBytes)
    {
        // By columns as many panel rows as a stage is deep lie below each other; those after them are further along the outer dimension.
        int within = row & (Depth(elementBytes) - 1);
        return byColumns
            ? source + (elementBytes * ((within * pitch) + row - within + (chunk * (TensorCore.ChunkBytes / elementBytes))))
            : source + ((long)elementBytes * row * pitch) + (chunk * TensorCore.ChunkBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Bytes(int row, int chunk, int outerCount, int innerCount, bool byColumns, int elementBytes)
    {
        int within = row & (Depth(elementBytes) - 1);
        int elements = byColumns
            ? within < innerCount ? outerCount - row + within : 0
            : row < outerCount ? innerCount : 0;
        return Math.Max(0, Math.Min(TensorCore.ChunkBytes, (elements * elementBytes) - (chunk * TensorCore.ChunkBytes)));
    }

    /// <summary>The warp's 64 × 64, four columns a lane, with bias and residual; and f of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteOutput(
        ArrayView<Float4> staged, ArrayView<ushort> y, ArrayView<ushort> activated, ArrayView<ushort> bias, ArrayView<ushort> residual, Sizes sizes, int place, int firstRow, int firstCol, int lane)
    {
        int col = firstCol + (4 * (lane & 15));
        int count = sizes.Cols - col;
        if (count <= 0) return;
        Float4 offset = bias.Length > 0 ? Four(bias, col, count, false, sizes.Flags & FloatBias) : default;
        bool inFours = (sizes.Cols & 3) == 0;
        for (int r = lane >> 4; r < TensorCore.PanelRows && firstRow + r < sizes.Rows; r += 2)
        {
            // A copy first: a method called on the element in place would load its fields one by one.
            Float4 value = staged[place + (r * (TensorCore.StorePitch / 4)) + (lane & 15)];
            value = value.Add(1, offset);
            long target = ((long)(firstRow + r) * sizes.Cols) + col;
            if (residual.Length > 0) value = value.Add(1, Four(residual, target, count, inFours, sizes.Flags & FloatResidual));
            if (y.Length > 0) Write(y, target, count, inFours, sizes.Flags & FloatOutput, value);
            if (activated.Length > 0) Write(activated, target, count, inFours, sizes.Flags & FloatOutput, ActivationPortable.Values(value, sizes.Kind));
        }
    }

    /// <summary>Up to four elements side by side of a row, of which so many are left; zeros beyond them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Four(ArrayView<ushort> view, long place, int count, bool inFours, int isFloat)
    {
        if (inFours) return BFloat16Bits.Four(view, place, isFloat);
        float x = Element(view, place, isFloat), y = 0, z = 0, w = 0;
        if (count > 1) y = Element(view, place + 1, isFloat);
        if (count > 2) z = Element(view, place + 2, isFloat);
        if (count > 3) w = Element(view, place + 3, isFloat);
        return new Float4(x, y, z, w);
    }

    /// <summary>The mirror of <see cref="Four"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(ArrayView<ushort> view, long place, int count, bool inFours, int isFloat, Float4 value)
    {
        if (inFours)
        {
            if (isFloat != 0) view.Cast<Float4>()[place >> 2] = value;
            else view.Cast<BFloat16x4>()[place >> 2] = new BFloat16x4(value);
        }
        else
        {
            WriteElement(view, place, isFloat, value.X);
            if (count > 1) WriteElement(view, place + 1, isFloat, value.Y);
            if (count > 2) WriteElement(view, place + 2, isFloat, value.Z);
            if (count > 3) WriteElement(view, place + 3, isFloat, value.W);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteElement(ArrayView<ushort> view, long place, int isFloat, float value)
    {
        if (isFloat != 0) view.Cast<float>()[place] = value;
        else view[place] = BFloat16Bits.Round(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Element(ArrayView<ushort> view, long place, int isFloat) =>
        isFloat != 0 ? view.Cast<float>()[place] : BFloat16Bits.Widen(view[place]);
}
