using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The blocked product of Goto and van de Geijn (2008): C (M × N) = A (M × K) · B (K × N), where the strides of A and B
/// say which of them is read transposed. B is packed into panels of two vectors' columns, A into panels of six rows, so
/// that the innermost loop reads both one after another; it keeps a tile of 6 × 2 vectors of C in registers. K is cut
/// into blocks whose panels stay in the caches, and is never shared among threads: each element of C is summed in the
/// same order whatever the number of threads.
/// </summary>
internal sealed unsafe class MatMulSimd<S, V>(WorkerTeam team) : MatMul, IDisposable
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Rows of a register tile: 6 × 2 accumulators, 2 vectors of B and one of A fit in 16 registers.</summary>
    private const int TileRows = 6;

    /// <summary>Rows of A that one work item packs and multiplies.</summary>
    private const int BlockRows = 8 * TileRows;

    /// <summary>The largest block of K: a panel of A (6 × 512 floats, 12 KiB) stays in the first-level cache.</summary>
    private const int BlockDepth = 512;

    /// <summary>The largest block of columns: the packed block of B (512 × 256 floats, 512 KiB) stays in the second-level cache.</summary>
    private const int BlockColumns = 256;

    /// <summary>Up to this many rows packing B costs more than it saves.</summary>
    private const int ThinRows = 2 * TileRows;

    private float* _packedB;

    private static int TileColumns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * S.Width;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_packedB);
        _packedB = null;
    }

    private protected override void ForwardCore(Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual)
    {
        var b = layout == WeightLayout.InOut ? Operand.Plain(weight) : Operand.Transposed(weight);
        Multiply(y, Operand.Plain(x), b, x.Cols, bias.IsNone ? null : bias.Pointer, residual.IsNone ? null : residual.Pointer);
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
        int rows = c.Rows, columns = c.Cols;
        if (rows <= ThinRows && b.ColumnStride == 1 && columns >= TileColumns)
        {
            MultiplyThin(c, a, b, depth, bias, initial);
            return;
        }

        if (rows <= TileRows && b.RowStride == 1 && a.ColumnStride == 1)
        {
            team.For((columns + DotColumns - 1) / DotColumns, new Dots(c.Pointer, initial, bias, rows, columns, depth, a, b));
            return;
        }

        if (_packedB == null) _packedB = (float*)NativeMemory.AlignedAlloc((nuint)BlockDepth * BlockColumns * sizeof(float), 64);
        int rowBlocks = (rows + BlockRows - 1) / BlockRows;
        int depthBlocks = Math.Max(1, (depth + BlockDepth - 1) / BlockDepth);
        int blockDepth = Math.Max(1, (depth + depthBlocks - 1) / depthBlocks);
        for (int j = 0; j < columns; j += BlockColumns)
        {
            int width = Math.Min(BlockColumns, columns - j);
            int panels = (width + TileColumns - 1) / TileColumns;
            for (int k = 0; k < Math.Max(depth, 1); k += blockDepth)
            {
                int kCount = Math.Min(blockDepth, depth - k);
                team.For(panels, new PackB(_packedB, b.At(k, j), kCount, width));
                bool first = k == 0;
                team.For(rowBlocks, new Block(
                    team, c.Pointer + j, first ? initial == null ? null : initial + j : c.Pointer + j, first && bias != null ? bias + j : null,
                    columns, rows, width, kCount, a.At(0, k), _packedB));
            }
        }
    }

    /// <summary>Few rows: A is packed once, B is read in place, and columns are shared among the threads.</summary>
    private void MultiplyThin(Tensor c, Operand a, Operand b, int depth, float* bias, float* initial)
    {
        float* packedA = team.Scratch(0, ThinRows * depth);
        PackA(packedA, a, c.Rows, depth);
        int panels = (c.Cols + TileColumns - 1) / TileColumns;
        team.For(panels, new ThinPanel(c.Pointer, initial, bias, c.Rows, c.Cols, depth, packedA, b));
    }

    /// <summary>Panels of six rows: panel[k · 6 + r] = A[row + r, k]; missing rows are zeros.</summary>
    private static void PackA(float* packed, Operand a, int rows, int depth)
    {
        for (int i = 0; i < rows; i += TileRows, packed += TileRows * depth)
        {
            int count = Math.Min(TileRows, rows - i);
            if (a.RowStride == 1 && count == TileRows)
            {
                // A read transposed: the six rows of a column lie side by side, so columns are the outer loop.
                float* column = a.Pointer + i;
                for (int k = 0; k < depth; k++, column += a.ColumnStride)
                    for (int r = 0; r < TileRows; r++) packed[(k * TileRows) + r] = column[r];
                continue;
            }

            for (int r = 0; r < TileRows; r++)
            {
                if (r < count)
                {
                    float* source = a.Pointer + ((i + r) * a.RowStride);
                    for (int k = 0; k < depth; k++) packed[(k * TileRows) + r] = source[k * a.ColumnStride];
                }
                else
                {
                    for (int k = 0; k < depth; k++) packed[(k * TileRows) + r] = 0;
                }
            }
        }
    }

    /// <summary>One tile of C, 6 rows by up to two vectors; parts of a tile go through a buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyTile(float* c, float* initial, float* bias, nint stride, int rows, int columns, int depth, float* a, float* b, nint strideB)
    {
        if (rows == TileRows && columns == TileColumns)
        {
            RegisterTile(depth, a, b, strideB, c, stride, initial, bias);
            return;
        }

        float* tile = stackalloc float[TileRows * TileColumns];
        RegisterTile(depth, a, b, strideB, tile, TileColumns, null, null);
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < columns; j++)
            {
                float sum = tile[(r * TileColumns) + j];
                if (initial != null) sum += initial[(r * stride) + j];
                if (bias != null) sum += bias[j];
                c[(r * stride) + j] = sum;
            }
        }
    }

    /// <summary>c (6 × 2 vectors) = Σₖ a[k · 6 + r] · b[k · strideB + j], plus what it starts from. All accumulators live in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void RegisterTile(int depth, float* a, float* b, nint strideB, float* c, nint strideC, float* initial, float* bias)
    {
        V c00 = S.Zero, c01 = S.Zero, c10 = S.Zero, c11 = S.Zero, c20 = S.Zero, c21 = S.Zero;
        V c30 = S.Zero, c31 = S.Zero, c40 = S.Zero, c41 = S.Zero, c50 = S.Zero, c51 = S.Zero;
        for (int k = 0; k < depth; k++)
        {
            V b0 = S.Load(b), b1 = S.Load(b + S.Width);
            V ar = S.Set(a[0]);
            c00 = S.FusedMultiplyAdd(ar, b0, c00);
            c01 = S.FusedMultiplyAdd(ar, b1, c01);
            ar = S.Set(a[1]);
            c10 = S.FusedMultiplyAdd(ar, b0, c10);
            c11 = S.FusedMultiplyAdd(ar, b1, c11);
            ar = S.Set(a[2]);
            c20 = S.FusedMultiplyAdd(ar, b0, c20);
            c21 = S.FusedMultiplyAdd(ar, b1, c21);
            ar = S.Set(a[3]);
            c30 = S.FusedMultiplyAdd(ar, b0, c30);
            c31 = S.FusedMultiplyAdd(ar, b1, c31);
            ar = S.Set(a[4]);
            c40 = S.FusedMultiplyAdd(ar, b0, c40);
            c41 = S.FusedMultiplyAdd(ar, b1, c41);
            ar = S.Set(a[5]);
            c50 = S.FusedMultiplyAdd(ar, b0, c50);
            c51 = S.FusedMultiplyAdd(ar, b1, c51);
            a += TileRows;
            b += strideB;
        }

        V bias0 = bias == null ? S.Zero : S.Load(bias), bias1 = bias == null ? S.Zero : S.Load(bias + S.Width);
        StoreRow(c, initial, S.Add(c00, bias0), S.Add(c01, bias1));
        StoreRow(c + strideC, initial == null ? null : initial + strideC, S.Add(c10, bias0), S.Add(c11, bias1));
        StoreRow(c + (2 * strideC), initial == null ? null : initial + (2 * strideC), S.Add(c20, bias0), S.Add(c21, bias1));
        StoreRow(c + (3 * strideC), initial == null ? null : initial + (3 * strideC), S.Add(c30, bias0), S.Add(c31, bias1));
        StoreRow(c + (4 * strideC), initial == null ? null : initial + (4 * strideC), S.Add(c40, bias0), S.Add(c41, bias1));
        StoreRow(c + (5 * strideC), initial == null ? null : initial + (5 * strideC), S.Add(c50, bias0), S.Add(c51, bias1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* c, float* initial, V first, V second)
    {
        if (initial != null)
        {
            first = S.Add(first, S.Load(initial));
            second = S.Add(second, S.Load(initial + S.Width));
        }

        S.Store(c, first);
        S.Store(c + S.Width, second);
    }

    /// <summary>A matrix read through strides: element (i, j) lies at Pointer[i · RowStride + j · ColumnStride].</summary>
    private readonly record struct Operand(nint Address, nint RowStride, nint ColumnStride)
    {
        public float* Pointer => (float*)Address;

        public static Operand Plain(Tensor tensor) => new((nint)tensor.Pointer, tensor.Cols, 1);

        public static Operand Transposed(Tensor tensor) => new((nint)tensor.Pointer, 1, tensor.Cols);

        public Operand At(int row, int column) => this with { Address = (nint)(Pointer + (row * RowStride) + (column * ColumnStride)) };
    }

    /// <summary>Panels of two vectors' columns: panel[k · columns + j] = B[k, column + j]; missing columns are zeros.</summary>
    private readonly struct PackB(float* packed, Operand b, int depth, int width) : IParallelBody
    {
        public void Run(int panel, int worker)
        {
            int j = panel * TileColumns, count = Math.Min(TileColumns, width - j);
            float* destination = packed + ((nint)j * depth);
            var source = b.At(0, j);
            if (source.ColumnStride == 1 && count == TileColumns)
            {
                float* from = source.Pointer;
                for (int k = 0; k < depth; k++, from += source.RowStride, destination += TileColumns)
                {
                    S.Store(destination, S.Load(from));
                    S.Store(destination + S.Width, S.Load(from + S.Width));
                }

                return;
            }

            for (int c = 0; c < TileColumns; c++)
            {
                float* from = source.Pointer + (c * source.ColumnStride);
                if (c < count)
                    for (int k = 0; k < depth; k++) destination[(k * TileColumns) + c] = from[k * source.RowStride];
                else
                    for (int k = 0; k < depth; k++) destination[(k * TileColumns) + c] = 0;
            }
        }
    }

    /// <summary>One block of rows times the packed block of B.</summary>
    private readonly struct Block(
        WorkerTeam team, float* c, float* initial, float* bias, int stride, int rows, int width, int depth, Operand a, float* packedB) : IParallelBody
    {
        public void Run(int block, int worker)
        {
            int firstRow = block * BlockRows, count = Math.Min(BlockRows, rows - firstRow);
            float* packedA = team.Scratch(worker, BlockRows * depth);
            PackA(packedA, a.At(firstRow, 0), count, depth);
            for (int i = 0; i < count; i += TileRows)
            {
                nint offset = (nint)(firstRow + i) * stride;
                int tileRows = Math.Min(TileRows, count - i);
                for (int j = 0; j < width; j += TileColumns)
                {
                    MultiplyTile(
                        c + offset + j, initial == null ? null : initial + offset + j, bias == null ? null : bias + j, stride,
                        tileRows, Math.Min(TileColumns, width - j), depth, packedA + ((nint)i * depth), packedB + ((nint)j * depth), TileColumns);
                }
            }
        }
    }

    /// <summary>All rows of a thin product times one panel of columns of B, read in place. The last panel overlaps the one before.</summary>
    private readonly struct ThinPanel(
        float* c, float* initial, float* bias, int rows, int columns, int depth, float* packedA, Operand b) : IParallelBody
    {
        public void Run(int panel, int worker)
        {
            int j = panel * TileColumns, count = Math.Min(TileColumns, columns - j);
            // The last panel starts where it still has full vectors to read; only its own columns are written.
            int start = Math.Min(j, columns - TileColumns);
            float* tile = stackalloc float[TileRows * TileColumns];
            for (int i = 0; i < rows; i += TileRows)
            {
                int tileRows = Math.Min(TileRows, rows - i);
                RegisterTile(depth, packedA + ((nint)i * depth), b.Pointer + start, b.RowStride, tile, TileColumns, null, null);
                for (int r = 0; r < tileRows; r++)
                {
                    float* row = tile + (r * TileColumns) + (j - start);
                    nint offset = ((nint)(i + r) * columns) + j;
                    for (int n = 0; n < count; n++)
                        c[offset + n] = row[n] + (initial == null ? 0 : initial[offset + n]) + (bias == null ? 0 : bias[j + n]);
                }
            }
        }
    }

    /// <summary>Columns of a very thin product with a transposed B: a dot product each.</summary>
    private const int DotColumns = 32;

    private readonly struct Dots(
        float* c, float* initial, float* bias, int rows, int columns, int depth, Operand a, Operand b) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            for (int j = index * DotColumns; j < Math.Min(columns, (index + 1) * DotColumns); j++)
            {
                for (int i = 0; i < rows; i++)
                {
                    float sum = SimdMath<S, V>.Dot(a.Pointer + (i * a.RowStride), b.Pointer + (j * b.ColumnStride), depth);
                    nint at = ((nint)i * columns) + j;
                    c[at] = sum + (initial == null ? 0 : initial[at]) + (bias == null ? 0 : bias[j]);
                }
            }
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
