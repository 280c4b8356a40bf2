using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One pass over the four arenas; what depends on the step alone is computed on the host in double.</summary>
internal sealed class AdamWPortable(ComputeDevice device) : AdamW
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateFactors> _step =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateFactors>(StepKernel);

    private protected override void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, in AdamWStep step) => _step(
        _size.Elements(weights.Length), weights.View, gradients.View, firstMoments.View, secondMoments.View,
        new UpdateFactors(step.Beta1, step.Beta2, step.Epsilon, step.LearningRate * step.WeightDecay, step.GradientScale, step.StepSize, step.RootScale));

    internal readonly struct UpdateFactors(
        float beta1, float beta2, float epsilon, float decay, float gradientScale, float stepSize, float rootScale)
    {
        public readonly float Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon, Decay = decay;
        public readonly float GradientScale = gradientScale, StepSize = stepSize, RootScale = rootScale;
    }

    [Kernel(Grouping.Explicit)]
    private static void StepKernel(
        ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> firstMoments, ArrayView<float> secondMoments, UpdateFactors factors)
    {
        for (long i = ElementLoop.First; i < weights.Length; i += ElementLoop.Step)
        {
            float g = gradients[i] * factors.GradientScale;
            float m = (factors.Beta1 * firstMoments[i]) + ((1 - factors.Beta1) * g);
            float v = (factors.Beta2 * secondMoments[i]) + ((1 - factors.Beta2) * g * g);
            float w = weights[i];
            firstMoments[i] = m;
            secondMoments[i] = v;
            weights[i] = w - (factors.Decay * w) - (factors.StepSize * m / ((factors.RootScale * MathF.Sqrt(v)) + factors.Epsilon));
        }
    }
}
