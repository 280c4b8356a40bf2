using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One kernel for all products: a tile of the result in the registers of a group, its operands in shared memory. Strides say
/// how the operands lie, so that no product needs a transposed copy.
/// </summary>
internal sealed class MatMulPortable(ComputeDevice device) : MatMul
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ProductShape> _product =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ProductShape>(ProductKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, int> _addColumnSums =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, int>(ColumnSumsKernel);

    private protected override void ForwardCore(Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual)
    {
        int inputs = x.Cols, outputs = y.Cols;
        var shape = layout == WeightLayout.InOut
            ? new ProductShape(y.Rows, outputs, inputs, inputs, 1, 1, outputs)
            : new ProductShape(y.Rows, outputs, inputs, inputs, 1, inputs, 1);
        _product(_size.Tiles(y.Rows, outputs), y.View, x.View, weight.View, bias.View, residual.View, shape);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate)
    {
        int inputs = dX.Cols, outputs = dY.Cols;
        var shape = layout == WeightLayout.InOut
            ? new ProductShape(dX.Rows, inputs, outputs, outputs, 1, outputs, 1)
            : new ProductShape(dX.Rows, inputs, outputs, outputs, 1, 1, inputs);
        _product(_size.Tiles(dX.Rows, inputs), dX.View, dY.View, weight.View, default, accumulate ? dX.View : default, shape);
    }

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        // dW (IC, OC) += xᵀ·dY, or dW (OC, IC) += dYᵀ·x.
        var (a, b) = layout == WeightLayout.InOut ? (x, dY) : (dY, x);
        if (dWeight.Length > 0)
        {
            var shape = new ProductShape(a.Cols, b.Cols, a.Rows, 1, a.Cols, 1, b.Cols);
            _product(_size.Tiles(a.Cols, b.Cols), dWeight.View, a.View, b.View, default, dWeight.View, shape);
        }

        if (!dBias.IsNone && dY.Cols > 0) _addColumnSums(_size.Columns(dY.Cols), dBias.View, dY.View, dY.Rows, dY.Cols);
    }

    /// <summary>The product of A (rows, inner) and B (inner, cols), and the strides of the operands.</summary>
    internal readonly struct ProductShape(int rows, int cols, int inner, int aRow, int aInner, int bCol, int bInner)
    {
        public readonly int Rows = rows, Cols = cols, Inner = inner, ARow = aRow, AInner = aInner, BCol = bCol, BInner = bInner;
    }

    /// <summary>y = A·B + bias + residual, where an empty view stands for none. The residual may be y.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ProductKernel(
        ArrayView<float> y, ArrayView<float> a, ArrayView<float> b, ArrayView<float> bias, ArrayView<float> residual, ProductShape shape)
    {
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        int firstRow = Grid.IdxX * Tile.Side, firstCol = Grid.IdxY * Tile.Side;
        long aOrigin = (long)firstRow * shape.ARow, bOrigin = (long)firstCol * shape.BCol;
        Tile4x4 product = default;
        for (int k = 0; k < shape.Inner; k += Group.DimX)
        {
            Tile.Load(aPanel, a, aOrigin + ((long)k * shape.AInner), shape.ARow, shape.AInner, shape.Rows - firstRow, shape.Inner - k);
            Tile.Load(bPanel, b, bOrigin + ((long)k * shape.BInner), shape.BCol, shape.BInner, shape.Cols - firstCol, shape.Inner - k);
            Group.Barrier();
            product = Tile.MultiplyAdd(product, aPanel, 0, bPanel);
            Group.Barrier();
        }

        int row = firstRow + (Tile.PerThread * Group.IdxY), col = firstCol + (Tile.PerThread * Group.IdxX);
        StoreRow(y, product.R0, bias, residual, row, col, shape.Rows, shape.Cols);
        StoreRow(y, product.R1, bias, residual, row + 1, col, shape.Rows, shape.Cols);
        StoreRow(y, product.R2, bias, residual, row + 2, col, shape.Rows, shape.Cols);
        StoreRow(y, product.R3, bias, residual, row + 3, col, shape.Rows, shape.Cols);
    }

    private static void StoreRow(ArrayView<float> y, Float4 v, ArrayView<float> bias, ArrayView<float> residual, int row, int col, int rows, int cols)
    {
        if (row >= rows) return;
        long place = (long)row * cols;
        Store(y, v.X, bias, residual, place, col, cols);
        Store(y, v.Y, bias, residual, place, col + 1, cols);
        Store(y, v.Z, bias, residual, place, col + 2, cols);
        Store(y, v.W, bias, residual, place, col + 3, cols);
    }

    private static void Store(ArrayView<float> y, float value, ArrayView<float> bias, ArrayView<float> residual, long place, int col, int cols)
    {
        if (col >= cols) return;
        if (bias.Length > 0) value += bias[col];
        if (residual.Length > 0) value += residual[place + col];
        y[place + col] = value;
    }

    /// <summary>sums[c] += Σₙ x[n, c].</summary>
    [Kernel(Grouping.Explicit)]
    private static void ColumnSumsKernel(ArrayView<float> sums, ArrayView<float> x, int rows, int cols)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int c = (Grid.IdxX * Group.DimX) + Group.IdxX;
        float sum = 0;
        if (c < cols)
        {
            for (int n = Group.IdxY; n < rows; n += Group.DimY) sum += x[((long)n * cols) + c];
        }

        sum = GroupReduce.SumLanes(shared, sum);
        if (Group.IdxY == 0 && c < cols) sums[c] += sum;
    }
}
