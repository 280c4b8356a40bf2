using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The blocked product of Goto and van de Geijn (2008): C (M × N) = A (M × K) · B (K × N), where the strides of A and B
/// say which of them is read transposed. A is read where it lies, in panels of <see cref="RegisterTile{S,V}"/>'s rows. B is read where it lies,
/// some rows of it fetched ahead, where that costs no more than its packing: where A's rows are read from end to end, and B's lie as the tiles
/// read them, and these are not a multiple of 4 KiB apart or those are few. Else who computes a block packs what it needs of B into panels that
/// stay in the second-level cache. Where packing B would cost more than packing A and the result, as for few rows, the product is turned around.
/// K is shared among threads for one to three rows only, in pieces that do not depend on their number, so that each element of C is summed in
/// the same order whatever it is.
/// </summary>
/// <param name="team">The threads.</param>
/// <param name="level1Ways">The ways of the first-level cache. Of fewer than a tile has rows, A is packed before, for all threads, where its rows are a multiple of 4 KiB apart.</param>
internal sealed unsafe class MatMulSimd<S, V>(WorkerTeam team, int level1Ways) : MatMul, IDisposable
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The largest piece of K where a panel of A's rows (12 × 512 floats, 24 KiB) stays in the first-level cache while B's pass.</summary>
    private const int RowsDepth = 512;

    /// <summary>The largest piece of K where a packed panel of B (384 × 32 floats, 48 KiB) stays in the nearest caches while A's, transposed or packed, pass.</summary>
    private const int PanelDepth = 384;

    /// <summary>The most floats of A that are packed at once: 8 MiB, in the third-level cache.</summary>
    private const int PackedFloats = 1 << 21;

    /// <summary>The most rows of a block of C, for which B is packed or brought to the second-level cache once, and whose panels pass.</summary>
    private const int BlockRows = 1056;

    /// <summary>The least panels of rows of a block where it is made lower for the sake of many threads: B is packed or fetched once more for each block.</summary>
    private const int LeastPanelsDown = 8;

    /// <summary>The most columns of a block of C that has enough work: a piece of them is 256 KiB.</summary>
    private const int BlockColumns = 128;

    /// <summary>Up to this many rows a transposed B is not worth its packing.</summary>
    private const int DotRows = 4;

    /// <summary>The most rows of a product that is turned around: its result is copied from the second-level cache.</summary>
    private const int TurnedRows = 384;

    /// <summary>Up to this many rows a B that lies as it is read is read from end to end; more tiles of it are read faster.</summary>
    private const int ScaledRowsRows = 3;

    /// <summary>Up to this many rows, whose tiles pass B a few times only, B is read where it lies even if its rows are a multiple of 4 KiB apart.</summary>
    private const int InPlaceRows = 128;

    /// <summary>How many rows ahead are fetched while rows are copied.</summary>
    private const int Ahead = 16;

    /// <summary>The least multiply-adds of a block: a few microseconds.</summary>
    private const int BlockWork = 1 << 17;

    private readonly ActivationSimd<S, V> _activation = new(team);
    private readonly ScratchMemory _packed = new();

    public MatMulSimd(WorkerTeam team)
        : this(team, HostCache.Level1Ways)
    {
    }

    private static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => RegisterTile<S, V>.Rows;
    }

    private static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => RegisterTile<S, V>.Columns;
    }

    public void Dispose() => _packed.Dispose();

    private protected override void ForwardCore(
        Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual, Tensor activated, ActivationKind kind)
    {
        Tensor sum = y.IsNone ? activated : y;
        var b = layout == WeightLayout.InOut ? Operand.Plain(weight) : Operand.Transposed(weight);
        Multiply(sum, Operand.Plain(x), b, x.Cols, bias.IsNone ? null : bias.Pointer, residual.IsNone ? null : residual.Pointer);

        // After the product, over flat memory. Applied to each tile's rows in the first-level cache it was slower by up to 20 % of the
        // product: pieces of rows, a power of two apart, are written more slowly than memory from end to end.
        if (!activated.IsNone) _activation.Apply(activated, sum, kind);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate)
    {
        var b = layout == WeightLayout.InOut ? Operand.Transposed(weight) : Operand.Plain(weight);
        Multiply(dX, Operand.Plain(dY), b, dY.Cols, null, accumulate ? dX.Pointer : null);
    }

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        var (a, b) = layout == WeightLayout.InOut ? (x, dY) : (dY, x);
        bool isSummedByBlocks = layout == WeightLayout.InOut && dWeight.Length > 0;
        Multiply(dWeight, Operand.Transposed(a), Operand.Plain(b), x.Rows, null, dWeight.Pointer, isSummedByBlocks && !dBias.IsNone ? dBias.Pointer : null);
        if (!isSummedByBlocks && !dBias.IsNone)
            team.For((dY.Cols + BiasColumns - 1) / BiasColumns, new BiasGradient(dBias.Pointer, dY.Pointer, dY.Rows, dY.Cols));
    }

    /// <summary>C = A·B + bias + initial, where the initial content may be C itself; and sums += Σₖ B[k].</summary>
    private void Multiply(Tensor c, Operand a, Operand b, int depth, float* bias, float* initial, float* sums = null)
    {
        if (c.Length == 0) return;
        bool isRowsOnly = a.ColumnStride == 1 && sums == null;
        if (c.Rows <= DotRows && b.RowStride == 1 && isRowsOnly)
        {
            team.For((c.Cols + Dots.ItemColumns - 1) / Dots.ItemColumns, new Dots(c, (nint)initial, (nint)bias, a, b, depth));
            return;
        }

        if (c.Rows <= ScaledRowsRows && b.ColumnStride == 1 && isRowsOnly)
        {
            MultiplyScaled(c, initial, bias, a, b, depth);
            return;
        }

        if (b.RowStride == 1 && isRowsOnly && IsTurned(c, b, depth))
        {
            MultiplyTurned(c, initial, bias, a, b, depth);
            return;
        }

        // Pieces are whole lines of a row.
        bool keepsRows = a.RowStride != 1 && KeepsRows(a.RowStride);
        int mostDepth = keepsRows ? RowsDepth : PanelDepth;
        int pieces = Math.Max(1, (depth + mostDepth - 1) / mostDepth), pieceDepth = Math.Max(1, (((depth + pieces - 1) / pieces) + 15) / 16 * 16);
        if (a.RowStride == 1 || keepsRows)
        {
            MultiplyBlocks(c, initial, bias, new Panels(a.Pointer, a.RowStride, a.ColumnStride, Rows * a.RowStride, a.ColumnStride), b, depth, pieceDepth, sums);
            return;
        }

        Debug.Assert(sums == null, "sums are wanted with a transposed A only");
        int mostRows = Math.Min(PaddedRows(c.Rows), Math.Max(Rows, PackedFloats / pieceDepth / Math.Min(pieces, 4) / Rows * Rows));
        int mostPieces = Math.Max(1, PackedFloats / pieceDepth / mostRows);
        for (int row = 0; row < c.Rows; row += mostRows)
        {
            int rows = Math.Min(mostRows, c.Rows - row);
            for (int piece = 0; piece < pieces; piece += mostPieces)
            {
                int k = piece * pieceDepth, count = Math.Min(mostPieces * pieceDepth, depth - k);
                float* packed = PackA(a.At(row, k), rows, count, pieceDepth);
                var block = c.Slice(row, rows);
                float* start = piece > 0 ? block.Pointer : initial == null ? null : initial + ((nint)row * c.Cols);
                var panels = new Panels(packed, 1, Rows, Rows * pieceDepth, PaddedRows(rows));
                MultiplyBlocks(block, start, piece > 0 ? null : bias, panels, b.At(k, 0), count, pieceDepth);
            }
        }
    }

    private float* PackA(Operand a, int rows, int depth, int pieceDepth)
    {
        int panels = PaddedRows(rows) / Rows, pieces = Math.Max(1, (depth + pieceDepth - 1) / pieceDepth);
        float* packed = _packed.Take((nuint)(panels * Rows) * (nuint)pieces * (nuint)pieceDepth);
        team.For(panels * pieces, new PackPanels(packed, a, rows, panels, depth, pieceDepth));
        return packed;
    }

    /// <summary>Whether rows so far apart keep to different sets of lines of the first-level cache; those a multiple of 4 KiB apart share one.</summary>
    private static bool IsSpread(nint rowStride) => rowStride % 1024 != 0;

    /// <summary>Whether the first-level cache keeps as many rows so far apart as a tile has.</summary>
    private bool KeepsRows(nint rowStride) => IsSpread(rowStride) || level1Ways >= Rows;

    /// <summary>
    /// Whether a product with B read transposed, of a single block of rows, is turned around. Then B is not packed, but A, and the result
    /// is copied as well; and the tiles' last columns, as they are C's rows, do nothing: eight of them take as long as packing B.
    /// </summary>
    private bool IsTurned(Tensor c, Operand b, int depth)
    {
        long packed = (long)depth * c.Cols, turned = (long)c.Rows * (depth + c.Cols), idle = packed * (PaddedColumns(c.Rows) - c.Rows) / 8;
        return c.Rows <= TurnedRows && KeepsRows(b.ColumnStride) && (long)c.Rows * depth <= PackedFloats && turned + idle < packed + (packed / 4);
    }

    /// <summary>Cᵀ = Bᵀ·Aᵀ: the rows of Bᵀ are read where they lie, Aᵀ is packed for all threads.</summary>
    private void MultiplyTurned(Tensor c, float* initial, float* bias, Operand a, Operand b, int depth)
    {
        int width = PaddedColumns(c.Rows), panels = (c.Cols + Rows - 1) / Rows, item = Even(Turned.MostPanels, panels, 1) * Rows;
        float* rows = _packed.Take((nuint)width * (nuint)depth);
        team.For((width + Columns - 1) / Columns, new PackRows(rows, a, c.Rows, width, depth));
        team.For((c.Cols + item - 1) / item, new Turned(team, c, (nint)initial, (nint)bias, (nint)rows, b, width, depth, item));
    }

    /// <summary>
    /// For very few rows, whose time is that of reading B: pieces of K, each of whole rows of B, are summed apart, then together in their order.
    /// Where the threads cannot share the pieces equally, these are cut into columns as well, whole vectors apart, which changes no sum.
    /// </summary>
    private void MultiplyScaled(Tensor c, float* initial, float* bias, Operand a, Operand b, int depth)
    {
        int pieceDepth = Math.Max(ScaledRows.LeastDepth, (((depth + ScaledRows.MostPieces - 1) / ScaledRows.MostPieces) + 3) / 4 * 4);
        int pieces = Math.Max(1, (depth + pieceDepth - 1) / pieceDepth);
        float* sums = _packed.Take((nuint)(pieces - 1) * (nuint)c.Length);
        int parts = pieces % team.Threads == 0 ? 1 : Math.Clamp(c.Cols / ScaledRows.LeastColumns, 1, team.Threads);
        int partColumns = PaddedColumns((c.Cols + parts - 1) / parts);
        parts = (c.Cols + partColumns - 1) / partColumns;
        team.For(pieces * parts, new ScaledRows(c, (nint)initial, (nint)bias, (nint)sums, a, b, depth, pieceDepth, parts, partColumns));
        for (int piece = 1; piece < pieces; piece++, sums += c.Length) SimdMath<S, V>.AddScaled(c.Pointer, sums, 1, (int)c.Length);
    }

    private void MultiplyBlocks(Tensor c, float* initial, float* bias, Panels a, Operand b, int depth, int pieceDepth, float* sums = null)
    {
        // While a transposed A passes, a panel of B stays in the first-level cache, which it does only if packed. Vectors of rows that are not whole lines apart would cross lines.
        bool inPlace = a.RowStep != 1 && b.ColumnStride == 1 && c.Cols % S.Width == 0 && b.RowStride % 16 == 0 && (IsSpread(b.RowStride) || c.Rows <= InPlaceRows);
        int panelsA = PaddedRows(c.Rows) / Rows, panelsB = (c.Cols + Columns - 1) / Columns;
        // Rows in equal parts, in more of them where columns alone are too few to be shared; then columns in parts with enough work in each.
        int least = (c.Rows + BlockRows - 1) / BlockRows, parts = Math.Clamp(((2 * team.Threads) + panelsB - 1) / panelsB, least, Math.Max(least, panelsA / LeastPanelsDown));
        int panelsDown = (panelsA + parts - 1) / parts, down = (panelsA + panelsDown - 1) / panelsDown;
        long panelWork = Math.Max(1, (long)Math.Min(c.Rows, panelsDown * Rows) * depth * Columns);
        int panelsAcross = (int)Math.Min(panelsB, Math.Max(BlockWork / panelWork, Even(BlockColumns / Columns, panelsB, down)));
        int blocksAcross = (panelsB + panelsAcross - 1) / panelsAcross;
        team.For(down * blocksAcross, new Block(team, c, (nint)initial, (nint)bias, (nint)sums, a, b, inPlace, depth, pieceDepth, panelsDown, panelsAcross, blocksAcross));
    }

    /// <summary>
    /// How many panels a block has of the last dimension, when it is one of <paramref name="others"/> in the others: as many as leave the least
    /// to do to the thread that has most. Of nine blocks one of two threads does five, of twelve smaller ones both do six; but each block
    /// reads its other operand anew, which costs a quarter of a panel, and a thread waits a quarter of a block for another on average.
    /// </summary>
    private int Even(int most, int panels, int others)
    {
        int best = 1, least = int.MaxValue;
        for (int size = 1; size <= most; size++)
        {
            int blocks = others * ((panels + size - 1) / size), quarters = ((blocks + team.Threads - 1) / team.Threads * ((4 * size) + 1)) + size;
            if (quarters < least) (best, least) = (size, quarters);
        }

        return best;
    }

    private static int PaddedRows(int rows) => (rows + Rows - 1) / Rows * Rows;

    private static int PaddedColumns(int columns) => (columns + S.Width - 1) / S.Width * S.Width;

    /// <summary>A matrix read through strides: element (i, j) lies at Pointer[i · RowStride + j · ColumnStride].</summary>
    private readonly record struct Operand(nint Address, nint RowStride, nint ColumnStride)
    {
        public float* Pointer => (float*)Address;

        public static Operand Plain(Tensor tensor) => new((nint)tensor.Pointer, tensor.Cols, 1);

        public static Operand Transposed(Tensor tensor) => new((nint)tensor.Pointer, 1, tensor.Cols);

        public Operand At(int row, int column) => this with { Address = (nint)(Pointer + (row * RowStride) + (column * ColumnStride)) };
    }

    /// <summary>
    /// A as the tiles read it, packed or where it lies: row r of panel p at k lies at
    /// p · panelStep + r · rowStep + (k − first) · depthStep + first · pieceStep, where first is the first k of k's piece.
    /// </summary>
    private readonly struct Panels(float* address, nint rowStep, nint depthStep, nint panelStep, nint pieceStep)
    {
        public readonly float* Address = address;
        public readonly nint RowStep = rowStep, DepthStep = depthStep, PanelStep = panelStep, PieceStep = pieceStep;
    }

    /// <summary>Packs A, a panel of a piece of K an item: panel[k · Rows + r] = A[row + r, k].</summary>
    private readonly struct PackPanels(float* packed, Operand a, int rows, int panels, int depth, int pieceDepth) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int row = index % panels * Rows, k = index / panels * pieceDepth;
            Transposition.Copy(packed + ((nint)index * Rows * pieceDepth), Rows, a.At(row, k).Pointer, a.RowStride, Math.Min(Rows, rows - row), Math.Min(pieceDepth, depth - k));
        }
    }

    /// <summary>Panels of the tile's columns: panel[k · Columns + j] = B[k, column + j]; missing columns are zeros.</summary>
    private static void PackB(float* packed, Operand b, int columns, int depth)
    {
        int border = columns / Columns * Columns;
        if (b.RowStride == 1)
        {
            for (int j = 0; j < columns; j += Columns)
                Transposition.Copy(packed + ((nint)j * depth), Columns, b.At(0, j).Pointer, b.ColumnStride, Math.Min(Columns, columns - j), depth, ahead: 32);
        }
        else
        {
            // A row of all panels at once: pieces of memory as long as may be.
            for (int k = 0; k < depth; k++)
            {
                float* from = b.At(k, 0).Pointer, next = from + (Ahead * b.RowStride);
                for (int line = 0; line < columns && Sse.IsSupported; line += 16) Sse.Prefetch0(next + line);
                if (Sse.IsSupported) Sse.Prefetch0(next + columns - 1);
                for (int j = 0; j < columns; j += Columns)
                {
                    int count = Math.Min(Columns, columns - j);
                    float* to = packed + ((nint)j * depth) + (k * Columns);
                    if (count == Columns)
                    {
                        S.Store(to, S.Load(from + j));
                        S.Store(to + S.Width, S.Load(from + j + S.Width));
                    }
                    else
                    {
                        new ReadOnlySpan<float>(from + j, count).CopyTo(new Span<float>(to, count));
                    }
                }
            }
        }

        for (int k = 0; k < depth && border < columns; k++) new Span<float>(packed + ((nint)border * depth) + (k * Columns) + columns - border, Columns - columns + border).Clear();
    }

    /// <summary>A block of C: for each piece of K, all its tiles.</summary>
    private readonly struct Block(
        WorkerTeam team, Tensor c, nint initial, nint bias, nint sums, Panels a, Operand b, bool inPlace, int depth, int pieceDepth, int panelsDown, int panelsAcross, int blocksAcross) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int row = index / blocksAcross * panelsDown * Rows, rows = Math.Min(c.Rows - row, panelsDown * Rows);
            int column = index % blocksAcross * panelsAcross * Columns, columns = Math.Min(c.Cols - column, panelsAcross * Columns);
            nint place = ((nint)row * c.Cols) + column;
            float* result = c.Pointer + place;
            float* packedB = inPlace ? null : team.Scratch(worker, panelsAcross * Columns * pieceDepth);
            for (int k = 0; k < Math.Max(depth, 1); k += pieceDepth)
            {
                int count = Math.Min(pieceDepth, depth - k);
                float* panels = a.Address + (row / Rows * a.PanelStep) + (k * a.PieceStep);
                float* start = k > 0 ? result : initial == 0 ? null : (float*)initial + place, biases = k > 0 || bias == 0 ? null : (float*)bias + column;
                var piece = b.At(k, column);
                if (!inPlace) PackB(packedB, piece, columns, count);
                float* panelsB = inPlace ? piece.Pointer : packedB;
                nint strideB = inPlace ? piece.RowStride : Columns, panelB = inPlace ? Columns : (nint)Columns * count;
                if (a.RowStep == 1) Tiles<AdjacentPassing>(rows, columns, count, panels, panelsB, strideB, panelB, result, start, biases);
                else if (!inPlace) Tiles<Strided>(rows, columns, count, panels, panelsB, strideB, panelB, result, start, biases);
                else Tiles<StridedStreaming>(rows, columns, count, panels, panelsB, strideB, panelB, result, start, biases);

                // B is in the second-level cache now.
                for (int i = 0; i < count && sums != 0 && row == 0; i++) SimdMath<S, V>.AddScaled((float*)sums + column, piece.At(i, 0).Pointer, 1, columns);
            }
        }

        /// <summary>
        /// All tiles of a piece. A panel of A's rows stays in the first-level cache while those of B pass. Where A is transposed, of which more lines are
        /// read than are used and few sets of the cache hold them, or packed, a panel of B stays while those of A pass.
        /// </summary>
        private void Tiles<T>(int rows, int columns, int count, float* panels, float* b, nint strideB, nint panelB, float* result, float* initial, float* bias)
            where T : struct, ITileOperands
        {
            int panelsA = (rows + Rows - 1) / Rows, panelsB = (columns + Columns - 1) / Columns;
            for (int tile = 0; tile < panelsA * panelsB; tile++)
            {
                var (down, across) = T.IsAdjacent ? (tile % panelsA, tile / panelsA) : (tile / panelsB, tile % panelsB);
                int i = down * Rows, j = across * Columns;
                nint place = ((nint)i * c.Cols) + j;
                RegisterTile<S, V>.Multiply<T>(
                    Math.Min(Rows, rows - i), Math.Min(Columns, columns - j), count, panels + (down * a.PanelStep), a.RowStep, a.DepthStep, b + (across * panelB), strideB,
                    result + place, c.Cols, initial == null ? null : initial + place, bias == null ? null : bias + j);
            }
        }
    }

    /// <summary>Packs Aᵀ, a panel of the tile's columns an item: panel[k · width + j] = A[row + j, k], whose width is a whole number of vectors.</summary>
    private readonly struct PackRows(float* packed, Operand a, int rows, int width, int depth) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int row = index * Columns, count = Math.Min(Columns, rows - row), across = Math.Min(Columns, width - row);
            float* panel = packed + ((nint)row * depth);
            Transposition.Copy(panel, across, a.At(row, 0).Pointer, a.RowStride, count, depth);
            for (int k = 0; k < depth && count < across; k++) new Span<float>(panel + (k * across) + count, across - count).Clear();
        }
    }

    /// <summary>Some columns of C as rows of Cᵀ, computed in the second-level cache and copied. The rows of Bᵀ come from memory one after the other.</summary>
    private readonly struct Turned(WorkerTeam team, Tensor c, nint initial, nint bias, nint packed, Operand b, int width, int depth, int item) : IParallelBody
    {
        /// <summary>The most panels of an item: 96 columns of 512 rows are 192 KiB.</summary>
        public const int MostPanels = 8;

        public void Run(int index, int worker)
        {
            int first = index * item, columns = Math.Min(item, c.Cols - first);
            float* turned = team.Scratch(worker, item * width);
            if (initial != 0) Transposition.Copy(turned, width, (float*)initial + first, c.Cols, c.Rows, columns);
            for (int i = 0; i < columns; i += Rows)
            {
                for (int j = 0; j < width; j += Columns)
                {
                    int across = Math.Min(Columns, width - j);
                    RegisterTile<S, V>.Multiply<Passing>(
                        Math.Min(Rows, columns - i), across, depth, b.At(0, first + i).Pointer, b.ColumnStride, 1,
                        (float*)packed + ((nint)j * depth), across, turned + (i * width) + j, width, accumulate: initial != 0);
                }
            }

            Transposition.Copy(c.Pointer + first, c.Cols, turned, width, columns, c.Rows);
            for (int r = 0; r < c.Rows && bias != 0; r++) SimdMath<S, V>.AddScaled(c.Pointer + ((nint)r * c.Cols) + first, (float*)bias + first, 1, columns);
        }
    }

    /// <summary>
    /// Columns of a product of very few rows with B read transposed: rows of memory times rows of memory. Four columns at once, one of each quarter of the
    /// item, so that B is read as four streams of memory from end to end; and as many rows of A as registers hold the sums of, so that the streams do not wait.
    /// </summary>
    private readonly struct Dots(Tensor c, nint initial, nint bias, Operand a, Operand b, int depth) : IParallelBody
    {
        public const int ItemColumns = 64;

        public void Run(int index, int worker)
        {
            int first = index * ItemColumns, last = Math.Min(c.Cols, first + ItemColumns), quarter = (last - first + 3) / 4;
            float* result = c.Pointer;
            for (int j = first; j < first + quarter; j++)
            {
                for (int i = 0, rows; i < c.Rows; i += rows)
                {
                    rows = Math.Min(S.Width >= 16 ? 4 : 2, c.Rows - i);
                    if (rows == 1) Quarters<One>(result, i, j, quarter, last);
                    else if (rows == 2) Quarters<Two>(result, i, j, quarter, last);
                    else if (rows == 3) Quarters<Three>(result, i, j, quarter, last);
                    else Quarters<Four>(result, i, j, quarter, last);
                }
            }
        }

        /// <summary>Rows i and following of C in columns j, j + quarter, j + 2 · quarter and j + 3 · quarter, as far as these are before the last.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private void Quarters<R>(float* result, int i, int j, int quarter, int last)
            where R : struct, IRowCount
        {
            // Columns beyond the last repeat it.
            float* b0 = b.At(0, j).Pointer, b1 = b.At(0, Math.Min(j + quarter, last - 1)).Pointer;
            float* b2 = b.At(0, Math.Min(j + (2 * quarter), last - 1)).Pointer, b3 = b.At(0, Math.Min(j + (3 * quarter), last - 1)).Pointer;
            float* row0 = a.At(i, 0).Pointer, row1 = row0 + a.RowStride, row2 = row1 + a.RowStride, row3 = row2 + a.RowStride;
            V r0c0 = S.Zero, r0c1 = S.Zero, r0c2 = S.Zero, r0c3 = S.Zero;
            V r1c0 = S.Zero, r1c1 = S.Zero, r1c2 = S.Zero, r1c3 = S.Zero;
            V r2c0 = S.Zero, r2c1 = S.Zero, r2c2 = S.Zero, r2c3 = S.Zero;
            V r3c0 = S.Zero, r3c1 = S.Zero, r3c2 = S.Zero, r3c3 = S.Zero;
            int k = 0;
            for (; k <= depth - S.Width; k += S.Width)
            {
                V x0 = S.Load(b0 + k), x1 = S.Load(b1 + k), x2 = S.Load(b2 + k), x3 = S.Load(b3 + k);
                AddProducts(ref r0c0, ref r0c1, ref r0c2, ref r0c3, S.Load(row0 + k), x0, x1, x2, x3);
                if (R.Count > 1) AddProducts(ref r1c0, ref r1c1, ref r1c2, ref r1c3, S.Load(row1 + k), x0, x1, x2, x3);
                if (R.Count > 2) AddProducts(ref r2c0, ref r2c1, ref r2c2, ref r2c3, S.Load(row2 + k), x0, x1, x2, x3);
                if (R.Count > 3) AddProducts(ref r3c0, ref r3c1, ref r3c2, ref r3c3, S.Load(row3 + k), x0, x1, x2, x3);
            }

            float* dots = stackalloc float[16];
            S.StoreSums(dots, r0c0, r0c1, r0c2, r0c3);
            if (R.Count > 1) S.StoreSums(dots + 4, r1c0, r1c1, r1c2, r1c3);
            if (R.Count > 2) S.StoreSums(dots + 8, r2c0, r2c1, r2c2, r2c3);
            if (R.Count > 3) S.StoreSums(dots + 12, r3c0, r3c1, r3c2, r3c3);
            for (int r = 0; r < R.Count; r++)
            {
                float* row = row0 + (r * a.RowStride), sums = dots + (4 * r);
                for (int rest = k; rest < depth; rest++)
                {
                    sums[0] += row[rest] * b0[rest];
                    sums[1] += row[rest] * b1[rest];
                    sums[2] += row[rest] * b2[rest];
                    sums[3] += row[rest] * b3[rest];
                }

                for (int n = 0, column = j; n < 4 && column < last; n++, column += quarter)
                {
                    nint place = ((nint)(i + r) * c.Cols) + column;
                    float sum = sums[n];
                    if (bias != 0) sum += ((float*)bias)[column];
                    if (initial != 0) sum += ((float*)initial)[place];
                    result[place] = sum;
                }
            }
        }

        /// <summary>One row's sums of four columns: each += y · x.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddProducts(ref V sum0, ref V sum1, ref V sum2, ref V sum3, V y, V x0, V x1, V x2, V x3)
        {
            sum0 = S.FusedMultiplyAdd(x0, y, sum0);
            sum1 = S.FusedMultiplyAdd(x1, y, sum1);
            sum2 = S.FusedMultiplyAdd(x2, y, sum2);
            sum3 = S.FusedMultiplyAdd(x3, y, sum3);
        }

        private interface IRowCount
        {
            static abstract int Count { get; }
        }

        private readonly struct One : IRowCount
        {
            public static int Count => 1;
        }

        private readonly struct Two : IRowCount
        {
            public static int Count => 2;
        }

        private readonly struct Three : IRowCount
        {
            public static int Count => 3;
        }

        private readonly struct Four : IRowCount
        {
            public static int Count => 4;
        }
    }

    /// <summary>
    /// A piece of K of a product of up to three rows, for which memory is the limit: rows of B are scaled and added, four at once, one of each quarter of
    /// the piece. So B is read as four streams of memory from end to end, which the processor sees and fetches ahead best when left alone: rows beside
    /// each other would end a stream with every row. The first piece sums in C, each other one beside it.
    /// </summary>
    private readonly struct ScaledRows(
        Tensor c, nint initial, nint bias, nint sums, Operand a, Operand b, int depth, int pieceDepth, int parts, int partColumns) : IParallelBody
    {
        /// <summary>The most pieces, so that a thread that is slowed down does fewer of them; the least rows of one; and the least columns where it is cut.</summary>
        public const int MostPieces = 8, LeastDepth = 64, LeastColumns = 128;

        public void Run(int index, int worker)
        {
            int piece = index / parts, column = index % parts * partColumns, columns = Math.Min(partColumns, c.Cols - column);
            float* result = (piece == 0 ? c.Pointer : (float*)sums + ((nint)(piece - 1) * c.Length)) + column;
            for (int i = 0; i < c.Rows; i++)
            {
                nint place = (nint)i * c.Cols;
                var sum = new Span<float>(result + place, columns);
                if (piece > 0 || initial == 0) sum.Clear();
                else new ReadOnlySpan<float>((float*)initial + column + place, columns).CopyTo(sum);
                if (piece == 0 && bias != 0) SimdMath<S, V>.AddScaled(result + place, (float*)bias + column, 1, columns);
            }

            int first = piece * pieceDepth, end = Math.Min(depth, first + pieceDepth), quarter = (end - first) / 4;
            for (int k = first; k < first + quarter; k++)
                for (int i = 0; i < c.Rows; i++) SimdMath<S, V>.AddFour(result + ((nint)i * c.Cols), b.At(k, column).Pointer, quarter * b.RowStride, a.At(i, k).Pointer, quarter, columns);
            for (int k = first + (4 * quarter); k < end; k++)
                for (int i = 0; i < c.Rows; i++) SimdMath<S, V>.AddScaled(result + ((nint)i * c.Cols), b.At(k, column).Pointer, *a.At(i, k).Pointer, columns);
        }
    }

    private const int BiasColumns = 256;

    /// <summary>dBias += the sums of some columns of dY, rows added in order, where dY is not B, whose columns blocks sum in the same order.</summary>
    private readonly struct BiasGradient(float* dBias, float* dY, int rows, int columns) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int first = index * BiasColumns, count = Math.Min(BiasColumns, columns - first);
            for (int n = 0; n < rows; n++) SimdMath<S, V>.AddScaled(dBias + first, dY + ((nint)n * columns) + first, 1, count);
        }
    }
}
