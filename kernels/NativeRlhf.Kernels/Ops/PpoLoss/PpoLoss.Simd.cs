using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>A few thousand tokens: one thread, sums in double.</summary>
internal sealed unsafe class PpoLossSimd<S, V>(WorkerTeam team) : PpoLoss
    where S : struct, ISimd<V>
    where V : struct
{
    private protected override void PolicyCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale) =>
        team.For(1, new PolicyBody(
            statistics.Pointer, dLogprobs.Pointer, logprobs.Pointer, oldLogprobs.Pointer, advantages.Pointer, clipRange, scale, (int)logprobs.Length));

    private protected override void ValueCore(Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale) =>
        team.For(1, new ValueBody(
            statistics.Pointer, dValues.Pointer, values.Pointer, oldValues.Pointer, returns.Pointer, clipRange, scale, (int)values.Length));

    private protected override void KlCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights) =>
        team.For(1, new KlBody(statistics.Pointer, dLogprobs.Pointer, logprobs.Pointer, refLogprobs.Pointer, weights.Pointer, (int)logprobs.Length));

    private readonly struct PolicyBody(
        float* statistics, float* dLogprobs, float* logprobs, float* oldLogprobs, float* advantages, float clipRange, float scale, int count) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            double loss = 0, kl = 0, ratios = 0;
            int clipped = 0;
            float largest = statistics[4];
            for (int i = 0; i < count; i++)
            {
                float difference = logprobs[i] - oldLogprobs[i], ratio = MathF.Exp(difference), a = advantages[i];
                float plain = -a * ratio, bounded = -a * Math.Clamp(ratio, 1 - clipRange, 1 + clipRange);
                bool isClipped = bounded > plain;
                dLogprobs[i] = isClipped ? 0 : scale * plain;
                loss += Math.Max(plain, bounded);
                if (isClipped) clipped++;
                kl += 0.5 * difference * difference;
                ratios += ratio;
                largest = MathF.Max(largest, MathF.Abs(ratio - 1));
            }

            statistics[0] += (float)loss;
            statistics[1] += clipped;
            statistics[2] += (float)kl;
            statistics[3] += (float)ratios;
            statistics[4] = largest;
        }
    }

    private readonly struct ValueBody(
        float* statistics, float* dValues, float* values, float* oldValues, float* returns, float clipRange, float scale, int count) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            double loss = 0, sum = 0;
            int clipped = 0;
            for (int i = 0; i < count; i++)
            {
                float v = values[i], r = returns[i], bounded = Math.Clamp(v, oldValues[i] - clipRange, oldValues[i] + clipRange);
                float plainLoss = (v - r) * (v - r), boundedLoss = (bounded - r) * (bounded - r);
                bool isClipped = boundedLoss > plainLoss;
                dValues[i] = isClipped ? 0 : scale * (v - r);
                loss += 0.5 * Math.Max(plainLoss, boundedLoss);
                if (isClipped) clipped++;
                sum += v;
            }

            statistics[0] += (float)loss;
            statistics[1] += clipped;
            statistics[2] += (float)sum;
        }
    }

    private readonly struct KlBody(float* statistics, float* dLogprobs, float* logprobs, float* refLogprobs, float* weights, int count) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            double loss = 0;
            for (int i = 0; i < count; i++)
            {
                float d = logprobs[i] - refLogprobs[i], inverse = MathF.Exp(-d);
                dLogprobs[i] += weights[i] * (1 - inverse);
                loss += weights[i] * (inverse - 1 + d);
            }

            statistics[0] += (float)loss;
        }
    }
}
