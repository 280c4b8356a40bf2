using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One pass over the arenas, four elements at a time; what depends on the step alone is computed on the host in double.</summary>
internal sealed class AdamWPortable(ComputeDevice device) : AdamW
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<BFloat16>, UpdateFactors> _step =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<BFloat16>, UpdateFactors>(StepKernel);

    private readonly Action<KernelConfig, ArrayView<BFloat16>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateFactors> _stochastic =
        device.Load<ArrayView<BFloat16>, ArrayView<float>, ArrayView<float>, ArrayView<float>, UpdateFactors>(StochasticKernel);

    private protected override void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, Tensor copy, in AdamWStep step)
    {
        bool hasQuads = weights.HasQuads && gradients.HasQuads && firstMoments.HasQuads && secondMoments.HasQuads && (copy.IsNone || copy.HasQuads);
        var factors = new UpdateFactors(step, hasQuads);
        var threads = _size.Elements((weights.Length + 3) / 4);
        if (weights.Type == ElementType.BFloat16)
            _stochastic(threads, weights.BFloat16View, gradients.View, firstMoments.View, secondMoments.View, factors);
        else
            _step(threads, weights.View, gradients.View, firstMoments.View, secondMoments.View, copy.IsNone ? default : copy.BFloat16View, factors);
    }

    internal readonly struct UpdateFactors(in AdamWStep step, bool hasQuads)
    {
        public readonly float Beta1 = step.Beta1, Beta2 = step.Beta2, Epsilon = step.Epsilon, Decay = step.LearningRate * step.WeightDecay;
        public readonly float GradientScale = step.GradientScale, StepSize = step.StepSize, RootScale = step.RootScale;
        public readonly int HasQuads = hasQuads ? 1 : 0;
        public readonly uint Step = (uint)step.Step;
        public readonly ulong Seed = step.Seed, FirstQuad = (ulong)step.First / 4;
    }

    [Kernel(Grouping.Explicit)]
    private static void StepKernel(
        ArrayView<float> weights, ArrayView<float> gradients, ArrayView<float> firstMoments, ArrayView<float> secondMoments, ArrayView<BFloat16> copy, UpdateFactors factors)
    {
        bool hasQuads = factors.HasQuads != 0;
        for (long i = 4 * ElementLoop.First; i < weights.Length; i += 4 * ElementLoop.Step)
        {
            int count = (int)Math.Min(4, weights.Length - i);
            var w = Updated(Tile.Quad(weights.Cast<Float32>(), i, count, hasQuads), gradients, firstMoments, secondMoments, i, count, factors);
            Tile.StoreQuad(weights.Cast<Float32>(), i, count, hasQuads, w);
            if (copy.Length > 0) Tile.StoreQuad(copy, i, count, hasQuads, w);
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void StochasticKernel(
        ArrayView<BFloat16> weights, ArrayView<float> gradients, ArrayView<float> firstMoments, ArrayView<float> secondMoments, UpdateFactors factors)
    {
        bool hasQuads = factors.HasQuads != 0;
        for (long i = 4 * ElementLoop.First; i < weights.Length; i += 4 * ElementLoop.Step)
        {
            int count = (int)Math.Min(4, weights.Length - i);
            var w = Updated(Tile.Quad(weights, i, count, hasQuads), gradients, firstMoments, secondMoments, i, count, factors);
            var words = Philox.At(factors.Seed, RandomPurpose.Rounding, factors.Step, factors.FirstQuad + ((ulong)i / 4));

            // Rounded already, they are stored as they are.
            Tile.StoreQuad(weights, i, count, hasQuads, new Float4(
                BFloat16.OfStochastic(w.X, words.X).Value, BFloat16.OfStochastic(w.Y, words.Y).Value,
                BFloat16.OfStochastic(w.Z, words.Z).Value, BFloat16.OfStochastic(w.W, words.W).Value));
        }
    }

    /// <summary>Updates the moments of up to four elements, and returns the weights that follow from them.</summary>
    private static Float4 Updated(
        Float4 w, ArrayView<float> gradients, ArrayView<float> firstMoments, ArrayView<float> secondMoments, long i, int count, UpdateFactors factors)
    {
        bool hasQuads = factors.HasQuads != 0;
        var g = Tile.Quad(gradients.Cast<Float32>(), i, count, hasQuads).Times(factors.GradientScale);
        var m = Tile.Quad(firstMoments.Cast<Float32>(), i, count, hasQuads).Times(factors.Beta1).Add(1 - factors.Beta1, g);
        var squares = new Float4(g.X * g.X, g.Y * g.Y, g.Z * g.Z, g.W * g.W);
        var v = Tile.Quad(secondMoments.Cast<Float32>(), i, count, hasQuads).Times(factors.Beta2).Add(1 - factors.Beta2, squares);
        Tile.StoreQuad(firstMoments.Cast<Float32>(), i, count, hasQuads, m);
        Tile.StoreQuad(secondMoments.Cast<Float32>(), i, count, hasQuads, v);
        return new Float4(Updated(w.X, m.X, v.X, factors), Updated(w.Y, m.Y, v.Y, factors), Updated(w.Z, m.Z, v.Z, factors), Updated(w.W, m.W, v.W, factors));
    }

    private static float Updated(float w, float m, float v, UpdateFactors factors) =>
        w - (factors.Decay * w) - (factors.StepSize * m / ((factors.RootScale * MathF.Sqrt(v)) + factors.Epsilon));
}
