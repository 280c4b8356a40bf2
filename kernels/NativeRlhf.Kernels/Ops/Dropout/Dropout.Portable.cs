using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One thread for each four elements: those that share a block of the generator.</summary>
internal sealed class DropoutPortable(ComputeDevice device) : Dropout
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ulong, uint, uint, float, float> _forward =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ulong, uint, uint, float, float>(ForwardKernel);

    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual) => _forward(
        _size.Elements((x.Length + 3) / 4), y.View, x.View, residual.View, key.Seed, key.Stream, key.Step, key.Probability, 1 / (1 - key.Probability));

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel(
        ArrayView<float> y, ArrayView<float> x, ArrayView<float> residual, ulong seed, uint stream, uint step, float probability, float scale)
    {
        for (long block = ElementLoop.First; block * 4 < x.Length; block += ElementLoop.Step)
        {
            var words = Philox.At(seed, RandomPurpose.Dropout, stream, ((ulong)step << 32) | (ulong)block);
            Drop(y, x, residual, block * 4, words.X, probability, scale);
            Drop(y, x, residual, (block * 4) + 1, words.Y, probability, scale);
            Drop(y, x, residual, (block * 4) + 2, words.Z, probability, scale);
            Drop(y, x, residual, (block * 4) + 3, words.W, probability, scale);
        }
    }

    private static void Drop(
        ArrayView<float> y, ArrayView<float> x, ArrayView<float> residual, long i, uint word, float probability, float scale)
    {
        if (i >= x.Length) return;
        float value = Philox.ToUniform(word) >= probability ? x[i] * scale : 0;
        if (residual.Length > 0) value += residual[i];
        y[i] = value;
    }
}
