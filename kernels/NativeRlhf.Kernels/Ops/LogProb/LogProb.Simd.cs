using System.Runtime.CompilerServices;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>A few rows an item; each row is read once, with a running maximum.</summary>
internal sealed unsafe class LogProbSimd<S, V>(WorkerTeam team) : LogProb
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 4, Beginning = 256;

    private protected override void ForwardCore(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float inverseTemperature) =>
        team.For((logits.Rows + BlockRows - 1) / BlockRows, new Softmax(
            logprobs.Pointer, lse.Pointer, entropy.IsNone ? null : entropy.Pointer, logits.Pointer, targets.Pointer(), inverseTemperature, logits.Rows, logits.Cols));

    private protected override void BackwardCore(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float inverseTemperature) =>
        team.For((logits.Rows + BlockRows - 1) / BlockRows, new Gradient(
            dLogits.Pointer, dLogprobs.Pointer, lse.Pointer, logits.Pointer, targets.Pointer(), inverseTemperature, logits.Rows, logits.Cols));

    private readonly struct Softmax(float* logprobs, float* lse, float* entropy, float* logits, int* targets, float inverseTemperature, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                float* row = logits + ((nint)n * columns);
                int whole = columns - (columns % S.Width);

                // The maximum of a beginning is rarely exceeded later; then the sums are brought to the new one.
                float max = MathF.Max(SimdMath<S, V>.Maximum(row, Math.Min(columns, Beginning)), SimdMath<S, V>.Maximum(row + whole, columns - whole));
                max = MathF.Max(max, float.MinValue);

                // s = Σ exp(d), t = Σ d·exp(d) with d = (logit − max)/T: lse = max/T + log s, entropy = log s − t/s. A token
                // that is masked by −∞ adds 0, as d is bounded.
                V vectorMax = S.Set(max), scale = S.Set(inverseTemperature), least = S.Set(SimdMath<S, V>.LeastExponent), sums = S.Zero, moments = S.Zero;
                for (int j = 0; j < whole; j += S.Width)
                {
                    V x = S.Load(row + j);
                    if (S.AnyGreater(x, vectorMax))
                    {
                        float higher = S.Maximum(x), shift = MathF.Max((max - higher) * inverseTemperature, SimdMath<S, V>.LeastExponent);
                        V factor = S.Set(MathF.Exp(shift));
                        moments = S.Multiply(S.FusedMultiplyAdd(S.Set(shift), sums, moments), factor);
                        sums = S.Multiply(sums, factor);
                        max = higher;
                        vectorMax = S.Set(max);
                    }

                    V d = S.Max(least, S.Multiply(S.Subtract(x, vectorMax), scale)), e = SimdMath<S, V>.Exp(d);
                    sums = S.Add(sums, e);
                    moments = S.FusedMultiplyAdd(d, e, moments);
                }

                float s = S.Sum(sums), t = S.Sum(moments);
                for (int j = whole; j < columns; j++)
                {
                    float d = MathF.Max((row[j] - max) * inverseTemperature, SimdMath<S, V>.LeastExponent), e = MathF.Exp(d);
                    s += e;
                    t += d * e;
                }

                float logSum = MathF.Log(s);
                lse[n] = (max * inverseTemperature) + logSum;
                // From the maximum, not from lse: large logits must not cancel.
                logprobs[n] = ((row[targets[n]] - max) * inverseTemperature) - logSum;
                if (entropy != null) entropy[n] = logSum - (t / s);
            }
        }
    }

    private readonly struct Gradient(float* dLogits, float* dLogprobs, float* lse, float* logits, int* targets, float inverseTemperature, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                float* row = logits + ((nint)n * columns), destination = dLogits + ((nint)n * columns);
                float factor = dLogprobs[n] * inverseTemperature;
                V negative = S.Set(-factor), scale = S.Set(inverseTemperature), shift = S.Set(-lse[n]);
                int j = 0;
                for (; j <= columns - S.Width; j += S.Width)
                    S.Store(destination + j, S.Multiply(negative, SimdMath<S, V>.Exp(S.FusedMultiplyAdd(S.Load(row + j), scale, shift))));
                for (; j < columns; j++) destination[j] = -factor * MathF.Exp((row[j] * inverseTemperature) - lse[n]);
                destination[targets[n]] += factor;
            }
        }
    }
}
