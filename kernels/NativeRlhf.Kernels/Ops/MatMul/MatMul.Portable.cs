using ILGPU;
using NativeRlhf.Kernels.Device;
using ActivatedLaunch = System.Action<ILGPU.KernelConfig, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<float>, ILGPU.ArrayView<byte>, NativeRlhf.Kernels.Ops.MatMulPortable.ProductShape, int>;
using Bytes = ILGPU.ArrayView<byte>;
using Launch = System.Action<ILGPU.KernelConfig, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<float>, ILGPU.ArrayView<byte>, NativeRlhf.Kernels.Ops.MatMulPortable.ProductShape>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One kernel for all products: a tile of the result in the registers of a group, its operands in two pairs of panels in
/// shared memory, of which one is filled while the other is read. Strides say how the operands lie, so that no product needs a
/// transposed copy.
/// </summary>
internal sealed class MatMulPortable(ComputeDevice device) : MatMul
{
    private readonly LaunchSize _size = new(device.Accelerator);

    // By the type of the operands, then by that of the result. Products of float32 have results of float32.
    private readonly ByType<ByType<Launch>> _product = new(
        () => new(
            () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape>(ProductKernel<Float32, Float32>),
            () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape>(ProductKernel<Float32, BFloat16>)),
        () => new(
            () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape>(ProductKernel<BFloat16, Float32>),
            () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape>(ProductKernel<BFloat16, BFloat16>)));

    private readonly ByType<ByType<ActivatedLaunch>> _activated = new(
        () => new(
            () => device.Load<Bytes, Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape, int>(ActivatedKernel<Float32, Float32>),
            () => device.Load<Bytes, Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape, int>(ActivatedKernel<Float32, BFloat16>)),
        () => new(
            () => device.Load<Bytes, Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape, int>(ActivatedKernel<BFloat16, Float32>),
            () => device.Load<Bytes, Bytes, Bytes, Bytes, ArrayView<float>, Bytes, ProductShape, int>(ActivatedKernel<BFloat16, BFloat16>)));

    private readonly ByType<Action<KernelConfig, ArrayView<float>, Bytes, int, int>> _addColumnSums = new(
        () => device.Load<ArrayView<float>, Bytes, int, int>(ColumnSumsKernel<Float32>),
        () => device.Load<ArrayView<float>, Bytes, int, int>(ColumnSumsKernel<BFloat16>));

    private protected override void ForwardCore(
        Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual, Tensor activated, ActivationKind kind)
    {
        Tensor output = y.IsNone ? activated : y;
        var (bCol, bInner) = layout == WeightLayout.InOut ? (1, output.Cols) : (x.Cols, 1);
        if (activated.IsNone)
        {
            Multiply(y, x, x.Cols, 1, weight, bCol, bInner, x.Cols, bias, residual);
            return;
        }

        bool hasQuads = output.HasQuads && activated.HasQuads && (residual.IsNone || residual.HasQuads);
        _activated[x.Type][output.Type](
            _size.WideTiles(output.Rows, output.Cols), y.Bytes, activated.Bytes, x.Bytes, weight.Bytes, bias.View, residual.Bytes,
            new ProductShape(output.Rows, output.Cols, x.Cols, x.Cols, 1, bCol, bInner, x.HasQuads, weight.HasQuads, hasQuads), (int)kind);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate) =>
        Multiply(dX, dY, dY.Cols, 1, weight, layout == WeightLayout.InOut ? dY.Cols : 1, layout == WeightLayout.InOut ? 1 : dX.Cols, dY.Cols, Tensor.None, accumulate ? dX : Tensor.None);

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        // dW (IC, OC) += xᵀ·dY, or dW (OC, IC) += dYᵀ·x.
        var (a, b) = layout == WeightLayout.InOut ? (x, dY) : (dY, x);
        if (dWeight.Length > 0) Multiply(dWeight, a, 1, a.Cols, b, 1, b.Cols, a.Rows, Tensor.None, dWeight);
        AddColumnSums(dBias, dY);
    }

    /// <summary>dBias += Σₙ dY[n], if there is one.</summary>
    internal void AddColumnSums(Tensor dBias, Tensor dY)
    {
        if (!dBias.IsNone && dY.Cols > 0) _addColumnSums[dY.Type](_size.Columns(dY.Cols), dBias.View, dY.Bytes, dY.Rows, dY.Cols);
    }

    /// <summary>y = A·B + bias + residual.</summary>
    private void Multiply(Tensor y, Tensor a, int aRow, int aInner, Tensor b, int bCol, int bInner, int inner, Tensor bias, Tensor residual) => _product[a.Type][y.Type](
        _size.WideTiles(y.Rows, y.Cols), y.Bytes, a.Bytes, b.Bytes, bias.View, residual.Bytes,
        new ProductShape(y.Rows, y.Cols, inner, aRow, aInner, bCol, bInner, a.HasQuads, b.HasQuads, y.HasQuads && (residual.IsNone || residual.HasQuads)));

    /// <summary>
    /// The product of A (rows, inner) and B (inner, cols), the strides of the operands, and whether their rows are aligned to four
    /// elements.
    /// </summary>
    internal readonly struct ProductShape(
        int rows, int cols, int inner, int aRow, int aInner, int bCol, int bInner, bool aHasQuads, bool bHasQuads, bool yHasQuads)
    {
        public readonly int Rows = rows, Cols = cols, Inner = inner, ARow = aRow, AInner = aInner, BCol = bCol, BInner = bInner;
        public readonly int AHasQuads = aHasQuads ? 1 : 0, BHasQuads = bHasQuads ? 1 : 0, YHasQuads = yHasQuads ? 1 : 0;
    }

    /// <summary>y = A·B + bias + residual, where an empty view stands for none. The residual may be y.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ProductKernel<T, TY>(Bytes yBytes, Bytes aBytes, Bytes bBytes, ArrayView<float> bias, Bytes residualBytes, ProductShape shape)
        where T : unmanaged, IElement<T>
        where TY : unmanaged, IElement<TY> =>
        Product<T, TY>(yBytes, default, aBytes, bBytes, bias, residualBytes, shape, false, 0);

    /// <summary>The same, and activated = f(y) of what is in registers; y may be left out.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ActivatedKernel<T, TY>(
        Bytes yBytes, Bytes activatedBytes, Bytes aBytes, Bytes bBytes, ArrayView<float> bias, Bytes residualBytes, ProductShape shape, int kind)
        where T : unmanaged, IElement<T>
        where TY : unmanaged, IElement<TY> =>
        Product<T, TY>(yBytes, activatedBytes, aBytes, bBytes, bias, residualBytes, shape, true, kind);

    private static void Product<T, TY>(
        Bytes yBytes, Bytes activatedBytes, Bytes aBytes, Bytes bBytes, ArrayView<float> bias, Bytes residualBytes, ProductShape shape, bool isActivated, int kind)
        where T : unmanaged, IElement<T>
        where TY : unmanaged, IElement<TY>
    {
        ArrayView<T> a = aBytes.Cast<T>(), b = bBytes.Cast<T>();
        var aPanels = SharedMemory.Allocate<float>(2 * Tile.WidePanelLength);
        var bPanels = SharedMemory.Allocate<float>(2 * Tile.WidePanelLength);
        int edge = Group.DimX, half = Tile.Side;
        int firstRow = Grid.IdxX * 2 * half, firstCol = Grid.IdxY * 2 * half;
        bool aAlongOuter = shape.ARow == 1, bAlongOuter = shape.BCol == 1, aHasQuads = shape.AHasQuads != 0, bHasQuads = shape.BHasQuads != 0;
        Tile.Slot aSlot = Tile.Slot.Of(aAlongOuter), bSlot = Tile.Slot.Of(bAlongOuter);
        long aOrigin = (long)firstRow * shape.ARow, bOrigin = (long)firstCol * shape.BCol;
        int rows = shape.Rows - firstRow, cols = shape.Cols - firstCol;

        var a0 = Tile.Fetch(a, aOrigin, aAlongOuter, shape.ARow, shape.AInner, aSlot.Outer, aSlot.Inner, rows, shape.Inner, aHasQuads);
        var a1 = Tile.Fetch(a, aOrigin, aAlongOuter, shape.ARow, shape.AInner, aSlot.Outer + half, aSlot.Inner, rows, shape.Inner, aHasQuads);
        var b0 = Tile.Fetch(b, bOrigin, bAlongOuter, shape.BCol, shape.BInner, bSlot.Outer, bSlot.Inner, cols, shape.Inner, bHasQuads);
        var b1 = Tile.Fetch(b, bOrigin, bAlongOuter, shape.BCol, shape.BInner, bSlot.Outer + half, bSlot.Inner, cols, shape.Inner, bHasQuads);
        Tile8x8 product = default;
        int start = 0;
        for (int k = 0; k < shape.Inner; k += edge)
        {
            // All have read these panels before the barrier that is passed; the other pair may still be read.
            Tile.Put(aPanels, start, Tile.WidePitch, aAlongOuter, aSlot.Outer, aSlot.Inner, a0);
            Tile.Put(aPanels, start, Tile.WidePitch, aAlongOuter, aSlot.Outer + half, aSlot.Inner, a1);
            Tile.Put(bPanels, start, Tile.WidePitch, bAlongOuter, bSlot.Outer, bSlot.Inner, b0);
            Tile.Put(bPanels, start, Tile.WidePitch, bAlongOuter, bSlot.Outer + half, bSlot.Inner, b1);
            Group.Barrier();

            // The next operands are on their way while these are multiplied.
            int next = k + edge, left = shape.Inner - next;
            if (left > 0)
            {
                long aNext = aOrigin + ((long)next * shape.AInner), bNext = bOrigin + ((long)next * shape.BInner);
                a0 = Tile.Fetch(a, aNext, aAlongOuter, shape.ARow, shape.AInner, aSlot.Outer, aSlot.Inner, rows, left, aHasQuads);
                a1 = Tile.Fetch(a, aNext, aAlongOuter, shape.ARow, shape.AInner, aSlot.Outer + half, aSlot.Inner, rows, left, aHasQuads);
                b0 = Tile.Fetch(b, bNext, bAlongOuter, shape.BCol, shape.BInner, bSlot.Outer, bSlot.Inner, cols, left, bHasQuads);
                b1 = Tile.Fetch(b, bNext, bAlongOuter, shape.BCol, shape.BInner, bSlot.Outer + half, bSlot.Inner, cols, left, bHasQuads);
            }

            product = Tile.MultiplyAdd(product, aPanels, bPanels, start);
            start = Tile.WidePanelLength - start;
        }

        int row = firstRow + (Tile.PerThread * Group.IdxY), col = firstCol + (Tile.PerThread * Group.IdxX);
        StoreBlock<TY>(yBytes, activatedBytes, product.Q00, bias, residualBytes, row, col, shape, isActivated, kind);
        StoreBlock<TY>(yBytes, activatedBytes, product.Q01, bias, residualBytes, row, col + half, shape, isActivated, kind);
        StoreBlock<TY>(yBytes, activatedBytes, product.Q10, bias, residualBytes, row + half, col, shape, isActivated, kind);
        StoreBlock<TY>(yBytes, activatedBytes, product.Q11, bias, residualBytes, row + half, col + half, shape, isActivated, kind);
    }

    private static void StoreBlock<TY>(
        Bytes yBytes, Bytes activatedBytes, Tile4x4 block, ArrayView<float> bias, Bytes residualBytes, int row, int col, ProductShape shape, bool isActivated, int kind)
        where TY : unmanaged, IElement<TY>
    {
        int count = shape.Cols - col;
        if (count <= 0) return;
        ArrayView<TY> y = yBytes.Cast<TY>(), activated = activatedBytes.Cast<TY>(), residual = residualBytes.Cast<TY>();
        Float4 shift = bias.Length > 0 ? Tile.Quad(bias.Cast<Float32>(), col, count, isAligned: false) : default;
        StoreRow(y, activated, block.R0, shift, residual, row, col, count, shape, isActivated, kind);
        StoreRow(y, activated, block.R1, shift, residual, row + 1, col, count, shape, isActivated, kind);
        StoreRow(y, activated, block.R2, shift, residual, row + 2, col, count, shape, isActivated, kind);
        StoreRow(y, activated, block.R3, shift, residual, row + 3, col, count, shape, isActivated, kind);
    }

    private static void StoreRow<TY>(
        ArrayView<TY> y, ArrayView<TY> activated, Float4 v, Float4 shift, ArrayView<TY> residual, int row, int col, int count, ProductShape shape, bool isActivated, int kind)
        where TY : unmanaged, IElement<TY>
    {
        if (row >= shape.Rows) return;
        long place = ((long)row * shape.Cols) + col;
        bool hasQuads = shape.YHasQuads != 0;
        v = v.Add(1, shift);
        if (residual.Length > 0) v = v.Add(1, Tile.Quad(residual, place, count, hasQuads));
        if (!isActivated || y.Length > 0) Tile.StoreQuad(y, place, count, hasQuads, v);
        if (isActivated) Tile.StoreQuad(activated, place, count, hasQuads, ActivationPortable.Values(v, kind));
    }

    /// <summary>sums[c] += Σₙ x[n, c].</summary>
    [Kernel(Grouping.Explicit)]
    private static void ColumnSumsKernel<T>(ArrayView<float> sums, Bytes xBytes, int rows, int cols)
        where T : unmanaged, IElement<T>
    {
        var x = xBytes.Cast<T>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int c = (Grid.IdxX * Group.DimX) + Group.IdxX;
        float sum = 0;
        if (c < cols)
        {
            for (int n = Group.IdxY; n < rows; n += Group.DimY) sum += x[((long)n * cols) + c].Value;
        }

        sum = GroupReduce.SumLanes(shared, sum);
        if (Group.IdxY == 0 && c < cols) sums[c] += sum;
    }
}
