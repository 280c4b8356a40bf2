using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Loops over the elements, four at a time; rows are moved by one group each.</summary>
internal sealed class ElementwisePortable(ComputeDevice device) : Elementwise
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly ByType<ByType<Action<KernelConfig, Bytes, float, Bytes, float, int>>> _combine = new(
        () => new(
            () => device.Load<Bytes, float, Bytes, float, int>(CombineKernel<Float32, Float32>),
            () => device.Load<Bytes, float, Bytes, float, int>(CombineKernel<Float32, BFloat16>)),
        () => new(
            () => device.Load<Bytes, float, Bytes, float, int>(CombineKernel<BFloat16, Float32>),
            () => device.Load<Bytes, float, Bytes, float, int>(CombineKernel<BFloat16, BFloat16>)));

    private readonly ByType<Action<KernelConfig, Bytes, float>> _fill = new(
        () => device.Load<Bytes, float>(FillKernel<Float32>),
        () => device.Load<Bytes, float>(FillKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Bytes, ArrayView<float>, ArrayView<int>, int>> _gather = new(
        () => device.Load<Bytes, ArrayView<float>, ArrayView<int>, int>(GatherKernel<Float32>),
        () => device.Load<Bytes, ArrayView<float>, ArrayView<int>, int>(GatherKernel<BFloat16>));

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, int> _scatterAdd =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<int>, int>(ScatterAddKernel);

    private protected override void CombineCore(Tensor y, float a, Tensor x, float b) =>
        _combine[y.Type][x.Type](_size.Elements((y.Length + 3) / 4), y.Bytes, a, x.Bytes, b, y.HasQuads && x.HasQuads ? 1 : 0);

    private protected override void FillCore(Tensor y, float value) => _fill[y.Type](_size.Elements(y.Length), y.Bytes, value);

    private protected override void GatherCore(Tensor y, Tensor x, ArrayView<int> rows) =>
        _gather[y.Type](_size.Groups(y.Rows), y.Bytes, x.View, rows, y.Cols);

    private protected override void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows) =>
        _scatterAdd(_size.Groups(dY.Rows), dX.View, dY.View, rows, dY.Cols);

    [Kernel(Grouping.Explicit)]
    private static void CombineKernel<TY, TX>(Bytes yBytes, float a, Bytes xBytes, float b, int hasQuads)
        where TY : unmanaged, IElement<TY>
        where TX : unmanaged, IElement<TX>
    {
        var y = yBytes.Cast<TY>();
        var x = xBytes.Cast<TX>();
        for (long i = 4 * ElementLoop.First; i < y.Length; i += 4 * ElementLoop.Step)
        {
            int count = (int)Math.Min(4, y.Length - i);
            var value = Tile.Quad(x, i, count, hasQuads != 0).Times(a);
            if (b != 0) value = value.Add(b, Tile.Quad(y, i, count, hasQuads != 0));
            Tile.StoreQuad(y, i, count, hasQuads != 0, value);
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void FillKernel<T>(Bytes yBytes, float value)
        where T : unmanaged, IElement<T>
    {
        var y = yBytes.Cast<T>();
        for (long i = ElementLoop.First; i < y.Length; i += ElementLoop.Step) y[i] = T.Of(value);
    }

    [Kernel(Grouping.Explicit)]
    private static void GatherKernel<T>(Bytes yBytes, ArrayView<float> x, ArrayView<int> rows, int cols)
        where T : unmanaged, IElement<T>
    {
        var y = yBytes.Cast<T>();
        long from = (long)rows[Grid.IdxX] * cols, to = (long)Grid.IdxX * cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) y[to + c] = T.Of(x[from + c]);
    }

    [Kernel(Grouping.Explicit)]
    private static void ScatterAddKernel(ArrayView<float> dX, ArrayView<float> dY, ArrayView<int> rows, int cols)
    {
        long from = (long)Grid.IdxX * cols, to = (long)rows[Grid.IdxX] * cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) dX[to + c] += dY[from + c];
    }
}
