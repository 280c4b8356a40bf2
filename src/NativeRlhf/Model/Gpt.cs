using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

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
    private readonly bool _ownsWeights = true;
    private IReadOnlyList<LayerParameters> _layers;

    /// <summary>A model with all weights zero.</summary>
    /// <param name="device">The device that it lives on.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="hasScore">Whether it has the scalar head of a reward or value model.</param>
    /// <exception cref="InputException">The configuration asks for a precision that the device's kernels do not have.</exception>
    public Gpt(ComputeDevice device, GptConfig config, bool hasScore = false)
    {
        if (config.Precision != ModelPrecision.Float32 && !device.Kernels.HasBFloat16)
            throw new InputException($"precision: bfloat16 is not available on this device ({device.Name}; {string.Join(", ", device.Kernels.Chosen.Values.Distinct())}); use float32, a GPU, or --variant '*=portable' to try it");
        Device = device;
        Config = config;
        Weights = new GptParameters(device, config, hasScore);
        _layers = Weights.Layers;
        _kernels = device.Kernels;
    }

    private Gpt(Gpt other)
    {
        (Device, Config, Source, Weights, _kernels) = (other.Device, other.Config, other.Source, other.Weights, other._kernels);
        _layers = Weights.Layers;
        _ownsWeights = false;
    }

    /// <summary>The device that the model lives on.</summary>
    public ComputeDevice Device { get; }

    /// <summary>The model's shape.</summary>
    public GptConfig Config { get; }

    /// <summary>Where the weights came from, as <c>base_model_name_or_path</c> of an adapter's files; or null.</summary>
    public string? Source { get; init; }

    /// <summary>The weights; the frozen base where there is an adapter.</summary>
    public GptParameters Weights { get; }

    /// <summary>The adapter, or null.</summary>
    public Adapter? Adapter { get; private set; }

    /// <summary>The rank of the adapter; 0 without one.</summary>
    public int AdapterRank => Adapter?.Settings.Rank ?? 0;

    /// <summary>What training changes: the adapter's parameters, or all weights where there is none.</summary>
    public GptParameters Trainable => Adapter?.Weights ?? Weights;

    /// <summary>score.weight (1, C) of a reward or value model, the adapter's before the base's; or none.</summary>
    public Tensor Score => Adapter is { Weights.HasScore: true } adapter ? adapter.Weights.Score : Weights.Score;

    /// <summary>Whether there is a scalar head.</summary>
    public bool HasScore => !Score.IsNone;

    /// <summary>Gives the model an adapter, which is disposed with it.</summary>
    /// <param name="adapter">An adapter for models of this shape.</param>
    /// <exception cref="InvalidOperationException">The model has one already.</exception>
    public void Attach(Adapter adapter)
    {
        if (Adapter is not null) throw new InvalidOperationException("the model has an adapter already");
        Adapter = adapter;
        _layers = [.. Weights.Layers.Zip(adapter.Weights.Layers, (layer, factors) => layer.With(factors))];
    }

    /// <summary>
    /// A model over the same weights, which stay this model's, to outlive it: as this one is now, whatever adapter it is given
    /// or its adapter becomes. It is the reference of a policy that trains an adapter, and costs no second copy of the weights.
    /// </summary>
    /// <param name="withScore">Whether a copied adapter has a scalar head even if this one has none: a new one, all zeros.</param>
    /// <returns>A model with a copy of the adapter, if there is one.</returns>
    public Gpt Snapshot(bool withScore = false)
    {
        var copy = new Gpt(this);
        if (Adapter is not null) copy.Attach(Adapter.Clone(withScore));
        return copy;
    }

    /// <summary>The last hidden state of every token of the batch.</summary>
    /// <param name="batch">N packed tokens.</param>
    /// <param name="activations">Receives what backward needs.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>hidden (N, C), after the final norm; part of <paramref name="activations"/>.</returns>
    /// <exception cref="ArgumentException">The batch is longer than the activations were planned for, or than the model's positions, or has a token that the model does not know.</exception>
    public Tensor Forward(PackedBatch batch, GptActivations activations, ResidualDropout dropout = default)
    {
        int n = batch.Rows;
        if (n > activations.Capacity) throw new ArgumentException($"a batch of {n} tokens does not fit into activations for {activations.Capacity}");
        if (batch.Layout.MaxLength > Config.Positions) throw new ArgumentException($"a sequence of {batch.Layout.MaxLength} tokens is longer than the model's {Config.Positions} positions");
        Config.RequireTokens(batch.Tokens.Host);
        CheckRank(activations);
        Prepare();
        var w = Weights;

        Tensor x = activations.Embedded.Slice(0, n);
        _kernels.Embedding.Forward(x, batch.Tokens.View, batch.Layout.Positions.View, w.TokenEmbedding, w.PositionEmbedding);
        if (dropout.Probability > 0) _kernels.Dropout.Forward(x, x, Key(dropout, 0));

        for (int l = 0; l < Config.Layers; l++)
        {
            var a = activations.Layers[l].Rows(n);
            LayerInterior(l, activations, a, x, batch.Layout, dropout);
            AddProjection(a.Residual, a.Activated, _layers[l].Outer, activations, a.Middle, dropout, (2 * l) + 2);
            x = a.Residual;
        }

        Tensor final = activations.Final.Slice(0, n);
        _kernels.LayerNorm.Forward(final, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), x, w.FinalWeight, w.FinalBias, Config.LayerNormEpsilon);
        return final;
    }

    /// <summary>A layer but for its last projection: x += proj(attention(ln_1 x)), then f(fc(ln_2 x)), which x += proj(·) is to follow.</summary>
    private void LayerInterior(int layer, GptActivations activations, in LayerActivations a, Tensor x, SequenceLayout layout, ResidualDropout dropout)
    {
        var p = _layers[layer];
        _kernels.LayerNorm.Forward(a.Ln1, a.Mean1, a.Rstd1, x, p.Ln1Weight, p.Ln1Bias, Config.LayerNormEpsilon);
        Map(a.Qkv, a.Ln1, p.Attention, activations);
        _kernels.Attention.Forward(a.Mixed, a.Lse, a.Qkv, layout, Config.Heads);
        AddProjection(a.Middle, a.Mixed, p.Projection, activations, x, dropout, (2 * layer) + 1);

        _kernels.LayerNorm.Forward(a.Ln2, a.Mean2, a.Rstd2, a.Middle, p.Ln2Weight, p.Ln2Bias, Config.LayerNormEpsilon);
        Map(a.Inner, a.Ln2, p.Inner, activations, activated: a.Activated);
    }

    /// <summary>Adds the gradients of the weights, given the gradient of the last hidden state.</summary>
    /// <param name="gradients">Gradients of what is trained; +=. What it does not hold is not computed.</param>
    /// <param name="batch">The batch of the forward pass.</param>
    /// <param name="activations">What the forward pass left.</param>
    /// <param name="dHidden">dHidden (N, C): the gradient of the last hidden state.</param>
    /// <param name="dropout">The dropout of the forward pass.</param>
    public void Backward(GptParameters gradients, PackedBatch batch, GptActivations activations, Tensor dHidden, ResidualDropout dropout = default)
    {
        if (!activations.ForBackward) throw new ArgumentException("these activations were planned without a backward pass");
        CheckRank(activations);
        int n = batch.Rows;
        var w = Weights;
        Tensor dX = activations.DResidual.Slice(0, n), dNarrow = activations.DNarrow.Slice(0, n);
        Tensor dQkv = activations.DQkv.Slice(0, n), dInner = activations.DInner.Slice(0, n);

        Tensor x = InputOf(Config.Layers);
        _kernels.Elementwise.Fill(dX, 0);
        _kernels.LayerNorm.Backward(dX, gradients.FinalWeight, gradients.FinalBias, dHidden, x, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), w.FinalWeight);

        for (int l = Config.Layers - 1; l >= 0; l--)
        {
            var p = _layers[l];
            var g = gradients.Layers[l];
            var a = activations.Layers[l].Rows(n);
            x = InputOf(l);
            // Of the layers that share their memory, the last one's activations are still there.
            if (activations.Recompute && l < Config.Layers - 1) LayerInterior(l, activations, a, x, batch.Layout, dropout);

            // x += proj(f(fc(ln_2 x))), backwards
            Tensor dProjected = ProjectionGradient(dX, dNarrow, dropout, (2 * l) + 2);
            MapBackward(dInner, g.Outer, dProjected, a.Activated, p.Outer, activations);
            _kernels.Activation.Backward(dInner, dInner, a.Inner, Config.Activation);
            MapBackward(dNarrow, g.Inner, dInner, a.Ln2, p.Inner, activations);
            _kernels.LayerNorm.Backward(dX, g.Ln2Weight, g.Ln2Bias, dNarrow, a.Middle, a.Mean2, a.Rstd2, p.Ln2Weight);

            // x += proj(attention(ln_1 x)), backwards
            dProjected = ProjectionGradient(dX, dNarrow, dropout, (2 * l) + 1);
            Tensor dMixed = a.Ln2; // its content is spent, its shape is right
            MapBackward(dMixed, g.Projection, dProjected, a.Mixed, p.Projection, activations);
            _kernels.Attention.Backward(dQkv, dMixed, a.Mixed, a.Lse, a.Qkv, batch.Layout, Config.Heads);
            MapBackward(dNarrow, g.Attention, dQkv, a.Ln1, p.Attention, activations);
            _kernels.LayerNorm.Backward(dX, g.Ln1Weight, g.Ln1Bias, dNarrow, x, a.Mean1, a.Rstd1, p.Ln1Weight);
        }

        if (gradients.TokenEmbedding.IsNone) return;
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
        Config.RequireTokens(rows.Tokens.Host);
        CheckRank(activations);
        Prepare();
        var w = Weights;

        Tensor x = activations.Embedded.Slice(0, n);
        _kernels.Embedding.Forward(x, rows.Tokens.View, rows.Positions.View, w.TokenEmbedding, w.PositionEmbedding);
        for (int l = 0; l < Config.Layers; l++)
        {
            var p = _layers[l];
            var a = activations.Layers[l].Rows(n);
            _kernels.LayerNorm.Forward(a.Ln1, a.Mean1, a.Rstd1, x, p.Ln1Weight, p.Ln1Bias, Config.LayerNormEpsilon);
            Map(a.Qkv, a.Ln1, p.Attention, activations);
            _kernels.CachedAttention.Forward(a.Mixed, cache.Keys(l), cache.Values(l), a.Qkv, rows.Slots.View, rows.Positions.View, cache.Capacity, Config.Heads);
            Map(a.Middle, a.Mixed, p.Projection, activations, residual: x);
            _kernels.LayerNorm.Forward(a.Ln2, a.Mean2, a.Rstd2, a.Middle, p.Ln2Weight, p.Ln2Bias, Config.LayerNormEpsilon);
            Map(Tensor.None, a.Ln2, p.Inner, activations, activated: a.Activated);
            Map(a.Residual, a.Activated, p.Outer, activations, residual: a.Middle);
            x = a.Residual;
        }

        Tensor final = activations.Final.Slice(0, n);
        _kernels.LayerNorm.Forward(final, activations.FinalMean.Slice(0, n), activations.FinalRstd.Slice(0, n), x, w.FinalWeight, w.FinalBias, Config.LayerNormEpsilon);
        return final;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Adapter?.Dispose();
        if (_ownsWeights) Weights.Dispose();
    }

    /// <summary>y = x·W + b (+ residual), and with an adapter y += s·x·Aᵀ·Bᵀ; and activated = f(y), for which y may be left out.</summary>
    private void Map(Tensor y, Tensor x, in LinearParameters p, GptActivations activations, Tensor residual = default, Tensor activated = default)
    {
        if (p.A.IsNone)
        {
            _kernels.MatMul.Forward(y, x, p.Weight, p.Bias, residual: residual, activated: activated, kind: Config.Activation);
            return;
        }

        Tensor sum = y.IsNone ? activated : y;
        _kernels.MatMul.Forward(sum, x, p.Weight, p.Bias, residual: residual);
        _kernels.MatMul.Forward(y, Low(x, p, activations), p.B, layout: WeightLayout.OutIn, residual: sum, activated: activated, kind: Config.Activation);
    }

    /// <summary>
    /// The mirror of <see cref="Map"/>: dX = dY·Wᵀ, and what of dW += xᵀ·dY and db += Σ dY is trained. With an adapter, for
    /// low = s·x·Aᵀ and dLow = s·dY·B: dB += dYᵀ·low, dA += dLowᵀ·x, dX += dLow·A.
    /// </summary>
    private void MapBackward(Tensor dX, in LinearParameters g, Tensor dY, Tensor x, in LinearParameters p, GptActivations activations)
    {
        _kernels.MatMul.BackwardInput(dX, dY, p.Weight);
        if (!g.Weight.IsNone) _kernels.MatMul.BackwardWeight(g.Weight, g.Bias, x, dY);
        if (p.A.IsNone) return;
        if (!g.B.IsNone) _kernels.MatMul.BackwardWeight(g.B, Tensor.None, Low(x, p, activations), dY, WeightLayout.OutIn);
        Tensor dLow = activations.DLow.Reshape(x.Rows, p.A.Rows);
        _kernels.MatMul.BackwardInput(dLow, dY, p.B, WeightLayout.OutIn);
        _kernels.Elementwise.Combine(dLow, Adapter!.Scale, dLow, 0);
        if (!g.A.IsNone) _kernels.MatMul.BackwardWeight(g.A, Tensor.None, x, dLow, WeightLayout.OutIn);
        _kernels.MatMul.BackwardInput(dX, dLow, p.A, WeightLayout.OutIn, accumulate: true);
    }

    /// <summary>s·x·Aᵀ (N, r).</summary>
    private Tensor Low(Tensor x, in LinearParameters p, GptActivations activations)
    {
        Tensor low = activations.Low.Reshape(x.Rows, p.A.Rows);
        _kernels.MatMul.Forward(low, x, p.A, layout: WeightLayout.OutIn);
        _kernels.Elementwise.Combine(low, Adapter!.Scale, low, 0);
        return low;
    }

    private void CheckRank(GptActivations activations)
    {
        if (AdapterRank > activations.AdapterRank)
            throw new ArgumentException($"an adapter of rank {AdapterRank} does not fit into activations for rank {activations.AdapterRank}");
    }

    /// <summary>y = residual + dropout(x·W + b), W with its adapter.</summary>
    private void AddProjection(Tensor y, Tensor x, in LinearParameters p, GptActivations activations, Tensor residual, ResidualDropout dropout, int place)
    {
        if (dropout.Probability > 0)
        {
            Map(y, x, p, activations);
            _kernels.Dropout.Forward(y, y, Key(dropout, place), residual);
        }
        else
        {
            Map(y, x, p, activations, residual);
        }
    }

    /// <summary>The gradient that reaches a projection through its dropout, in the type of its operands.</summary>
    private Tensor ProjectionGradient(Tensor dX, Tensor buffer, ResidualDropout dropout, int place)
    {
        if (dropout.Probability > 0) _kernels.Dropout.Backward(buffer, dX, Key(dropout, place));
        else if (buffer.Type != dX.Type) _kernels.Elementwise.Copy(buffer, dX);
        else return dX;
        return buffer;
    }

    private void Prepare()
    {
        Weights.Prepare(_kernels);
        Adapter?.Weights.Prepare(_kernels);
    }

    private static DropoutKey Key(ResidualDropout dropout, int place) =>
        new(dropout.Seed, (uint)place, dropout.Step, dropout.FirstRow, dropout.Probability);
}
