using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group a row. Each thread keeps, over its columns, the maximum m, Σ exp(z − m) and Σ exp(z − m)·(z − m); the group then
/// brings all to one maximum. The entropy is log Σ − the quotient of the sums, which cancels nothing large.
/// </summary>
internal sealed class LogProbPortable(ComputeDevice device) : LogProb
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, float> _forward =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, float>(ForwardKernel);

    private readonly ByType<Action<KernelConfig, Bytes, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, float>> _backward = new(
        () => device.Load<Bytes, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, float>(BackwardKernel<Float32>),
        () => device.Load<Bytes, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, float>(BackwardKernel<BFloat16>));

    private protected override void ForwardCore(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float inverseTemperature) =>
        _forward(_size.Groups(logits.Rows), logprobs.View, lse.View, entropy.View, logits.View, targets, logits.Cols, inverseTemperature);

    private protected override void BackwardCore(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float inverseTemperature) =>
        _backward[dLogits.Type](_size.Groups(logits.Rows), dLogits.Bytes, dLogprobs.View, lse.View, logits.View, targets, logits.Cols, inverseTemperature);

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel(
        ArrayView<float> logprobs, ArrayView<float> lse, ArrayView<float> entropy, ArrayView<float> logits, ArrayView<int> targets, int cols, float inverseTemperature)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared4 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX;
        long origin = (long)row * cols;
        float max = -float.MaxValue, sum = 0, moment = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float z = logits[origin + c] * inverseTemperature, d = z - max;
            if (d > 0)
            {
                float scale = MathF.Exp(-d);
                moment = (moment - (sum * d)) * scale;
                sum = (sum * scale) + 1;
                max = z;
            }
            else
            {
                float e = MathF.Exp(d);
                sum += e;
                // A token that is masked by −∞ adds 0, not 0·∞.
                if (e > 0) moment += e * d;
            }
        }

        float groupMax = GroupReduce.Max(shared, max), shift = max - groupMax, factor = MathF.Exp(shift);
        moment = factor > 0 ? (moment + (sum * shift)) * factor : 0;
        var sums = GroupReduce.Sum(shared4, new Float4(sum * factor, moment, 0, 0));
        if (Group.IdxX == 0)
        {
            float log = MathF.Log(sums.X);
            lse[row] = groupMax + log;
            logprobs[row] = (logits[origin + targets[row]] * inverseTemperature) - groupMax - log;
            if (entropy.Length > 0) entropy[row] = log - (sums.Y / sums.X);
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void BackwardKernel<T>(
        Bytes dLogitsBytes, ArrayView<float> dLogprobs, ArrayView<float> lse, ArrayView<float> logits, ArrayView<int> targets, int cols, float inverseTemperature)
        where T : unmanaged, IElement<T>
    {
        var dLogits = dLogitsBytes.Cast<T>();
        int row = Grid.IdxX, target = targets[row];
        long origin = (long)row * cols;
        float gradient = dLogprobs[row] * inverseTemperature, norm = lse[row];
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float p = MathF.Exp((logits[origin + c] * inverseTemperature) - norm);
            dLogits[origin + c] = T.Of(gradient * ((c == target ? 1 : 0) - p));
        }
    }
}
