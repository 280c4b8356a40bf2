using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Loops over the elements; rows are moved by one group each.</summary>
internal sealed class ElementwisePortable(ComputeDevice device) : Elementwise
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, float, ArrayView<float>, float> _combine =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, float, ArrayView<float>, float>(CombineKernel);

    private readonly Action<KernelConfig, ArrayView<float>, float> _fill =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, float>(FillKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, int> _gather =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<int>, int>(GatherKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, int> _scatterAdd =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<int>, int>(ScatterAddKernel);

    private protected override void CombineCore(Tensor y, float a, Tensor x, float b) =>
        _combine(_size.Elements(y.Length), y.View, a, x.View, b);

    private protected override void FillCore(Tensor y, float value) => _fill(_size.Elements(y.Length), y.View, value);

    private protected override void GatherCore(Tensor y, Tensor x, ArrayView<int> rows) =>
        _gather(_size.Groups(y.Rows), y.View, x.View, rows, y.Cols);

    private protected override void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows) =>
        _scatterAdd(_size.Groups(dY.Rows), dX.View, dY.View, rows, dY.Cols);

    [Kernel(Grouping.Explicit)]
    private static void CombineKernel(ArrayView<float> y, float a, ArrayView<float> x, float b)
    {
        for (long i = ElementLoop.First; i < y.Length; i += ElementLoop.Step)
        {
            float value = a * x[i];
            if (b != 0) value += b * y[i];
            y[i] = value;
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void FillKernel(ArrayView<float> y, float value)
    {
        for (long i = ElementLoop.First; i < y.Length; i += ElementLoop.Step) y[i] = value;
    }

    [Kernel(Grouping.Explicit)]
    private static void GatherKernel(ArrayView<float> y, ArrayView<float> x, ArrayView<int> rows, int cols)
    {
        long from = (long)rows[Grid.IdxX] * cols, to = (long)Grid.IdxX * cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) y[to + c] = x[from + c];
    }

    [Kernel(Grouping.Explicit)]
    private static void ScatterAddKernel(ArrayView<float> dX, ArrayView<float> dY, ArrayView<int> rows, int cols)
    {
        long from = (long)Grid.IdxX * cols, to = (long)rows[Grid.IdxX] * cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) dX[to + c] += dY[from + c];
    }
}
