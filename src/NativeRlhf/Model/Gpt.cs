using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>Residual dropout of one training pass.</summary>
/// <param name="Probability">The probability that an element is dropped, in [0, 1); 0 for none.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The training step.</param>
/// <param name="FirstRow">
/// The place of this micro-batch's first row in the whole batch, so that masks do not depend on how it is cut.
/// </param>
public readonly record struct ResidualDropout(float Probability, ulong Seed, uint Step, uint FirstRow);

/// <summary>
/// GPT-2 (Radford et al. 2019): token and position embedding; L layers of x += proj(attention(ln_1 x)) and
/// x += proj(f(fc(ln_2 x))); a final norm. <see cref="Forward"/> gives the last hidden state, from which a head computes
/// a loss and its gradient; <see cref="Backward"/> is the forward pass in mirror order.
/// </summary>
public sealed class Gpt : IDisposable
{
    private readonly KernelSet _kernels;

    /// <summary>A model with all weights zero.</summary>
    /// <param name="device">The device that it lives on.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="hasScore">Whether it has the scalar head of a reward or value model.</param>
    public Gpt(ComputeDevice device, GptConfig config, bool hasScore = false)
    {
        Device = device;
        Config = config;
        Weights = new GptParameters(device, config, hasScore);
        _kernels = device.Kernels;
    }

    /// <summary>The device that the model lives on.</summary>
    public ComputeDevice Device { get; }

    /// <summary>The model's shape.</summary>
    public GptConfig Config { get; }

    /// <summary>The weights.</summary>
    public GptParameters Weights { get; }

    /// <summary>The last hidden state of every token of the batch.</summary>
    /// <param name="batch">N packed tokens.</param>
    /// <param name="activations">Receives what backward needs.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>hidden (N, C), after the final norm; part of <paramref name="activations"/>.</returns>
    /// <exception cref="ArgumentException">The batch is longer than the activations were planned for, or than the model's positions.</exception>
    public Tensor Forward(PackedBatch batch, GptActivations activations, ResidualDropout dropout = default)
    {
        int n = batch.Rows;
        if (n > activations.Capacity) throw new ArgumentException($"a batch of {n} tokens does not fit into activations for {activations.Capacity}");
        if (batch.Layout.MaxLength > Config.Positions) throw new ArgumentException($"a sequence of {batch.Layout.MaxLength} tokens is longer than the model's {Config.Positions} positions");
        var w = Weights;

        Tensor x = activations.Embedded.Slice(0, n);
        _kernels.Embedding.Forward(x, batch.Tokens.View, batch.Layout.Positions.View, w.TokenEmbedding, w.PositionEmbedding);
        if (dropout.Probability > 0) _kernels.Dropout.Forward(x, x, Key(dropout, 0));

        for (int l = 0; l < Config.Layers; l++)
        {
            var p = w.Layers[l];
            var a = activations.Layers[l].Rows(n);
            LayerInterior(l, a, x, batch.Layout, dropout);
            AddProjection(a.Residual, a.Activated, p.OuterWeight, p.OuterBias, a.Middle, dropout, (2 * l) + 2);
            x = a.Residual;
        }

        Tensor final = activations.Final.Slice(0, n);
        _kernels.LayerNorm.Forward(final, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), x, w.FinalWeight, w.FinalBias, Config.LayerNormEpsilon);
        return final;
    }

    /// <summary>A layer but for its last projection: x += proj(attention(ln_1 x)), then f(fc(ln_2 x)), which x += proj(·) is to follow.</summary>
    private void LayerInterior(int layer, in LayerActivations a, Tensor x, SequenceLayout layout, ResidualDropout dropout)
    {
        var p = Weights.Layers[layer];
        _kernels.LayerNorm.Forward(a.Ln1, a.Mean1, a.Rstd1, x, p.Ln1Weight, p.Ln1Bias, Config.LayerNormEpsilon);
        _kernels.MatMul.Forward(a.Qkv, a.Ln1, p.AttentionWeight, p.AttentionBias);
        _kernels.Attention.Forward(a.Mixed, a.Lse, a.Qkv, layout, Config.Heads);
        AddProjection(a.Middle, a.Mixed, p.ProjectionWeight, p.ProjectionBias, x, dropout, (2 * layer) + 1);

        _kernels.LayerNorm.Forward(a.Ln2, a.Mean2, a.Rstd2, a.Middle, p.Ln2Weight, p.Ln2Bias, Config.LayerNormEpsilon);
        _kernels.MatMul.Forward(a.Inner, a.Ln2, p.InnerWeight, p.InnerBias);
        _kernels.Activation.Forward(a.Activated, a.Inner, Config.Activation);
    }

    /// <summary>Adds the gradient of every weight, given the gradient of the last hidden state.</summary>
    /// <param name="gradients">Gradients in the layout of the weights; +=.</param>
    /// <param name="batch">The batch of the forward pass.</param>
    /// <param name="activations">What the forward pass left.</param>
    /// <param name="dHidden">dHidden (N, C): the gradient of the last hidden state.</param>
    /// <param name="dropout">The dropout of the forward pass.</param>
    public void Backward(GptParameters gradients, PackedBatch batch, GptActivations activations, Tensor dHidden, ResidualDropout dropout = default)
    {
        if (!activations.ForBackward) throw new ArgumentException("these activations were planned without a backward pass");
        int n = batch.Rows;
        var w = Weights;
        Tensor dX = activations.DResidual.Slice(0, n), dNarrow = activations.DNarrow.Slice(0, n);
        Tensor dQkv = activations.DQkv.Slice(0, n), dInner = activations.DInner.Slice(0, n);

        Tensor x = InputOf(Config.Layers);
        _kernels.Elementwise.Fill(dX, 0);
        _kernels.LayerNorm.Backward(dX, gradients.FinalWeight, gradients.FinalBias, dHidden, x, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), w.FinalWeight);

        for (int l = Config.Layers - 1; l >= 0; l--)
        {
            var p = w.Layers[l];
            var g = gradients.Layers[l];
            var a = activations.Layers[l].Rows(n);
            x = InputOf(l);
            // Of the layers that share their memory, the last one's activations are still there.
            if (activations.Recompute && l < Config.Layers - 1) LayerInterior(l, a, x, batch.Layout, dropout);

            // x += proj(f(fc(ln_2 x))), backwards
            Tensor dProjected = ProjectionGradient(dX, dNarrow, dropout, (2 * l) + 2);
            _kernels.MatMul.BackwardInput(dInner, dProjected, p.OuterWeight);
            _kernels.MatMul.BackwardWeight(g.OuterWeight, g.OuterBias, a.Activated, dProjected);
            _kernels.Activation.Backward(dInner, dInner, a.Inner, Config.Activation);
            _kernels.MatMul.BackwardInput(dNarrow, dInner, p.InnerWeight);
            _kernels.MatMul.BackwardWeight(g.InnerWeight, g.InnerBias, a.Ln2, dInner);
            _kernels.LayerNorm.Backward(dX, g.Ln2Weight, g.Ln2Bias, dNarrow, a.Middle, a.Mean2, a.Rstd2, p.Ln2Weight);

            // x += proj(attention(ln_1 x)), backwards
            dProjected = ProjectionGradient(dX, dNarrow, dropout, (2 * l) + 1);
            _kernels.MatMul.BackwardWeight(g.ProjectionWeight, g.ProjectionBias, a.Mixed, dProjected);
            Tensor dMixed = a.Ln2; // its content is spent, its shape is right
            _kernels.MatMul.BackwardInput(dMixed, dProjected, p.ProjectionWeight);
            _kernels.Attention.Backward(dQkv, dMixed, a.Mixed, a.Lse, a.Qkv, batch.Layout, Config.Heads);
            _kernels.MatMul.BackwardInput(dNarrow, dQkv, p.AttentionWeight);
            _kernels.MatMul.BackwardWeight(g.AttentionWeight, g.AttentionBias, a.Ln1, dQkv);
            _kernels.LayerNorm.Backward(dX, g.Ln1Weight, g.Ln1Bias, dNarrow, x, a.Mean1, a.Rstd1, p.Ln1Weight);
        }

        if (dropout.Probability > 0) _kernels.Dropout.Backward(dX, dX, Key(dropout, 0));
        _kernels.Embedding.Backward(gradients.TokenEmbedding, gradients.PositionEmbedding, dX, batch.Tokens.View, batch.Layout.Positions.View);

        Tensor InputOf(int layer) => layer == 0 ? activations.Embedded.Slice(0, n) : activations.Layers[layer - 1].Residual.Slice(0, n);
    }

    /// <summary>The last hidden state of new rows of sequences whose earlier rows are in a cache.</summary>
    /// <param name="cache">The cache; the rows' keys and values are added to it.</param>
    /// <param name="rows">Tokens, slots and positions of the R rows.</param>
    /// <param name="activations">Memory for R rows.</param>
    /// <returns>hidden (R, C), after the final norm; part of <paramref name="activations"/>.</returns>
    public Tensor Decode(KvCache cache, DecodeRows rows, GptActivations activations)
    {
        int n = rows.Count;
        if (n > activations.Capacity) throw new ArgumentException($"{n} rows do not fit into activations for {activations.Capacity}");
        var w = Weights;

        Tensor x = activations.Embedded.Slice(0, n);
        _kernels.Embedding.Forward(x, rows.Tokens.View, rows.Positions.View, w.TokenEmbedding, w.PositionEmbedding);
        for (int l = 0; l < Config.Layers; l++)
        {
            var p = w.Layers[l];
            var a = activations.Layers[l].Rows(n);
            _kernels.LayerNorm.Forward(a.Ln1, a.Mean1, a.Rstd1, x, p.Ln1Weight, p.Ln1Bias, Config.LayerNormEpsilon);
            _kernels.MatMul.Forward(a.Qkv, a.Ln1, p.AttentionWeight, p.AttentionBias);
            _kernels.CachedAttention.Forward(a.Mixed, cache.Keys(l), cache.Values(l), a.Qkv, rows.Slots.View, rows.Positions.View, cache.Capacity, Config.Heads);
            _kernels.MatMul.Forward(a.Middle, a.Mixed, p.ProjectionWeight, p.ProjectionBias, residual: x);
            _kernels.LayerNorm.Forward(a.Ln2, a.Mean2, a.Rstd2, a.Middle, p.Ln2Weight, p.Ln2Bias, Config.LayerNormEpsilon);
            _kernels.MatMul.Forward(a.Inner, a.Ln2, p.InnerWeight, p.InnerBias);
            _kernels.Activation.Forward(a.Activated, a.Inner, Config.Activation);
            _kernels.MatMul.Forward(a.Residual, a.Activated, p.OuterWeight, p.OuterBias, residual: a.Middle);
            x = a.Residual;
        }

        Tensor final = activations.Final.Slice(0, n);
        _kernels.LayerNorm.Forward(final, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), x, w.FinalWeight, w.FinalBias, Config.LayerNormEpsilon);
        return final;
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();

    /// <summary>y = residual + dropout(x·W + b).</summary>
    private void AddProjection(Tensor y, Tensor x, Tensor weight, Tensor bias, Tensor residual, ResidualDropout dropout, int place)
    {
        if (dropout.Probability > 0)
        {
            _kernels.MatMul.Forward(y, x, weight, bias);
            _kernels.Dropout.Forward(y, y, Key(dropout, place), residual);
        }
        else
        {
            _kernels.MatMul.Forward(y, x, weight, bias, residual: residual);
        }
    }

    /// <summary>The gradient that reaches a projection through its dropout.</summary>
    private Tensor ProjectionGradient(Tensor dX, Tensor buffer, ResidualDropout dropout, int place)
    {
        if (dropout.Probability <= 0) return dX;
        _kernels.Dropout.Backward(buffer, dX, Key(dropout, place));
        return buffer;
    }

    private static Kernels.Ops.DropoutKey Key(ResidualDropout dropout, int place) =>
        new(dropout.Seed, (uint)place, dropout.Step, dropout.FirstRow, dropout.Probability);
}
