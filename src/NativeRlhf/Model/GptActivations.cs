using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>What the forward pass of one layer leaves for the backward pass.</summary>
/// <param name="Ln1">ln_1 output (N, C)</param>
/// <param name="Mean1">its means (N)</param>
/// <param name="Rstd1">its reciprocal standard deviations (N)</param>
/// <param name="Qkv">queries, keys, values (N, 3·C)</param>
/// <param name="Mixed">attention output before its projection (N, C)</param>
/// <param name="Lse">log-sum-exp of the attention scores (N, NH)</param>
/// <param name="Middle">the residual stream between attention and feed-forward (N, C)</param>
/// <param name="Ln2">ln_2 output (N, C)</param>
/// <param name="Mean2">its means (N)</param>
/// <param name="Rstd2">its reciprocal standard deviations (N)</param>
/// <param name="Activated">feed-forward after the non-linearity (N, inner)</param>
/// <param name="Inner">feed-forward before it (N, inner), of which the backward pass alone makes use; none where there is none</param>
/// <param name="Residual">the residual stream after the layer (N, C)</param>
internal readonly record struct LayerActivations(
    Tensor Ln1, Tensor Mean1, Tensor Rstd1, Tensor Qkv, Tensor Mixed, Tensor Lse, Tensor Middle,
    Tensor Ln2, Tensor Mean2, Tensor Rstd2, Tensor Activated, Tensor Inner, Tensor Residual)
{
    public LayerActivations Rows(int n) => new(
        Ln1.Slice(0, n), Mean1.Slice(0, n), Rstd1.Slice(0, n), Qkv.Slice(0, n), Mixed.Slice(0, n), Lse.Slice(0, n), Middle.Slice(0, n),
        Ln2.Slice(0, n), Mean2.Slice(0, n), Rstd2.Slice(0, n), Activated.Slice(0, n), Inner.IsNone ? Inner : Inner.Slice(0, n), Residual.Slice(0, n));
}

/// <summary>
/// The activations of a forward pass over up to <see cref="Capacity"/> packed tokens, planned once. Models of the same
/// shape take turns with one of them: policy, reference, reward and value model. With recomputation (gradient checkpointing;
/// Chen et al. 2016, arXiv:1604.06174) only the residual stream is kept of every layer, L · N · C floats, and the rest of
/// one layer, which the backward pass fills again for each. What meets in matrix products is of the type that the model's precision
/// says; the residual stream and its gradient are float32.
/// </summary>
public sealed class GptActivations : IDisposable
{
    private readonly Arena _arena;

    /// <summary>Plans the memory.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="capacity">The most tokens of one forward pass.</param>
    /// <param name="forBackward">Whether a backward pass follows; otherwise all layers share the memory of one.</param>
    /// <param name="recompute">Whether the backward pass runs each layer forward again instead of finding its activations here.</param>
    /// <param name="adapterRank">The largest rank of an adapter of the models; 0 where none has one.</param>
    public GptActivations(ComputeDevice device, GptConfig config, int capacity, bool forBackward, bool recompute = false, int adapterRank = 0)
    {
        AdapterRank = adapterRank;
        Capacity = capacity;
        ForBackward = forBackward;
        Recompute = recompute;
        int one = Math.Min(config.Layers, 1), residuals = forBackward ? config.Layers : one, interiors = recompute ? one : residuals;
        int n = capacity, c = config.Width, inner = config.Inner;
        // The residual stream, statistics and the output are float32, whatever the products take.
        ElementType single = ElementType.Float32, operand = config.Precision.Operands();
        Part[] inners = forBackward ? [new(n, inner, "mlp.c_fc", operand)] : [];
        Part[] layer =
        [
            new(n, c, "ln_1", operand), new(n, 1, "ln_1 mean", single), new(n, 1, "ln_1 rstd", single), new(n, 3 * c, "attn.c_attn", operand),
            new(n, c, "attn", operand), new(n, config.Heads, "attn lse", single), new(n, c, "attn.c_proj + residual", single),
            new(n, c, "ln_2", operand), new(n, 1, "ln_2 mean", single), new(n, 1, "ln_2 rstd", single), new(n, inner, "mlp.act", operand),
            .. inners,
        ];
        // Embedding, final norm, its statistics; then the gradients that every layer reuses.
        Part[] shared = [new(n, c, "embedding", single), new(n, c, "ln_f", single), new(n, 1, "ln_f mean", single), new(n, 1, "ln_f rstd", single)];
        Part[] gradients = forBackward
            ?
            [
                new(n, c, "gradient of the residual stream", single), new(n, c, "gradient of a layer norm or projection", operand),
                new(n, 3 * c, "gradient of attn.c_attn", operand), new(n, inner, "gradient of mlp.c_fc", operand),
            ]
            : [];
        // x·Aᵀ of one linear map at a time, and its gradient: less than it costs to keep them of all is to compute them again.
        Part[] low = adapterRank == 0 ? [] : [new(n, adapterRank, "x·Aᵀ of an adapter", operand), new(n, adapterRank, "gradient of x·Aᵀ of an adapter", operand)];
        if (!forBackward) low = [.. low.Take(1)];
        _arena = device.AllocateArena((residuals * Arena.AlignUp((long)n * c)) + (interiors * Size(layer)) + Size(shared) + Size(gradients) + Size(low), "activations");

        Embedded = Take(shared[0]);
        Final = Take(shared[1]);
        FinalMean = Take(shared[2]);
        FinalRstd = Take(shared[3]);
        Layers = new LayerActivations[config.Layers];
        for (int l = 0; l < config.Layers; l++)
        {
            Tensor residual = l < residuals ? _arena.Take(n, c, $"h.{NameOf(l, residuals)}.mlp.c_proj + residual") : Layers[0].Residual;
            if (l >= interiors)
            {
                Layers[l] = Layers[0] with { Residual = residual };
                continue;
            }

            var t = layer.Select(tensor => Take(tensor with { Name = $"h.{NameOf(l, interiors)}.{tensor.Name}" })).ToArray();
            Layers[l] = new LayerActivations(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], forBackward ? t[11] : Tensor.None, residual);
        }

        if (forBackward)
        {
            DResidual = Take(gradients[0]);
            DNarrow = Take(gradients[1]);
            DQkv = Take(gradients[2]);
            DInner = Take(gradients[3]);
        }

        if (low.Length > 0) Low = Take(low[0]);
        if (low.Length > 1) DLow = Take(low[1]);

        static long Size(Part[] tensors) => tensors.Sum(s => Arena.AlignUp((long)s.Rows * s.Cols, s.Type));
        Tensor Take(Part tensor) => _arena.Take(tensor.Rows, tensor.Cols, tensor.Name, tensor.Type);
        // Layers that share their memory share its name.
        string NameOf(int layer, int kept) => kept < config.Layers ? "*" : $"{layer}";
    }

    /// <summary>The most tokens of one forward pass.</summary>
    public int Capacity { get; }

    /// <summary>Whether everything that a backward pass needs is kept.</summary>
    public bool ForBackward { get; }

    /// <summary>Whether the backward pass runs each layer forward again.</summary>
    public bool Recompute { get; }

    /// <summary>The largest rank of an adapter that passes have room for; 0 for none.</summary>
    public int AdapterRank { get; }

    /// <summary>The memory taken, in bytes.</summary>
    public long Bytes => _arena.Capacity * sizeof(float);

    internal Tensor Embedded { get; }

    internal Tensor Final { get; }

    internal Tensor FinalMean { get; }

    internal Tensor FinalRstd { get; }

    internal LayerActivations[] Layers { get; }

    /// <summary>The gradient of the residual stream (N, C).</summary>
    internal Tensor DResidual { get; }

    /// <summary>The gradient of anything as wide as the residual stream (N, C).</summary>
    internal Tensor DNarrow { get; }

    /// <summary>The gradient of queries, keys and values (N, 3·C).</summary>
    internal Tensor DQkv { get; }

    /// <summary>The gradient inside the feed-forward layer (N, inner).</summary>
    internal Tensor DInner { get; }

    /// <summary>What an adapter's first factor makes of the input of one linear map (N, rank).</summary>
    internal Tensor Low { get; }

    /// <summary>Its gradient (N, rank).</summary>
    internal Tensor DLow { get; }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();

    /// <summary>A tensor that is planned.</summary>
    private readonly record struct Part(int Rows, int Cols, string Name, ElementType Type);
}
