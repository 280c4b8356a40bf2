using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One group for all tokens: a minibatch has few of them, and one group needs no second pass for the statistics.</summary>
internal sealed class PpoLossPortable(ComputeDevice device) : PpoLoss
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float> _policy =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float>(PolicyKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float> _value =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float>(ValueKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>> _kl =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(KlKernel);

    private protected override void PolicyCore(
        Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale) =>
        _policy(_size.Groups(1), statistics.View, dLogprobs.View, logprobs.View, oldLogprobs.View, advantages.View, clipRange, scale);

    private protected override void ValueCore(
        Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale) =>
        _value(_size.Groups(1), statistics.View, dValues.View, values.View, oldValues.View, returns.View, clipRange, scale);

    private protected override void KlCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights) =>
        _kl(_size.Groups(1), statistics.View, dLogprobs.View, logprobs.View, refLogprobs.View, weights.View);

    [Kernel(Grouping.Explicit)]
    private static void PolicyKernel(
        ArrayView<float> statistics, ArrayView<float> dLogprobs, ArrayView<float> logprobs, ArrayView<float> oldLogprobs, ArrayView<float> advantages,
        float clipRange, float scale)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared4 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        float loss = 0, clips = 0, kl = 0, ratios = 0, largest = 0;
        for (long i = Group.IdxX; i < logprobs.Length; i += Group.DimX)
        {
            float difference = logprobs[i] - oldLogprobs[i], ratio = MathF.Exp(difference), advantage = advantages[i];
            float plain = -advantage * ratio, clipped = -advantage * MathF.Min(MathF.Max(ratio, 1 - clipRange), 1 + clipRange);
            bool isClipped = clipped > plain;
            dLogprobs[i] = isClipped ? 0 : scale * plain;
            loss += isClipped ? clipped : plain;
            clips += isClipped ? 1 : 0;
            kl += 0.5f * difference * difference;
            ratios += ratio;
            largest = MathF.Max(largest, MathF.Abs(ratio - 1));
        }

        var sums = GroupReduce.Sum(shared4, new Float4(loss, clips, kl, ratios));
        largest = GroupReduce.Max(shared, largest);
        if (Group.IdxX == 0)
        {
            statistics[0] += sums.X;
            statistics[1] += sums.Y;
            statistics[2] += sums.Z;
            statistics[3] += sums.W;
            statistics[4] = MathF.Max(statistics[4], largest);
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void ValueKernel(
        ArrayView<float> statistics, ArrayView<float> dValues, ArrayView<float> values, ArrayView<float> oldValues, ArrayView<float> returns,
        float clipRange, float scale)
    {
        var shared = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        float loss = 0, clips = 0, sum = 0;
        for (long i = Group.IdxX; i < values.Length; i += Group.DimX)
        {
            float value = values[i], old = oldValues[i], target = returns[i];
            float error = value - target, clippedError = MathF.Min(MathF.Max(value, old - clipRange), old + clipRange) - target;
            float plain = error * error, clipped = clippedError * clippedError;
            // Inside the clip range the two terms are the same, so that this also says that v is outside.
            bool isClipped = clipped > plain;
            dValues[i] = isClipped ? 0 : scale * error;
            loss += 0.5f * (isClipped ? clipped : plain);
            clips += isClipped ? 1 : 0;
            sum += value;
        }

        var sums = GroupReduce.Sum(shared, new Float4(loss, clips, sum, 0));
        if (Group.IdxX == 0)
        {
            statistics[0] += sums.X;
            statistics[1] += sums.Y;
            statistics[2] += sums.Z;
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void KlKernel(
        ArrayView<float> statistics, ArrayView<float> dLogprobs, ArrayView<float> logprobs, ArrayView<float> refLogprobs, ArrayView<float> weights)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        float loss = 0;
        for (long i = Group.IdxX; i < logprobs.Length; i += Group.DimX)
        {
            float d = logprobs[i] - refLogprobs[i], inverse = MathF.Exp(-d);
            dLogprobs[i] += weights[i] * (1 - inverse);
            loss += weights[i] * (inverse - 1 + d);
        }

        loss = GroupReduce.Sum(shared, loss);
        if (Group.IdxX == 0) statistics[0] += loss;
    }
}
