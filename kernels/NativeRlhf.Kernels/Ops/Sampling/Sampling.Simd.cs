using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One row an item: probabilities into scratch memory, thresholds by searching the bits of a float, then inversion by blocks.
/// Sums have 16 lanes whatever the width, so that every width draws the same tokens.
/// </summary>
internal sealed unsafe class SamplingSimd<S, V>(WorkerTeam team) : Sampling
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Block = 256;

    // What the exponential gives for all that is further below the maximum than 87.3 · T counts as zero, which it is for a logit of −∞.
    private const float LeastProbability = 1.3e-38f;

    private protected override void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings) =>
        team.For(logits.Rows, new Draw(team, tokens.Pointer(), logits.Pointer, streams.Pointer(), positions.Pointer(), settings, logits.Cols));

    private readonly struct Draw(WorkerTeam team, int* tokens, float* logits, int* streams, int* positions, SamplingSettings settings, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            float* row = logits + ((nint)index * columns);
            float max = Maximum(row, columns);
            if (!float.IsFinite(max))
            {
                tokens[index] = -1;
                return;
            }

            if (settings.Temperature == 0)
            {
                tokens[index] = new ReadOnlySpan<float>(row, columns).IndexOf(max);
                return;
            }

            // Unnormalised probabilities, in blocks whose sums come after them. Padding counts for nothing, as it lies below the threshold.
            int blocks = (columns + Block - 1) / Block, padded = blocks * Block;
            float* p = team.Scratch(worker, padded + (2 * blocks));
            double* sums = (double*)(p + padded);
            float inverseTemperature = settings.InverseTemperature;
            V shift = S.Set(max), scale = S.Set(inverseTemperature);
            int j = 0;
            for (; j <= columns - S.Width; j += S.Width)
                S.Store(p + j, SimdMath<S, V>.Exp(S.Multiply(S.Subtract(S.Load(row + j), shift), scale)));
            for (; j < columns; j++) p[j] = SimdMath<Scalar, float>.Exp((row[j] - max) * inverseTemperature);
            new Span<float>(p + columns, padded - columns).Clear();

            float threshold = LeastProbability;
            if (settings.TopK > 0 && settings.TopK < columns) threshold = Search(p, padded, threshold, settings.TopK, byMass: false);
            if (settings.TopP < 1)
            {
                float mass = Above(p, padded, Vector128.Create(threshold), byMass: true)[0];
                threshold = Search(p, padded, threshold, settings.TopP * mass, byMass: true);
            }

            double total = 0;
            for (int b = 0; b < blocks; b++) total += sums[b] = BlockSum(p + (b * Block), threshold);

            var words = Philox.At(settings.Seed, RandomPurpose.Sampling, (uint)streams[index], (ulong)positions[index]);
            double target = Philox.ToUniform(words.X) * total, cumulative = 0;
            int found = 0;
            while (found < blocks - 1 && cumulative + sums[found] <= target) cumulative += sums[found++];

            // The block's sum was added in another order: rounding may leave the target just beyond its last allowed token, which then is meant.
            int token = 0;
            for (j = found * Block; j < (found + 1) * Block && cumulative <= target; j++)
            {
                if (p[j] < threshold) continue;
                token = j;
                cumulative += p[j];
            }

            tokens[index] = token;
        }

        /// <summary>The largest logit; +∞ where one is NaN, which a maximum of vectors would lose.</summary>
        private static float Maximum(float* row, int columns)
        {
            V infinity = S.Set(float.PositiveInfinity), most = S.Set(float.NegativeInfinity);
            int j = 0;
            for (; j <= columns - S.Width; j += S.Width)
            {
                V x = S.Load(row + j);
                most = S.Max(most, S.SelectGreater(infinity, x, x, infinity));
            }

            float max = S.Maximum(most);
            for (; j < columns; j++) max = row[j] < float.PositiveInfinity ? MathF.Max(max, row[j]) : float.PositiveInfinity;
            return max;
        }

        /// <summary>The sum of the probabilities in a block that are at least as large as the threshold.</summary>
        private static double BlockSum(float* p, float threshold)
        {
            Vector512<double> lower = Vector512<double>.Zero, upper = lower;
            for (int j = 0; j < Block; j += 16)
            {
                var x = Vector512.Load(p + j);
                var allowed = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, Vector512.Create(threshold)), x, Vector512<float>.Zero);
                lower += Vector512.WidenLower(allowed);
                upper += Vector512.WidenUpper(allowed);
            }

            return Vector512.Sum(lower + upper);
        }

        /// <summary>
        /// The largest threshold, from <paramref name="least"/> on, that leaves enough tokens or enough mass. Positive floats are
        /// ordered as their bits are; four probes at a time, so that each pass leaves a fifth of the range.
        /// </summary>
        private static float Search(float* p, int count, float least, float enough, bool byMass)
        {
            uint low = BitConverter.SingleToUInt32Bits(least), high = BitConverter.SingleToUInt32Bits(1);
            while (low < high)
            {
                uint range = high - low, step = (range + 4) / 5;
                var probes = Vector128.Create(low) + Vector128.Min(Vector128.Create(range), Vector128.Create(step, 2 * step, 3 * step, 4 * step));
                var left = Above(p, count, probes.AsSingle(), byMass);
                for (int i = 3; i >= 0; i--)
                {
                    if (left[i] >= enough)
                    {
                        low = probes[i];
                        break;
                    }

                    high = probes[i] - 1;
                }
            }

            return BitConverter.UInt32BitsToSingle(low);
        }

        /// <summary>For each of four thresholds, how many probabilities are at least as large, or their mass.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static Vector128<float> Above(float* p, int count, Vector128<float> thresholds, bool byMass)
        {
            Vector512<float> t0 = Vector512.Create(thresholds[0]), t1 = Vector512.Create(thresholds[1]), t2 = Vector512.Create(thresholds[2]), t3 = Vector512.Create(thresholds[3]);
            Vector512<float> s0 = Vector512<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
            for (int j = 0; j < count; j += 16)
            {
                Vector512<float> x = Vector512.Load(p + j), weight = byMass ? x : Vector512<float>.One;
                s0 += Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, t0), weight, Vector512<float>.Zero);
                s1 += Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, t1), weight, Vector512<float>.Zero);
                s2 += Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, t2), weight, Vector512<float>.Zero);
                s3 += Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, t3), weight, Vector512<float>.Zero);
            }

            return Vector128.Create(Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3));
        }
    }
}
