using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The blocked product of Goto and van de Geijn (2008): C (M × N) = A (M × K) · B (K × N), where the strides of A and B
/// say which of them is read transposed. Both are read where they lie, B fetched some rows ahead; what is read transposed is
/// packed: A for all threads into panels of <see cref="RegisterTile{S,V}"/>'s rows before blocks of C are shared among the
/// threads, B by who computes a block, as far as it needs it. A panel of A stays in the first-level cache while it meets the
/// columns of its block, and those stay in the second. K is never shared among threads: each element of C is summed in the
/// same order whatever their number.
/// </summary>
internal sealed unsafe class MatMulSimd<S, V>(WorkerTeam team) : MatMul, IDisposable
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>The largest piece of K: a panel of A (12 × 384 floats, 18 KiB) stays in the first-level cache.</summary>
    private const int PieceDepth = 384;

    /// <summary>The most floats of A that are packed at once: 8 MiB, in the third-level cache.</summary>
    private const int PackedFloats = 1 << 21;

    /// <summary>The most rows of a block of C: their panels (384 rows of a piece are 600 KiB) stay in the second-level cache.</summary>
    private const int BlockRows = 384;

    /// <summary>The most columns of a block of C: a piece of them is 192 KiB.</summary>
    private const int BlockColumns = 128;

    /// <summary>Blocks for each thread: enough that a thread which ends early leaves little to wait for.</summary>
    private const int BlocksPerThread = 4;

    /// <summary>Up to this many rows memory is the limit: fewer blocks, so that it is read in rows of up to <see cref="BlockColumns"/>.</summary>
    private const int ThinRows = 64, ThinBlocksPerThread = 2;

    /// <summary>Up to this many rows a transposed B is not worth its packing.</summary>
    private const int DotRows = 4;

    /// <summary>The least multiply-adds of a block: a few microseconds.</summary>
    private const int BlockWork = 1 << 17;

    private readonly ActivationSimd<S, V> _activation = new(team);
    private float* _packedA;
    private nuint _packedLength;

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

    public void Dispose()
    {
        NativeMemory.AlignedFree(_packedA);
        _packedA = null;
        _packedLength = 0;
    }

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
        Multiply(dWeight, Operand.Transposed(a), Operand.Plain(b), x.Rows, null, dWeight.Pointer);
        if (!dBias.IsNone)
            team.For((dY.Cols + BiasColumns - 1) / BiasColumns, new BiasGradient(dBias.Pointer, dY.Pointer, dY.Rows, dY.Cols));
    }

    /// <summary>C = A·B + bias + initial, where the initial content may be C itself.</summary>
    private void Multiply(Tensor c, Operand a, Operand b, int depth, float* bias, float* initial)
    {
        if (c.Rows <= DotRows && b.RowStride == 1 && a.ColumnStride == 1)
        {
            team.For((c.Cols + Dots.ItemColumns - 1) / Dots.ItemColumns, new Dots(c, (nint)initial, (nint)bias, a, b, depth));
            return;
        }

        int pieces = Math.Max(1, (depth + PieceDepth - 1) / PieceDepth), pieceDepth = Math.Max(1, (depth + pieces - 1) / pieces);
        // Rows a multiple of 4 KiB apart would fall on the same few lines of the first-level cache.
        if (a.ColumnStride == 1 && a.RowStride % 1024 != 0)
        {
            MultiplyBlocks(c, initial, bias, new Panels(a.Pointer, a.RowStride, 1, Rows * a.RowStride, 1), b, depth, pieceDepth);
            return;
        }

        int mostRows = Math.Min(PaddedRows(c.Rows), Math.Max(Rows, PackedFloats / pieceDepth / Math.Min(pieces, 4) / Rows * Rows));
        int mostPieces = Math.Max(1, PackedFloats / pieceDepth / mostRows);
        for (int row = 0; row < c.Rows; row += mostRows)
        {
            int rows = Math.Min(mostRows, c.Rows - row);
            for (int piece = 0; piece < pieces; piece += mostPieces)
            {
                int k = piece * pieceDepth, count = Math.Min(mostPieces * pieceDepth, depth - k);
                PackA(a.At(row, k), rows, count, pieceDepth);
                var block = c.Slice(row, rows);
                float* start = piece > 0 ? block.Pointer : initial == null ? null : initial + ((nint)row * c.Cols);
                var panels = new Panels(_packedA, 1, Rows, Rows * pieceDepth, PaddedRows(rows));
                MultiplyBlocks(block, start, piece > 0 ? null : bias, panels, b.At(k, 0), count, pieceDepth);
            }
        }
    }

    private void PackA(Operand a, int rows, int depth, int pieceDepth)
    {
        int panels = PaddedRows(rows) / Rows, pieces = Math.Max(1, (depth + pieceDepth - 1) / pieceDepth);
        nuint length = (nuint)(panels * Rows) * (nuint)pieces * (nuint)pieceDepth;
        if (length > _packedLength)
        {
            NativeMemory.AlignedFree(_packedA);
            _packedA = (float*)NativeMemory.AlignedAlloc(length * sizeof(float), 64);
            _packedLength = length;
        }

        var body = new PackPanels(_packedA, a, rows, panels, depth, pieceDepth);
        if ((long)rows * depth < BlockWork / 4) for (int i = 0; i < panels * pieces; i++) body.Run(i, 0);
        else team.For(panels * pieces, body);
    }

    private void MultiplyBlocks(Tensor c, float* initial, float* bias, Panels a, Operand b, int depth, int pieceDepth)
    {
        int panelsA = PaddedRows(c.Rows) / Rows, panelsB = (c.Cols + Columns - 1) / Columns;
        // Rows in equal parts; then as many columns as leave enough blocks, and enough work in each.
        int down = (panelsA + (BlockRows / Rows) - 1) / (BlockRows / Rows), panelsDown = (panelsA + down - 1) / down;
        int blocks = team.Threads * (c.Rows <= ThinRows ? ThinBlocksPerThread : BlocksPerThread), balanced = Math.Clamp(panelsB * down / blocks, 1, BlockColumns / Columns);
        long panelWork = Math.Max(1, (long)Math.Min(c.Rows, panelsDown * Rows) * depth * Columns);
        int panelsAcross = (int)Math.Min(panelsB, Math.Max(BlockWork / panelWork, balanced));
        int blocksAcross = (panelsB + panelsAcross - 1) / panelsAcross;
        team.For(down * blocksAcross, new Block(team, c, (nint)initial, (nint)bias, a, b, depth, pieceDepth, panelsDown, panelsAcross, blocksAcross));
    }

    private static int PaddedRows(int rows) => (rows + Rows - 1) / Rows * Rows;

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
            int row = index % panels * Rows, k = index / panels * pieceDepth, height = Math.Min(Rows, rows - row), count = Math.Min(pieceDepth, depth - k);
            float* panel = packed + ((nint)index * Rows * pieceDepth);
            var source = a.At(row, k);
            float* from = source.Pointer;
            if (source.ColumnStride == 1)
            {
                Transposition.Copy(panel, Rows, from, source.RowStride, height, count);
            }
            else if (height == Rows)
            {
                for (int i = 0; i < count; i++, from += source.ColumnStride, panel += Rows) Unsafe.CopyBlockUnaligned(panel, from, (uint)(Rows * sizeof(float)));
            }
            else
            {
                for (int i = 0; i < count; i++, from += source.ColumnStride, panel += Rows)
                    for (int r = 0; r < height; r++) panel[r] = from[r];
            }
        }
    }

    /// <summary>Panels of the tile's columns: panel[k · Columns + j] = B[k, column + j]; missing columns are zeros.</summary>
    private static void PackB(float* packed, Operand b, int columns, int depth)
    {
        for (int j = 0; j < columns; j += Columns, packed += (nint)Columns * depth)
        {
            int count = Math.Min(Columns, columns - j);
            var panel = b.At(0, j);
            if (panel.RowStride == 1)
            {
                Transposition.Copy(packed, Columns, panel.Pointer, panel.ColumnStride, count, depth, Columns * panel.ColumnStride);
            }
            else
            {
                for (int k = 0; k < depth; k++) new ReadOnlySpan<float>(panel.At(k, 0).Pointer, count).CopyTo(new Span<float>(packed + (k * Columns), count));
            }

            for (int k = 0; k < depth && count < Columns; k++) new Span<float>(packed + (k * Columns) + count, Columns - count).Clear();
        }
    }

    /// <summary>A block of C: for each piece of K, all its tiles.</summary>
    private readonly struct Block(
        WorkerTeam team, Tensor c, nint initial, nint bias, Panels a, Operand b, int depth, int pieceDepth, int panelsDown, int panelsAcross, int blocksAcross) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int row = index / blocksAcross * panelsDown * Rows, rows = Math.Min(c.Rows - row, panelsDown * Rows);
            int column = index % blocksAcross * panelsAcross * Columns, columns = Math.Min(c.Cols - column, panelsAcross * Columns);
            nint place = ((nint)row * c.Cols) + column;
            float* result = c.Pointer + place;
            bool inPlace = b.ColumnStride == 1 && columns % Columns == 0;
            float* packedB = inPlace ? null : team.Scratch(worker, panelsAcross * Columns * pieceDepth);
            for (int k = 0; k < Math.Max(depth, 1); k += pieceDepth)
            {
                int count = Math.Min(pieceDepth, depth - k);
                float* panels = a.Address + (row / Rows * a.PanelStep) + (k * a.PieceStep);
                float* start = k > 0 ? result : initial == 0 ? null : (float*)initial + place, biases = k > 0 || bias == 0 ? null : (float*)bias + column;
                var piece = b.At(k, column);
                if (inPlace)
                {
                    if (a.RowStep == 1) Tiles<AdjacentStreaming>(rows, columns, count, panels, piece.Pointer, piece.RowStride, Columns, result, start, biases);
                    else Tiles<StridedStreaming>(rows, columns, count, panels, piece.Pointer, piece.RowStride, Columns, result, start, biases);
                }
                else
                {
                    PackB(packedB, piece, columns, count);
                    if (a.RowStep == 1) Tiles<Adjacent>(rows, columns, count, panels, packedB, Columns, (nint)Columns * count, result, start, biases);
                    else Tiles<Strided>(rows, columns, count, panels, packedB, Columns, (nint)Columns * count, result, start, biases);
                }
            }
        }

        /// <summary>A panel of A meets all panels of B while it lies in the first-level cache.</summary>
        private void Tiles<T>(int rows, int columns, int count, float* panelA, float* b, nint strideB, nint panelB, float* result, float* initial, float* bias)
            where T : struct, ITileOperands
        {
            for (int i = 0; i < rows; i += Rows, panelA += a.PanelStep)
            {
                float* panel = b;
                for (int j = 0; j < columns; j += Columns, panel += panelB)
                {
                    nint place = ((nint)i * c.Cols) + j;
                    RegisterTile<S, V>.Multiply<T>(
                        Math.Min(Rows, rows - i), Math.Min(Columns, columns - j), count, panelA, a.RowStep, a.DepthStep, panel, strideB,
                        result + place, c.Cols, initial == null ? null : initial + place, bias == null ? null : bias + j);
                }
            }
        }
    }

    /// <summary>Columns of a product of very few rows with B read transposed: rows of memory times rows of memory, four columns at once.</summary>
    private readonly struct Dots(Tensor c, nint initial, nint bias, Operand a, Operand b, int depth) : IParallelBody
    {
        public const int ItemColumns = 64;

        public void Run(int index, int worker)
        {
            int last = Math.Min(c.Cols, (index + 1) * ItemColumns);
            for (int j = index * ItemColumns; j < last; j += 4)
            {
                // Columns beyond the last repeat it.
                float* b0 = b.At(0, j).Pointer, b1 = b.At(0, Math.Min(j + 1, last - 1)).Pointer, b2 = b.At(0, Math.Min(j + 2, last - 1)).Pointer, b3 = b.At(0, Math.Min(j + 3, last - 1)).Pointer;
                nint ahead = 4 * b.ColumnStride;
                for (int i = 0; i < c.Rows; i++)
                {
                    float* row = a.At(i, 0).Pointer;
                    V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
                    int k = 0;
                    for (; k <= depth - S.Width; k += S.Width)
                    {
                        V x = S.Load(row + k);
                        s0 = S.FusedMultiplyAdd(x, S.Load(b0 + k), s0);
                        s1 = S.FusedMultiplyAdd(x, S.Load(b1 + k), s1);
                        s2 = S.FusedMultiplyAdd(x, S.Load(b2 + k), s2);
                        s3 = S.FusedMultiplyAdd(x, S.Load(b3 + k), s3);
                        if (!Sse.IsSupported) continue;
                        Sse.Prefetch1(b0 + ahead + k);
                        Sse.Prefetch1(b1 + ahead + k);
                        Sse.Prefetch1(b2 + ahead + k);
                        Sse.Prefetch1(b3 + ahead + k);
                    }

                    float d0 = S.Sum(s0), d1 = S.Sum(s1), d2 = S.Sum(s2), d3 = S.Sum(s3);
                    for (; k < depth; k++)
                    {
                        d0 += row[k] * b0[k];
                        d1 += row[k] * b1[k];
                        d2 += row[k] * b2[k];
                        d3 += row[k] * b3[k];
                    }

                    Store(i, j, d0);
                    if (j + 1 < last) Store(i, j + 1, d1);
                    if (j + 2 < last) Store(i, j + 2, d2);
                    if (j + 3 < last) Store(i, j + 3, d3);
                }
            }
        }

        private void Store(int i, int j, float sum)
        {
            nint place = ((nint)i * c.Cols) + j;
            if (bias != 0) sum += ((float*)bias)[j];
            if (initial != 0) sum += ((float*)initial)[place];
            c.Pointer[place] = sum;
        }
    }

    private const int BiasColumns = 256;

    /// <summary>dBias += the sums of some columns of dY, rows added in order.</summary>
    private readonly struct BiasGradient(float* dBias, float* dY, int rows, int columns) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int first = index * BiasColumns, count = Math.Min(BiasColumns, columns - first);
            for (int n = 0; n < rows; n++) SimdMath<S, V>.AddScaled(dBias + first, dY + ((nint)n * columns) + first, 1, count);
        }
    }
}
