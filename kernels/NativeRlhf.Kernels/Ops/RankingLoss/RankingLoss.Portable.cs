using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Statistics by one group over the pairs. The gradient by one thread for each score, which looks at all pairs and adds
/// those that it is part of in order: answers times pairs of a batch are few, and nothing collides.
/// </summary>
internal sealed class RankingLossPortable(ComputeDevice device) : RankingLoss
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<float>> _statistics =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<float>>(StatisticsKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<float>> _gradient =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, ArrayView<float>>(GradientKernel);

    private protected override void ForwardCore(
        Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights)
    {
        _statistics(_size.Groups(1), statistics.View, scores.View, winners, losers, weights.View);
        if (scores.Length > 0) _gradient(_size.Elements(scores.Length), dScores.View, scores.View, winners, losers, weights.View);
    }

    [Kernel(Grouping.Explicit)]
    private static void StatisticsKernel(
        ArrayView<float> statistics, ArrayView<float> scores, ArrayView<int> winners, ArrayView<int> losers, ArrayView<float> weights)
    {
        var shared = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        float loss = 0, correct = 0, margin = 0;
        for (long p = Group.IdxX; p < weights.Length; p += Group.DimX)
        {
            float difference = scores[winners[p]] - scores[losers[p]];
            loss += weights[p] * KernelMath.Softplus(-difference);
            correct += difference > 0 ? 1 : difference == 0 ? 0.5f : 0;
            margin += difference;
        }

        var sums = GroupReduce.Sum(shared, new Float4(loss, correct, margin, 0));
        if (Group.IdxX == 0)
        {
            statistics[0] = sums.X;
            statistics[1] = sums.Y;
            statistics[2] = sums.Z;
            statistics[3] = weights.Length;
        }
    }

    /// <summary>dL/dscores[winner] = −weight·σ(−d), dL/dscores[loser] = weight·σ(−d).</summary>
    [Kernel(Grouping.Explicit)]
    private static void GradientKernel(
        ArrayView<float> dScores, ArrayView<float> scores, ArrayView<int> winners, ArrayView<int> losers, ArrayView<float> weights)
    {
        for (long i = ElementLoop.First; i < scores.Length; i += ElementLoop.Step)
        {
            float sum = 0;
            for (long p = 0; p < weights.Length; p++)
            {
                int winner = winners[p], loser = losers[p];
                if (winner == i || loser == i)
                {
                    float gradient = weights[p] * KernelMath.Sigmoid(scores[loser] - scores[winner]);
                    if (winner == i) sum -= gradient;
                    if (loser == i) sum += gradient;
                }
            }

            dScores[i] = sum;
        }
    }
}
