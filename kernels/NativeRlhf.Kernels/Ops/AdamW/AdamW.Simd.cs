using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One pass over all four arrays: 16 bytes read and 12 written a parameter, which is what it costs.</summary>
internal sealed unsafe class AdamWSimd<S, V>(WorkerTeam team) : AdamW
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Chunk = 16384;

    private protected override void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, Tensor copy, in AdamWStep step) =>
        team.For((int)((weights.Length + Chunk - 1) / Chunk),
            new Update(weights.Pointer, gradients.Pointer, firstMoments.Pointer, secondMoments.Pointer, weights.Length, step));

    private readonly struct Update(float* w, float* g, float* m, float* v, long length, AdamWStep step) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            float keep = 1 - (step.LearningRate * step.WeightDecay), stepSize = step.StepSize, rootScale = step.RootScale;
            V beta1 = S.Set(step.Beta1), beta2 = S.Set(step.Beta2), rest1 = S.Set(1 - step.Beta1), rest2 = S.Set(1 - step.Beta2);
            V scale = S.Set(step.GradientScale), epsilon = S.Set(step.Epsilon), keeps = S.Set(keep), sizes = S.Set(-stepSize), roots = S.Set(rootScale);
            long i = (long)index * Chunk, end = Math.Min(length, i + Chunk);
            for (; i <= end - S.Width; i += S.Width)
            {
                V gradient = S.Multiply(S.Load(g + i), scale);
                V first = S.FusedMultiplyAdd(beta1, S.Load(m + i), S.Multiply(rest1, gradient));
                V second = S.FusedMultiplyAdd(beta2, S.Load(v + i), S.Multiply(rest2, S.Multiply(gradient, gradient)));
                V update = S.Divide(first, S.FusedMultiplyAdd(S.Sqrt(second), roots, epsilon));
                S.Store(m + i, first);
                S.Store(v + i, second);
                S.Store(w + i, S.FusedMultiplyAdd(update, sizes, S.Multiply(S.Load(w + i), keeps)));
            }

            for (; i < end; i++)
            {
                float gradient = g[i] * step.GradientScale;
                m[i] = (step.Beta1 * m[i]) + ((1 - step.Beta1) * gradient);
                v[i] = (step.Beta2 * v[i]) + ((1 - step.Beta2) * gradient * gradient);
                w[i] = (w[i] * keep) - (stepSize * m[i] / ((MathF.Sqrt(v[i]) * rootScale) + step.Epsilon));
            }
        }
    }
}
