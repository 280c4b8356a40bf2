using System.Runtime.CompilerServices;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One row an item: probabilities into scratch memory, thresholds by sorting a copy, then inversion.</summary>
internal sealed unsafe class SamplingSimd<S, V>(WorkerTeam team) : Sampling
    where S : struct, ISimd<V>
    where V : struct
{
    private protected override void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings) =>
        team.For(logits.Rows, new Draw(team, tokens.Pointer(), logits.Pointer, streams.Pointer(), positions.Pointer(), settings, logits.Cols));

    private readonly struct Draw(WorkerTeam team, int* tokens, float* logits, int* streams, int* positions, SamplingSettings settings, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            float* row = logits + ((nint)index * columns);
            float max = SimdMath<S, V>.Maximum(row, columns);
            if (settings.Temperature == 0)
            {
                tokens[index] = new ReadOnlySpan<float>(row, columns).IndexOf(max);
                return;
            }

            float* p = team.Scratch(worker, 2 * columns);
            float inverseTemperature = 1 / settings.Temperature;
            V shift = S.Set(max), scale = S.Set(inverseTemperature);
            int j = 0;
            for (; j <= columns - S.Width; j += S.Width)
                S.Store(p + j, SimdMath<S, V>.Exp(S.Multiply(S.Subtract(S.Load(row + j), shift), scale)));
            for (; j < columns; j++) p[j] = MathF.Exp((row[j] - max) * inverseTemperature);

            float threshold = Threshold(new Span<float>(p, columns), new Span<float>(p + columns, columns));
            double total = 0;
            for (j = 0; j < columns; j++) total += p[j] >= threshold ? p[j] : 0;

            var words = Philox.At(settings.Seed, RandomPurpose.Sampling, (uint)streams[index], (ulong)positions[index]);
            double target = Philox.ToUniform(words.X) * total, cumulative = 0;
            int last = 0;
            for (j = 0; j < columns; j++)
            {
                if (p[j] < threshold) continue;
                last = j;
                cumulative += p[j];
                if (cumulative > target) break;
            }

            tokens[index] = last;
        }

        /// <summary>The smallest (unnormalised) probability that top-k and top-p leave.</summary>
        private float Threshold(Span<float> p, Span<float> sorted)
        {
            bool restrictsCount = settings.TopK > 0 && settings.TopK < p.Length;
            if (!restrictsCount && settings.TopP >= 1) return 0;
            p.CopyTo(sorted);
            sorted.Sort();
            float threshold = restrictsCount ? sorted[^settings.TopK] : 0;
            if (settings.TopP >= 1) return threshold;

            double total = 0;
            for (int i = sorted.Length - 1; i >= 0 && sorted[i] >= threshold; i--) total += sorted[i];
            double mass = 0;
            for (int i = sorted.Length - 1; i >= 0 && sorted[i] >= threshold; i--)
            {
                mass += sorted[i];
                if (mass >= settings.TopP * total) return sorted[i];
            }

            return threshold;
        }
    }
}
