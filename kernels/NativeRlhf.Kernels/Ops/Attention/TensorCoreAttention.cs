using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NativeRlhf.Kernels.Device;
using Text = NativeRlhf.Kernels.Ops.TensorCoreAttentionText;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention on tensor cores (Dao 2023): a block has 128 rows of one head, a warp sixteen of them, and walks over tiles of 64 rows of
/// the other side, of which two are in shared memory: one is multiplied while the next arrives. Scores, weights and their
/// gradients never leave the registers: the accumulators of one product are, in bfloat16, the left operand of the next. Backward
/// is two kernels, one that owns keys and one that owns queries, both of which make the weights anew from lse; every
/// gradient is summed by the one warp that owns its row, in order.
/// </summary>
internal static class TensorCoreAttention
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 256;

    /// <summary>Rows that a block owns.</summary>
    public const int OwnRows = 128;

    private const int TileRows = TensorCore.PanelRows, WarpRows = 16, Chunk = TensorCore.ChunkBytes, FloatBytes = 2 * TileRows * sizeof(float);

    // Where a row that does not exist begins to see: behind all columns.
    private const int Nothing = 0x40000000;

    /// <summary>Whether there are kernels for a head size.</summary>
    public static bool Supports(int headSize) => headSize is 32 or 64 or 128;

    /// <summary>Bytes of shared memory that forward needs.</summary>
    public static int ForwardBytes(int headSize) => 2 * StageBytes(headSize);

    /// <summary>Bytes of shared memory that each of the two kernels of backward needs.</summary>
    public static int BackwardBytes(int headSize) => (4 * StageBytes(headSize)) + (2 * FloatBytes);

    /// <summary>Two operands of 64 rows; also one of 128.</summary>
    private static int StageBytes(int headSize) => 2 * Panels(headSize) * TensorCore.PanelBytes;

    private static int Panels(int headSize) => headSize > 64 ? 2 : 1;

    /// <summary>Sixteen bytes of shared or global memory: one 128-bit access.</summary>
    internal readonly struct Chunk16(uint a, uint b, uint c, uint d)
    {
        public readonly uint A = a, B = b, C = c, D = d;

        /// <summary>Σ of the eight products of bfloat16 elements.</summary>
        public float Dot(Chunk16 v) => Dot(A, v.A) + Dot(B, v.B) + Dot(C, v.C) + Dot(D, v.D);

        private static float Dot(uint x, uint y) =>
            (Interop.IntAsFloat(x << 16) * Interop.IntAsFloat(y << 16)) + (Interop.IntAsFloat(x & 0xffff0000) * Interop.IntAsFloat(y & 0xffff0000));
    }

    /// <summary>What the kernels of attention know of a batch: its rows, where their sequences begin, and the scales of the scores.</summary>
    internal readonly struct Batch(int rows, int sequences, float scale)
    {
        public readonly int Rows = rows, Sequences = sequences;

        /// <summary>1 / √HS, and the same / ln 2.</summary>
        public readonly float Scale = scale, Scale2 = scale * 1.44269504f;
    }

    /// <summary>y and lse at head size 32. Grid (⌈N / 128⌉, NH).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Forward32Kernel(long qkv, ArrayView<ushort> y, long lse, ArrayView<int> rowStarts, Batch batch) => Forward(qkv, y, lse, rowStarts, batch, 32);

    /// <summary>y and lse at head size 64.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Forward64Kernel(long qkv, ArrayView<ushort> y, long lse, ArrayView<int> rowStarts, Batch batch) => Forward(qkv, y, lse, rowStarts, batch, 64);

    /// <summary>y and lse at head size 128.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Forward128Kernel(long qkv, ArrayView<ushort> y, long lse, ArrayView<int> rowStarts, Batch batch) => Forward(qkv, y, lse, rowStarts, batch, 128);

    /// <summary>
    /// D[n, h] = dY[n, h]·y[n, h] as float32 in the first bytes of dQ[n, h], where the kernels after this one look for it. An eighth of the head
    /// size in threads for each row of a head; grid (⌈N·NH·HS / 8 / 256⌉).
    /// </summary>
    [Kernel(Grouping.Explicit)]
    internal static void DeltaKernel(ArrayView<ushort> dQkv, ArrayView<ushort> dY, ArrayView<ushort> y, int rows, int heads, int headSize)
    {
        int lanes = headSize >> 3;
        long place = ((long)Grid.IdxX * Group.DimX) + Group.IdxX, count = (long)rows * heads * lanes;
        float sum = 0;
        if (place < count)
        {
            Chunk16 gradient = dY.Cast<Chunk16>()[place], output = y.Cast<Chunk16>()[place];
            sum = gradient.Dot(output);
        }

        for (int other = lanes >> 1; other > 0; other >>= 1) sum += Warp.ShuffleXor(sum, other);
        if (place >= count || (Group.IdxX & (lanes - 1)) != 0) return;
        long pair = place / lanes, row = pair / heads, head = pair - (row * heads);
        dQkv.Cast<float>()[((row * 3 * heads) + head) * headSize / 2] = sum;
    }

    /// <summary>dK and dV at head size 32, after <see cref="DeltaKernel"/>. Grid (⌈N / 128⌉, NH).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Keys32Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> offsets, Batch batch) =>
        Keys(dQkv, gradients, dY, lse, qkv, offsets, batch, 32);

    /// <summary>dK and dV at head size 64.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Keys64Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> offsets, Batch batch) =>
        Keys(dQkv, gradients, dY, lse, qkv, offsets, batch, 64);

    /// <summary>dK and dV at head size 128.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Keys128Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> offsets, Batch batch) =>
        Keys(dQkv, gradients, dY, lse, qkv, offsets, batch, 128);

    /// <summary>dQ at head size 32, after the kernel for keys, which reads what this one overwrites. Grid (⌈N / 128⌉, NH).</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Queries32Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> rowStarts, Batch batch) =>
        Queries(dQkv, gradients, dY, lse, qkv, rowStarts, batch, 32);

    /// <summary>dQ at head size 64.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Queries64Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> rowStarts, Batch batch) =>
        Queries(dQkv, gradients, dY, lse, qkv, rowStarts, batch, 64);

    /// <summary>dQ at head size 128.</summary>
    [Kernel(Grouping.Explicit)]
    internal static void Queries128Kernel(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> rowStarts, Batch batch) =>
        Queries(dQkv, gradients, dY, lse, qkv, rowStarts, batch, 128);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward(long qkv, ArrayView<ushort> y, long lse, ArrayView<int> rowStarts, Batch batch, int headSize)
    {
        if (!CudaAsm.IsSupported) return;
        var staged = SharedMemory.GetDynamic<Chunk16>();
        CudaAsm.Emit(TensorCore.Registers);
        CudaAsm.Emit(Text.Registers);
        CudaAsm.Emit(TensorCore.SharedBase);
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5, width = Grid.DimY * headSize, pitch = 3 * width, stageBytes = StageBytes(headSize);
        int own = Grid.IdxX * OwnRows, end = Math.Min(batch.Rows, own + OwnRows), first = rowStarts[own];
        int warpFirst = own + (warp * WarpRows), warpLast = Math.Min(warpFirst + WarpRows, batch.Rows) - 1;
        int warpStart = rowStarts[Math.Min(warpFirst, batch.Rows - 1)], lastStart = rowStarts[Math.Max(warpLast, 0)];
        long queries = qkv + (2L * Grid.IdxY * headSize), keys = queries + (2L * width), values = keys + (2L * width);

        // The queries lie for a moment where the second tile comes to lie.
        CopyRows(queries, pitch, stageBytes, own, OwnRows, batch.Rows, headSize);
        CopyPair(keys, pitch, values, pitch, 0, first, end, headSize);
        CudaAsm.Emit(TensorCore.Commit);
        SetRangeOfQueries(rowStarts, warpFirst + (lane >> 2), batch.Rows);
        CudaAsm.Emit(Text.Start);
        CudaAsm.Emit(Text.Zero2);
        if (headSize > 64) CudaAsm.Emit(Text.Zero4);
        CudaAsm.Emit(TensorCore.WaitAll);
        Group.Barrier();
        LoadQueries(stageBytes + OwnPlace(lane, warp), headSize);

        int stage = 0;
        for (int key = first; key < end; key += TileRows)
        {
            CudaAsm.Emit(TensorCore.WaitAll);
            Group.Barrier();
            if (key + TileRows < end) CopyPair(keys, pitch, values, pitch, stageBytes - stage, key + TileRows, end, headSize);
            CudaAsm.Emit(TensorCore.Commit);
            if (warpFirst < batch.Rows && key <= warpLast && key + TileRows > warpStart)
            {
                int rowsPlace = stage + LanePairs.Chunks(lane), columnsPlace = stage + (stageBytes / 2) + LanePairs.Rows(lane);
                CudaAsm.Emit(Text.Zero0);
                QueryScores(rowsPlace, headSize);
                if (key + TileRows - 1 > warpFirst || key < lastStart) CudaAsm.Emit(Text.Mask, key + (2 * (lane & 3)));
                CudaAsm.Emit(Text.Softmax, batch.Scale2);
                CudaAsm.Emit(Text.Rescale2);
                if (headSize > 64) CudaAsm.Emit(Text.Rescale4);
                AddWeighted(columnsPlace, headSize);
            }

            stage = stageBytes - stage;
        }

        CudaAsm.Emit(Text.Finish, batch.Scale2);
        int row = warpFirst + (lane >> 2), owner = (lane & 3) == 0 ? 1 : 0;
        long lsePlace = lse + (4 * (((long)row * Grid.DimY) + Grid.IdxY));
        CudaAsm.Emit(Text.StoreLse, lsePlace, lsePlace + (32L * Grid.DimY), row < batch.Rows ? owner : 0, row + 8 < batch.Rows ? owner : 0);
        Group.Barrier();
        int place = warp * WarpRows * Text.StorePitch * Panels(headSize);
        CudaAsm.Emit(Text.StoreRow2, place + StorePlace(lane));
        if (headSize > 64) CudaAsm.Emit(Text.StoreRow4, place + (WarpRows * Text.StorePitch) + StorePlace(lane));
        Warp.Barrier();
        WriteRows(staged, place, y, (long)Grid.IdxY * headSize, width, warpFirst, batch.Rows, lane, headSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keys(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> offsets, Batch batch, int headSize)
    {
        if (!CudaAsm.IsSupported) return;
        var staged = SharedMemory.GetDynamic<Chunk16>();
        CudaAsm.Emit(TensorCore.Registers);
        CudaAsm.Emit(Text.Registers);
        CudaAsm.Emit(TensorCore.SharedBase);
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5, width = Grid.DimY * headSize, pitch = 3 * width, stageBytes = StageBytes(headSize);
        int own = Grid.IdxX * OwnRows, warpFirst = own + (warp * WarpRows), warpLast = Math.Min(warpFirst + WarpRows, batch.Rows) - 1;
        int end = EndOf(offsets, batch.Sequences, Math.Min(own + OwnRows, batch.Rows) - 1);
        int firstEnd = EndOf(offsets, batch.Sequences, Math.Min(warpFirst, batch.Rows - 1)), warpEnd = EndOf(offsets, batch.Sequences, Math.Max(warpLast, 0));
        long head = 2L * Grid.IdxY * headSize, queries = qkv + head, keys = queries + (2L * width), values = keys + (2L * width);
        long outputs = dY + head, dots = gradients + head;

        int tiles = 2 * stageBytes, floats = 4 * stageBytes;
        CopyRows(keys, pitch, 0, own, OwnRows, batch.Rows, headSize);
        CopyRows(values, pitch, stageBytes, own, OwnRows, batch.Rows, headSize);
        CopyPair(queries, pitch, outputs, width, tiles, own, end, headSize);
        CopyFloats(lse, dots, pitch, floats, own, end);
        CudaAsm.Emit(TensorCore.Commit);

        // A key is seen by the queries from its own row on to the end of its sequence.
        int row = warpFirst + (lane >> 2);
        bool hasFirst = row < batch.Rows, hasSecond = row + 8 < batch.Rows;
        int firstLength = hasFirst ? EndOf(offsets, batch.Sequences, row) - 1 - row : 0;
        int secondLength = hasSecond ? EndOf(offsets, batch.Sequences, row + 8) - 9 - row : 0;
        CudaAsm.Emit(Text.SetRange, hasFirst ? row : Nothing, firstLength, hasSecond ? row + 8 : Nothing, secondLength);
        CudaAsm.Emit(Text.Zero2);
        CudaAsm.Emit(Text.Zero3);
        if (headSize > 64)
        {
            CudaAsm.Emit(Text.Zero4);
            CudaAsm.Emit(Text.Zero5);
        }

        int stage = 0, floatStage = 0;
        for (int query = own; query < end; query += TileRows)
        {
            CudaAsm.Emit(TensorCore.WaitAll);
            Group.Barrier();
            if (query + TileRows < end)
            {
                CopyPair(queries, pitch, outputs, width, tiles + stageBytes - stage, query + TileRows, end, headSize);
                CopyFloats(lse, dots, pitch, floats + FloatBytes - floatStage, query + TileRows, end);
            }

            CudaAsm.Emit(TensorCore.Commit);
            if (warpFirst < batch.Rows && query + TileRows > warpFirst && query < warpEnd)
            {
                int queryTile = tiles + stage, outputTile = queryTile + (stageBytes / 2), ownPlace = OwnPlace(lane, warp);
                int lanePlace = floats + floatStage + (8 * (lane & 3));
                CudaAsm.Emit(Text.Zero0);
                Scores0(ownPlace, queryTile + LanePairs.Chunks(lane), headSize);
                if (query < warpFirst + WarpRows || query + TileRows > firstEnd) CudaAsm.Emit(Text.Mask, query + (2 * (lane & 3)));
                CudaAsm.Emit(Text.WeightsByColumn, lanePlace, batch.Scale2);
                CudaAsm.Emit(Text.Zero1);
                Scores1(stageBytes + ownPlace, outputTile + LanePairs.Chunks(lane), headSize);
                AddWeighted(outputTile + LanePairs.Rows(lane), headSize);
                CudaAsm.Emit(Text.GradientByColumn, lanePlace + (FloatBytes / 2));
                AddGradient(queryTile + LanePairs.Rows(lane), headSize);
            }

            stage = stageBytes - stage;
            floatStage = FloatBytes - floatStage;
        }

        CudaAsm.Emit(TensorCore.WaitAll);
        Group.Barrier();
        int place = warp * WarpRows * Text.StorePitch * 2 * Panels(headSize), outputBytes = WarpRows * Text.StorePitch * Panels(headSize);
        CudaAsm.Emit(Text.SetFactor, 1f);
        CudaAsm.Emit(Text.StoreRow2, place + StorePlace(lane));
        if (headSize > 64) CudaAsm.Emit(Text.StoreRow4, place + (WarpRows * Text.StorePitch) + StorePlace(lane));
        CudaAsm.Emit(Text.SetFactor, batch.Scale);
        CudaAsm.Emit(Text.StoreRow3, place + outputBytes + StorePlace(lane));
        if (headSize > 64) CudaAsm.Emit(Text.StoreRow5, place + outputBytes + (WarpRows * Text.StorePitch) + StorePlace(lane));
        Warp.Barrier();
        long keyColumn = width + ((long)Grid.IdxY * headSize);
        WriteRows(staged, place, dQkv, keyColumn + width, pitch, warpFirst, batch.Rows, lane, headSize);
        WriteRows(staged, place + outputBytes, dQkv, keyColumn, pitch, warpFirst, batch.Rows, lane, headSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Queries(ArrayView<ushort> dQkv, long gradients, long dY, long lse, long qkv, ArrayView<int> rowStarts, Batch batch, int headSize)
    {
        if (!CudaAsm.IsSupported) return;
        var staged = SharedMemory.GetDynamic<Chunk16>();
        CudaAsm.Emit(TensorCore.Registers);
        CudaAsm.Emit(Text.Registers);
        CudaAsm.Emit(TensorCore.SharedBase);
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5, width = Grid.DimY * headSize, pitch = 3 * width, stageBytes = StageBytes(headSize);
        int own = Grid.IdxX * OwnRows, end = Math.Min(batch.Rows, own + OwnRows), first = rowStarts[own];
        int warpFirst = own + (warp * WarpRows), warpLast = Math.Min(warpFirst + WarpRows, batch.Rows) - 1;
        int warpStart = rowStarts[Math.Min(warpFirst, batch.Rows - 1)], lastStart = rowStarts[Math.Max(warpLast, 0)];
        long head = 2L * Grid.IdxY * headSize, queries = qkv + head, keys = queries + (2L * width), values = keys + (2L * width);

        int tiles = 2 * stageBytes;
        CopyRows(queries, pitch, 0, own, OwnRows, batch.Rows, headSize);
        CopyRows(dY + head, width, stageBytes, own, OwnRows, batch.Rows, headSize);
        CopyPair(keys, pitch, values, pitch, tiles, first, end, headSize);
        CudaAsm.Emit(TensorCore.Commit);
        int row = warpFirst + (lane >> 2);
        SetRangeOfQueries(rowStarts, row, batch.Rows);
        int hasFirst = row < batch.Rows ? 1 : 0, hasSecond = row + 8 < batch.Rows ? 1 : 0;
        long lsePlace = lse + (4 * (((long)row * Grid.DimY) + Grid.IdxY)), dotPlace = gradients + head + (2L * row * pitch);
        CudaAsm.Emit(Text.LoadLse, lsePlace, lsePlace + (32L * Grid.DimY), hasFirst, hasSecond);
        CudaAsm.Emit(Text.LoadDelta, dotPlace, dotPlace + (16L * pitch), hasFirst, hasSecond);
        CudaAsm.Emit(Text.Zero3);
        if (headSize > 64) CudaAsm.Emit(Text.Zero5);

        int stage = 0;
        for (int key = first; key < end; key += TileRows)
        {
            CudaAsm.Emit(TensorCore.WaitAll);
            Group.Barrier();
            if (key + TileRows < end) CopyPair(keys, pitch, values, pitch, tiles + stageBytes - stage, key + TileRows, end, headSize);
            CudaAsm.Emit(TensorCore.Commit);
            if (warpFirst < batch.Rows && key <= warpLast && key + TileRows > warpStart)
            {
                int keyTile = tiles + stage, ownPlace = OwnPlace(lane, warp);
                CudaAsm.Emit(Text.Zero0);
                Scores0(ownPlace, keyTile + LanePairs.Chunks(lane), headSize);
                if (key + TileRows - 1 > warpFirst || key < lastStart) CudaAsm.Emit(Text.Mask, key + (2 * (lane & 3)));
                CudaAsm.Emit(Text.WeightsByRow, batch.Scale2);
                CudaAsm.Emit(Text.Zero1);
                Scores1(stageBytes + ownPlace, keyTile + (stageBytes / 2) + LanePairs.Chunks(lane), headSize);
                CudaAsm.Emit(Text.GradientByRow);
                AddGradient(keyTile + LanePairs.Rows(lane), headSize);
            }

            stage = stageBytes - stage;
        }

        CudaAsm.Emit(TensorCore.WaitAll);
        Group.Barrier();
        int place = warp * WarpRows * Text.StorePitch * Panels(headSize);
        CudaAsm.Emit(Text.SetFactor, batch.Scale);
        CudaAsm.Emit(Text.StoreRow3, place + StorePlace(lane));
        if (headSize > 64) CudaAsm.Emit(Text.StoreRow5, place + (WarpRows * Text.StorePitch) + StorePlace(lane));
        Warp.Barrier();
        WriteRows(staged, place, dQkv, (long)Grid.IdxY * headSize, pitch, warpFirst, batch.Rows, lane, headSize);
    }

    /// <summary>The end of the sequence that a row belongs to: the first of the offsets beyond it.</summary>
    private static int EndOf(ArrayView<int> offsets, int sequences, int row)
    {
        int low = 0, high = sequences;
        while (high - low > 1)
        {
            int middle = (low + high) >> 1;
            if (offsets[middle] <= row) low = middle;
            else high = middle;
        }

        return offsets[high];
    }

    /// <summary>A query sees the keys from the start of its sequence to its own row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetRangeOfQueries(ArrayView<int> rowStarts, int row, int rows)
    {
        int firstStart = Nothing, firstLength = 0, secondStart = Nothing, secondLength = 0;
        if (row < rows)
        {
            firstStart = rowStarts[row];
            firstLength = row - firstStart;
        }

        if (row + 8 < rows)
        {
            secondStart = rowStarts[row + 8];
            secondLength = row + 8 - secondStart;
        }

        CudaAsm.Emit(Text.SetRange, firstStart, firstLength, secondStart, secondLength);
    }

    /// <summary>Where the lane reads the fragments of its warp's sixteen rows of 128 that the block owns.</summary>
    private static int OwnPlace(int lane, int warp) => (warp * WarpRows * TensorCore.PanelPitch) + LanePairs.Rows(lane);

    private static int StorePlace(int lane) => ((lane >> 2) * Text.StorePitch) + (4 * (lane & 3));

    /// <summary>Two tiles of 64 rows, each of the columns of one head, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyPair(long a, int aPitch, long b, int bPitch, int place, int first, int end, int headSize)
    {
        CopyRows(a, aPitch, place, first, TileRows, end, headSize);
        CopyRows(b, bPitch, place + (StageBytes(headSize) / 2), first, TileRows, end, headSize);
    }

    /// <summary>Rows of the columns of one head, as panels of 64 columns; rows from the end on become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRows(long source, int pitch, int place, int first, int count, int end, int headSize)
    {
        int chunks = Math.Min(headSize, 64) / 8;
        int chunk = Group.IdxX & (chunks - 1), top = Group.IdxX / chunks, step = Threads / chunks;
        long address = source + (2 * (((long)(first + top) * pitch) + (chunk * 8)));
        for (int row = top; row < count; row += step)
        {
            int target = place + (row * TensorCore.PanelPitch) + ((chunk ^ (row & 7)) * Chunk), bytes = first + row < end ? Chunk : 0;
            CudaAsm.Emit(TensorCore.Copy, target, address, bytes);
            if (headSize > 64) CudaAsm.Emit(TensorCore.Copy, target + (count * TensorCore.PanelPitch), address + TensorCore.PanelPitch, bytes);
            address += 2L * step * pitch;
        }
    }

    /// <summary>lse and D of 64 queries; D lies in rows of 2-byte elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyFloats(long lse, long dots, int dotPitch, int place, int first, int end)
    {
        int index = Group.IdxX;
        if (index >= 2 * TileRows) return;
        int row = first + (index & (TileRows - 1));
        long address = index < TileRows ? lse + (4 * (((long)row * Grid.DimY) + Grid.IdxY)) : dots + (2L * row * dotPitch);
        CudaAsm.Emit(Text.CopyFloat, place + (4 * index), address, row < end ? 4 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadQueries(int place, int headSize)
    {
        const int nextPanel = OwnRows * TensorCore.PanelPitch;
        CudaAsm.Emit(Text.LoadQuery0, place);
        CudaAsm.Emit(Text.LoadQuery1, place ^ 32);
        if (headSize > 32)
        {
            CudaAsm.Emit(Text.LoadQuery2, place ^ 64);
            CudaAsm.Emit(Text.LoadQuery3, place ^ 96);
        }

        if (headSize > 64)
        {
            CudaAsm.Emit(Text.LoadQuery4, nextPanel + place);
            CudaAsm.Emit(Text.LoadQuery5, nextPanel + (place ^ 32));
            CudaAsm.Emit(Text.LoadQuery6, nextPanel + (place ^ 64));
            CudaAsm.Emit(Text.LoadQuery7, nextPanel + (place ^ 96));
        }
    }

    /// <summary>Row 0 += q·kᵀ, q in registers, 64 keys by rows at a place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void QueryScores(int place, int headSize)
    {
        CudaAsm.Emit(Text.UseQuery0);
        MultiplyRow0(place);
        CudaAsm.Emit(Text.UseQuery1);
        MultiplyRow0(place ^ 32);
        if (headSize > 32)
        {
            CudaAsm.Emit(Text.UseQuery2);
            MultiplyRow0(place ^ 64);
            CudaAsm.Emit(Text.UseQuery3);
            MultiplyRow0(place ^ 96);
        }

        if (headSize > 64)
        {
            CudaAsm.Emit(Text.UseQuery4);
            MultiplyRow0(place + TensorCore.PanelBytes);
            CudaAsm.Emit(Text.UseQuery5);
            MultiplyRow0((place ^ 32) + TensorCore.PanelBytes);
            CudaAsm.Emit(Text.UseQuery6);
            MultiplyRow0((place ^ 64) + TensorCore.PanelBytes);
            CudaAsm.Emit(Text.UseQuery7);
            MultiplyRow0((place ^ 96) + TensorCore.PanelBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyRow0(int place)
    {
        CudaAsm.Emit(TensorCore.LoadBRows, place);
        CudaAsm.Emit(TensorCore.MultiplyRow0);
    }

    /// <summary>Row 0 += the warp's own rows · the 64 rows of a tile, over the head size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scores0(int own, int tile, int headSize)
    {
        const int ownPanel = OwnRows * TensorCore.PanelPitch, tilePanel = TensorCore.PanelBytes;
        Score0(own, tile);
        Score0(own ^ 32, tile ^ 32);
        if (headSize > 32)
        {
            Score0(own ^ 64, tile ^ 64);
            Score0(own ^ 96, tile ^ 96);
        }

        if (headSize > 64)
        {
            Score0(ownPanel + own, tilePanel + tile);
            Score0(ownPanel + (own ^ 32), tilePanel + (tile ^ 32));
            Score0(ownPanel + (own ^ 64), tilePanel + (tile ^ 64));
            Score0(ownPanel + (own ^ 96), tilePanel + (tile ^ 96));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score0(int own, int tile)
    {
        CudaAsm.Emit(Text.LoadA0, own);
        MultiplyRow0(tile);
    }

    /// <summary>As <see cref="Scores0"/>, into row 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scores1(int own, int tile, int headSize)
    {
        const int ownPanel = OwnRows * TensorCore.PanelPitch, tilePanel = TensorCore.PanelBytes;
        Score1(own, tile);
        Score1(own ^ 32, tile ^ 32);
        if (headSize > 32)
        {
            Score1(own ^ 64, tile ^ 64);
            Score1(own ^ 96, tile ^ 96);
        }

        if (headSize > 64)
        {
            Score1(ownPanel + own, tilePanel + tile);
            Score1(ownPanel + (own ^ 32), tilePanel + (tile ^ 32));
            Score1(ownPanel + (own ^ 64), tilePanel + (tile ^ 64));
            Score1(ownPanel + (own ^ 96), tilePanel + (tile ^ 96));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score1(int own, int tile)
    {
        CudaAsm.Emit(Text.LoadA1, own);
        CudaAsm.Emit(TensorCore.LoadBRows, tile);
        CudaAsm.Emit(TensorCore.MultiplyRow1);
    }

    /// <summary>Rows 2 and 4 += row 0 in bfloat16 · 64 rows of a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddWeighted(int place, int headSize)
    {
        CudaAsm.Emit(Text.Pack00);
        AddWeightedStep(place, headSize);
        CudaAsm.Emit(Text.Pack01);
        AddWeightedStep(place + (16 * TensorCore.PanelPitch), headSize);
        CudaAsm.Emit(Text.Pack02);
        AddWeightedStep(place + (32 * TensorCore.PanelPitch), headSize);
        CudaAsm.Emit(Text.Pack03);
        AddWeightedStep(place + (48 * TensorCore.PanelPitch), headSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddWeightedStep(int place, int headSize)
    {
        if (headSize == 32)
        {
            CudaAsm.Emit(TensorCore.LoadBHalfColumns, place);
            CudaAsm.Emit(TensorCore.MultiplyRow2Left);
        }
        else
        {
            CudaAsm.Emit(TensorCore.LoadBColumns, place);
            CudaAsm.Emit(TensorCore.MultiplyRow2);
        }

        if (headSize > 64)
        {
            CudaAsm.Emit(TensorCore.LoadBColumns, place + TensorCore.PanelBytes);
            CudaAsm.Emit(TensorCore.MultiplyRow4);
        }
    }

    /// <summary>Rows 3 and 5 += row 1 in bfloat16 · 64 rows of a tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGradient(int place, int headSize)
    {
        CudaAsm.Emit(Text.Pack10);
        AddGradientStep(place, headSize);
        CudaAsm.Emit(Text.Pack11);
        AddGradientStep(place + (16 * TensorCore.PanelPitch), headSize);
        CudaAsm.Emit(Text.Pack12);
        AddGradientStep(place + (32 * TensorCore.PanelPitch), headSize);
        CudaAsm.Emit(Text.Pack13);
        AddGradientStep(place + (48 * TensorCore.PanelPitch), headSize);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddGradientStep(int place, int headSize)
    {
        if (headSize == 32)
        {
            CudaAsm.Emit(TensorCore.LoadBHalfColumns, place);
            CudaAsm.Emit(TensorCore.MultiplyRow3Left);
        }
        else
        {
            CudaAsm.Emit(TensorCore.LoadBColumns, place);
            CudaAsm.Emit(TensorCore.MultiplyRow3);
        }

        if (headSize > 64)
        {
            CudaAsm.Emit(TensorCore.LoadBColumns, place + TensorCore.PanelBytes);
            CudaAsm.Emit(TensorCore.MultiplyRow5);
        }
    }

    /// <summary>The warp's sixteen rows from shared memory to rows and columns of an output, 16 bytes a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteRows(ArrayView<Chunk16> staged, int place, ArrayView<ushort> output, long column, int pitch, int first, int rows, int lane, int headSize)
    {
        int chunks = Math.Min(headSize, 64) / 8;
        var target = output.Cast<Chunk16>();
        for (int i = lane; i < WarpRows * chunks; i += TensorCore.WarpSize)
        {
            int row = i / chunks, chunk = i & (chunks - 1), source = (place / Chunk) + (row * (Text.StorePitch / Chunk)) + chunk;
            if (first + row >= rows) continue;
            long to = ((((long)(first + row) * pitch) + column) >> 3) + chunk;
            target[to] = staged[source];
            if (headSize > 64) target[to + 8] = staged[source + (WarpRows * Text.StorePitch / Chunk)];
        }
    }
}
