using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One group a block, one partial sum a group.</summary>
internal sealed class NormPortable(ComputeDevice device) : Norm
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>> _sumOfSquares =
        device.Load<ArrayView<float>, ArrayView<float>>(SumOfSquaresKernel);

    private protected override void SumOfSquaresCore(Tensor partials, Tensor x) =>
        _sumOfSquares(_size.Groups(Blocks(x.Length)), partials.View, x.View);

    [Kernel(Grouping.Explicit)]
    private static void SumOfSquaresKernel(ArrayView<float> partials, ArrayView<float> x)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        long start = (long)Grid.IdxX * BlockLength, end = Math.Min(start + BlockLength, x.Length);
        float sum = 0;
        for (long i = start + Group.IdxX; i < end; i += Group.DimX)
        {
            float value = x[i];
            sum += value * value;
        }

        sum = GroupReduce.Sum(shared, sum);
        if (Group.IdxX == 0) partials[Grid.IdxX] = sum;
    }
}
