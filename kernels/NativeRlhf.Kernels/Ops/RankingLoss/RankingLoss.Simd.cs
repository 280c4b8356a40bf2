using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>A few hundred pairs: one thread, sums in double.</summary>
internal sealed unsafe class RankingLossSimd<S, V>(WorkerTeam team) : RankingLoss
    where S : struct, ISimd<V>
    where V : struct
{
    private protected override void ForwardCore(Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights) =>
        team.For(1, new Pairs(
            statistics.Pointer, dScores.Pointer, scores.Pointer, winners.Pointer(), losers.Pointer(), weights.Pointer, (int)scores.Length, (int)weights.Length));

    private readonly struct Pairs(float* statistics, float* dScores, float* scores, int* winners, int* losers, float* weights, int answers, int pairs) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            new Span<float>(dScores, answers).Clear();
            double loss = 0, correct = 0, margin = 0;
            for (int p = 0; p < pairs; p++)
            {
                double d = (double)scores[winners[p]] - scores[losers[p]];
                // softplus(−d) = max(−d, 0) + log(1 + exp(−|d|)); its derivative is −σ(−d).
                double e = Math.Exp(-Math.Abs(d));
                loss += weights[p] * (Math.Max(-d, 0) + Math.Log(1 + e));
                float slope = (float)(weights[p] * (d >= 0 ? e : 1) / (1 + e));
                dScores[winners[p]] -= slope;
                dScores[losers[p]] += slope;
                correct += d > 0 ? 1 : d == 0 ? 0.5 : 0;
                margin += d;
            }

            statistics[0] = (float)loss;
            statistics[1] = (float)correct;
            statistics[2] = (float)margin;
            statistics[3] = pairs;
        }
    }
}
