using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

// The ops of a rehearsal device, whose tensors have shapes and no memory: nothing is computed, the work is counted.

/// <summary>Counts the rows of the two tables that are read, or added to.</summary>
internal sealed class EmbeddingRehearsal(WorkTally work) : Embedding
{
    private protected override void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe) => work.Add(0, 3 * y.Length);

    private protected override void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions) => work.Add(0, 5 * dY.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class LayerNormRehearsal(WorkTally work) : LayerNorm
{
    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon) => work.Add(0, 2 * y.Length);

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight) => work.Add(0, 4 * dX.Length);
}

/// <summary>2·N·IC·OC operations each.</summary>
internal sealed class MatMulRehearsal(WorkTally work) : MatMul
{
    private protected override void ForwardCore(Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual) =>
        work.Add(2.0 * y.Length * x.Cols, y.Length + x.Length + weight.Length + residual.Length);

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate) =>
        work.Add(2.0 * dY.Length * dX.Cols, ((accumulate ? 2 : 1) * dX.Length) + dY.Length + weight.Length);

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout) =>
        work.Add(2.0 * dY.Length * x.Cols, (2 * dWeight.Length) + x.Length + dY.Length);
}

/// <summary>Of the T·(T + 1)/2 pairs of a sequence's rows, and those with the rows that it continues: two products of C forward, five backward.</summary>
internal sealed class AttentionRehearsal(WorkTally work) : Attention
{
    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads) =>
        work.Add(4.0 * y.Cols * Pairs(layout), y.Length + qkv.Length);

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads) =>
        work.Add(10.0 * y.Cols * Pairs(layout), dQkv.Length + dY.Length + y.Length + qkv.Length);

    private static double Pairs(SequenceLayout layout)
    {
        double pairs = 0;
        ReadOnlySpan<int> offsets = layout.Offsets.Host, prefixes = layout.Prefixes.Host;
        for (int s = 0; s + 1 < offsets.Length; s++)
        {
            double length = offsets[s + 1] - offsets[s];
            int prefix = prefixes[s];
            pairs += (length * (length + 1) / 2) + (prefix == s ? 0 : length * (offsets[prefix + 1] - offsets[prefix]));
        }

        return pairs;
    }
}

/// <summary>Two products of C for every position that a row attends to; keys and values are read once a row.</summary>
internal sealed class CachedAttentionRehearsal(WorkTally work) : CachedAttention
{
    private protected override unsafe void ForwardCore(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        double attended = 0;
        foreach (int position in new ReadOnlySpan<int>(positions.Pointer(), y.Rows)) attended += position + 1;
        work.Add(4.0 * y.Cols * attended, y.Length + qkv.Length + (2 * y.Cols * attended));
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class ActivationRehearsal(WorkTally work) : Activation
{
    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind) => work.Add(0, 2 * y.Length);

    private protected override void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind) => work.Add(0, 3 * x.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class DropoutRehearsal(WorkTally work) : Dropout
{
    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual) => work.Add(0, (2 * y.Length) + residual.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class ElementwiseRehearsal(WorkTally work) : Elementwise
{
    private protected override void CombineCore(Tensor y, float a, Tensor x, float b) => work.Add(0, (b == 0 ? 2 : 3) * y.Length);

    private protected override void FillCore(Tensor y, float value) => work.Add(0, y.Length);

    private protected override void GatherCore(Tensor y, Tensor x, ArrayView<int> rows) => work.Add(0, 2 * y.Length);

    private protected override void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows) => work.Add(0, 3 * dY.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class LogProbRehearsal(WorkTally work) : LogProb
{
    private protected override void ForwardCore(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float inverseTemperature) => work.Add(0, logits.Length);

    private protected override void BackwardCore(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float inverseTemperature) => work.Add(0, 2 * logits.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class RankingLossRehearsal(WorkTally work) : RankingLoss
{
    private protected override void ForwardCore(Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights) => work.Add(0, 2 * scores.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class PpoLossRehearsal(WorkTally work) : PpoLoss
{
    private protected override void PolicyCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale) => work.Add(0, 4 * logprobs.Length);

    private protected override void ValueCore(Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale) => work.Add(0, 4 * values.Length);

    private protected override void KlCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights) => work.Add(0, 5 * logprobs.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class NormRehearsal(WorkTally work) : Norm
{
    private protected override void SumOfSquaresCore(Tensor partials, Tensor x) => work.Add(0, x.Length);
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class AdamWRehearsal(WorkTally work) : AdamW
{
    private protected override void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, Tensor copy, in AdamWStep step) => work.Add(0, 7 * weights.Length);
}

/// <summary>Counts the logits, and samples nothing: what the tokens were before.</summary>
internal sealed class SamplingRehearsal(WorkTally work) : Sampling
{
    private protected override void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings) => work.Add(0, logits.Length);
}
