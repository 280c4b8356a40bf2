using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

// The ops of a rehearsal device, whose tensors have shapes and no memory: nothing is computed, the work is counted. On a recorded
// device each stands before the op that does the work, and counts and times its calls.

/// <summary>Counts the rows of the two tables that are read, or added to.</summary>
internal sealed class EmbeddingRehearsal(ComputeDevice device, Embedding? op = null) : Embedding
{
    private protected override void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe)
    {
        using var call = device.Work.Call(nameof(Embedding), 0, y.Size + (2 * y.Length * wte.Type.Size()));
        op?.Forward(y, tokens, positions, wte, wpe);
    }

    private protected override void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions)
    {
        using var call = device.Work.Call(nameof(Embedding), 0, 5 * dY.Size);
        op?.Backward(dWte, dWpe, dY, tokens, positions);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class LayerNormRehearsal(ComputeDevice device, LayerNorm? op = null) : LayerNorm
{
    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon)
    {
        using var call = device.Work.Call(nameof(LayerNorm), 0, y.Size + x.Size);
        op?.Forward(y, mean, rstd, x, weight, bias, epsilon);
    }

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        using var call = device.Work.Call(nameof(LayerNorm), 0, (2 * dX.Size) + dY.Size + x.Size);
        op?.Backward(dX, dWeight, dBias, dY, x, mean, rstd, weight);
    }
}

/// <summary>2·N·IC·OC operations each.</summary>
internal sealed class MatMulRehearsal(ComputeDevice device, MatMul? op = null) : MatMul
{
    private protected override void ForwardCore(
        Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual, Tensor activated, ActivationKind kind)
    {
        double elements = Math.Max(y.Length, activated.Length);
        using var call = device.Work.Call(nameof(MatMul), 2.0 * elements * x.Cols, y.Size + x.Size + weight.Size + residual.Size + activated.Size);
        op?.Forward(y, x, weight, bias, layout, residual, activated, kind);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate)
    {
        using var call = device.Work.Call(nameof(MatMul), 2.0 * dY.Length * dX.Cols, ((accumulate ? 2 : 1) * dX.Size) + dY.Size + weight.Size);
        op?.BackwardInput(dX, dY, weight, layout, accumulate);
    }

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        using var call = device.Work.Call(nameof(MatMul), 2.0 * dY.Length * x.Cols, (2 * dWeight.Size) + x.Size + dY.Size);
        op?.BackwardWeight(dWeight, dBias, x, dY, layout);
    }
}

/// <summary>Of the T·(T + 1)/2 pairs of a sequence's rows, and those with the rows that it continues: two products of C forward, five backward.</summary>
internal sealed class AttentionRehearsal(ComputeDevice device, Attention? op = null) : Attention
{
    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        using var call = device.Work.Call(nameof(Attention), 4.0 * y.Cols * Pairs(layout), y.Size + qkv.Size);
        op?.Forward(y, lse, qkv, layout, heads);
    }

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        using var call = device.Work.Call(nameof(Attention), 10.0 * y.Cols * Pairs(layout), dQkv.Size + dY.Size + y.Size + qkv.Size);
        op?.Backward(dQkv, dY, y, lse, qkv, layout, heads);
    }

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
internal sealed class CachedAttentionRehearsal(ComputeDevice device, CachedAttention? op = null) : CachedAttention
{
    private protected override void ForwardCore(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        double attended = 0;
        int[] host = new int[y.Rows];
        device.Download(positions.SubView(0, y.Rows), host);
        device.Work.Waits++;
        foreach (int position in host) attended += position + 1;
        using var call = device.Work.Call(nameof(CachedAttention), 4.0 * y.Cols * attended, y.Size + qkv.Size + (2 * y.Cols * y.Type.Size() * attended));
        op?.Forward(y, keys, values, qkv, slots, positions, capacity, heads);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class ActivationRehearsal(ComputeDevice device, Activation? op = null) : Activation
{
    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind)
    {
        using var call = device.Work.Call(nameof(Activation), 0, 2 * y.Size);
        op?.Forward(y, x, kind);
    }

    private protected override void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind)
    {
        using var call = device.Work.Call(nameof(Activation), 0, 3 * x.Size);
        op?.Backward(dX, dY, x, kind);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class DropoutRehearsal(ComputeDevice device, Dropout? op = null) : Dropout
{
    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual)
    {
        using var call = device.Work.Call(nameof(Dropout), 0, y.Size + x.Size + residual.Size);
        op?.Forward(y, x, key, residual);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class ElementwiseRehearsal(ComputeDevice device, Elementwise? op = null) : Elementwise
{
    private protected override void CombineCore(Tensor y, float a, Tensor x, float b)
    {
        using var call = device.Work.Call(nameof(Elementwise), 0, ((b == 0 ? 1 : 2) * y.Size) + x.Size);
        op?.Combine(y, a, x, b);
    }

    private protected override void FillCore(Tensor y, float value)
    {
        using var call = device.Work.Call(nameof(Elementwise), 0, y.Size);
        op?.Fill(y, value);
    }

    private protected override void GatherCore(Tensor y, Tensor x, ArrayView<int> rows)
    {
        using var call = device.Work.Call(nameof(Elementwise), 0, y.Size + (y.Length * x.Type.Size()));
        op?.Gather(y, x, rows);
    }

    private protected override void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows)
    {
        using var call = device.Work.Call(nameof(Elementwise), 0, 3 * dY.Size);
        op?.ScatterAdd(dX, dY, rows);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class LogProbRehearsal(ComputeDevice device, LogProb? op = null) : LogProb
{
    private protected override void ForwardCore(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float inverseTemperature)
    {
        using var call = device.Work.Call(nameof(LogProb), 0, logits.Size);
        op?.Forward(logprobs, lse, entropy, logits, targets, 1 / inverseTemperature);
    }

    private protected override void BackwardCore(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float inverseTemperature)
    {
        using var call = device.Work.Call(nameof(LogProb), 0, logits.Size + dLogits.Size);
        op?.Backward(dLogits, dLogprobs, lse, logits, targets, 1 / inverseTemperature);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class RankingLossRehearsal(ComputeDevice device, RankingLoss? op = null) : RankingLoss
{
    private protected override void ForwardCore(Tensor statistics, Tensor dScores, Tensor scores, ArrayView<int> winners, ArrayView<int> losers, Tensor weights)
    {
        using var call = device.Work.Call(nameof(RankingLoss), 0, 2 * scores.Size);
        op?.Forward(statistics, dScores, scores, winners, losers, weights);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class PpoLossRehearsal(ComputeDevice device, PpoLoss? op = null) : PpoLoss
{
    private protected override void PolicyCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale)
    {
        using var call = device.Work.Call(nameof(PpoLoss), 0, 4 * logprobs.Size);
        op?.Policy(statistics, dLogprobs, logprobs, oldLogprobs, advantages, clipRange, scale);
    }

    private protected override void ValueCore(Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale)
    {
        using var call = device.Work.Call(nameof(PpoLoss), 0, 4 * values.Size);
        op?.Value(statistics, dValues, values, oldValues, returns, clipRange, scale);
    }

    private protected override void KlCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights)
    {
        using var call = device.Work.Call(nameof(PpoLoss), 0, 5 * logprobs.Size);
        op?.Kl(statistics, dLogprobs, logprobs, refLogprobs, weights);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class NormRehearsal(ComputeDevice device, Norm? op = null) : Norm
{
    private protected override void SumOfSquaresCore(Tensor partials, Tensor x)
    {
        using var call = device.Work.Call(nameof(Norm), 0, x.Size);
        op?.SumOfSquares(partials, x);
    }
}

/// <summary>Counts the elements that are read and written.</summary>
internal sealed class AdamWRehearsal(ComputeDevice device, AdamW? op = null) : AdamW
{
    private protected override void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, Tensor copy, in AdamWStep step)
    {
        using var call = device.Work.Call(nameof(AdamW), 0, (2 * (weights.Size + firstMoments.Size + secondMoments.Size)) + gradients.Size + copy.Size);
        op?.Step(weights, gradients, firstMoments, secondMoments, step, copy);
    }
}

/// <summary>Counts the logits, and samples nothing: what the tokens were before.</summary>
internal sealed class SamplingRehearsal(ComputeDevice device, Sampling? op = null) : Sampling
{
    private protected override void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings)
    {
        using var call = device.Work.Call(nameof(Sampling), 0, logits.Size);
        op?.Forward(tokens, logits, streams, positions, settings);
    }
}
