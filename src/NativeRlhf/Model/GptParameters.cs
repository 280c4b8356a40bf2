using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>The tensors of one layer.</summary>
/// <param name="Ln1Weight">ln_1.weight (C)</param>
/// <param name="Ln1Bias">ln_1.bias (C)</param>
/// <param name="AttentionWeight">attn.c_attn.weight (C, 3·C)</param>
/// <param name="AttentionBias">attn.c_attn.bias (3·C)</param>
/// <param name="ProjectionWeight">attn.c_proj.weight (C, C)</param>
/// <param name="ProjectionBias">attn.c_proj.bias (C)</param>
/// <param name="Ln2Weight">ln_2.weight (C)</param>
/// <param name="Ln2Bias">ln_2.bias (C)</param>
/// <param name="InnerWeight">mlp.c_fc.weight (C, inner)</param>
/// <param name="InnerBias">mlp.c_fc.bias (inner)</param>
/// <param name="OuterWeight">mlp.c_proj.weight (inner, C)</param>
/// <param name="OuterBias">mlp.c_proj.bias (C)</param>
public sealed record LayerParameters(
    Tensor Ln1Weight, Tensor Ln1Bias, Tensor AttentionWeight, Tensor AttentionBias, Tensor ProjectionWeight, Tensor ProjectionBias,
    Tensor Ln2Weight, Tensor Ln2Bias, Tensor InnerWeight, Tensor InnerBias, Tensor OuterWeight, Tensor OuterBias);

/// <summary>
/// An arena with one tensor for every parameter of a model: its weights, or anything of the same layout (gradients, Adam's
/// moments, an average). Matrices come first and vectors after them, so that everything with weight decay is one flat
/// range and everything without it another.
/// </summary>
public sealed class GptParameters : IDisposable
{
    private readonly Dictionary<string, Tensor> _byName = [];
    private readonly List<(TensorSpec Spec, long Start)> _places = [];

    /// <summary>Allocates the arena, filled with zeros.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="hasScore">Whether there is a scalar head.</param>
    /// <param name="role">What it holds of each parameter, where that is not the weights: <c>gradient of</c>.</param>
    public GptParameters(ComputeDevice device, GptConfig config, bool hasScore, string role = "")
    {
        Config = config;
        HasScore = hasScore;
        Specs = config.Specs(hasScore);
        Count = Specs.Sum(spec => spec.Length);
        Arena = device.AllocateArena(Specs.Sum(spec => Arena.AlignUp(spec.Length)));
        foreach (var spec in Specs.OrderByDescending(spec => spec.HasWeightDecay))
        {
            _places.Add((spec, Arena.Used));
            _byName[spec.Name] = Arena.Take(spec.Rows, spec.Cols, $"{role} {spec.Name}".TrimStart());
        }

        Layers = [.. Enumerable.Range(0, config.Layers).Select(l => new LayerParameters(
            this[$"h.{l}.ln_1.weight"], this[$"h.{l}.ln_1.bias"], this[$"h.{l}.attn.c_attn.weight"], this[$"h.{l}.attn.c_attn.bias"],
            this[$"h.{l}.attn.c_proj.weight"], this[$"h.{l}.attn.c_proj.bias"], this[$"h.{l}.ln_2.weight"], this[$"h.{l}.ln_2.bias"],
            this[$"h.{l}.mlp.c_fc.weight"], this[$"h.{l}.mlp.c_fc.bias"], this[$"h.{l}.mlp.c_proj.weight"], this[$"h.{l}.mlp.c_proj.bias"]))];
    }

    /// <summary>The model's shape.</summary>
    public GptConfig Config { get; }

    /// <summary>Whether there is a scalar head.</summary>
    public bool HasScore { get; }

    /// <summary>All parameters, in the order of the forward pass.</summary>
    public IReadOnlyList<TensorSpec> Specs { get; }

    /// <summary>The number of parameters, without what alignment adds.</summary>
    public long Count { get; }

    /// <summary>The memory.</summary>
    public Arena Arena { get; }

    /// <summary>Everything, flat.</summary>
    public Tensor All => Arena.All;

    /// <summary>
    /// The flat ranges of some parameters: neighbours with the same weight decay are one range. With all parameters there
    /// are two, all matrices and all vectors.
    /// </summary>
    /// <param name="selects">Which parameters.</param>
    /// <returns>Each range's first element, length, and whether weight decay applies.</returns>
    public IReadOnlyList<(long Start, long Length, bool HasWeightDecay)> Ranges(Func<TensorSpec, bool> selects)
    {
        List<(long Start, long Length, bool HasWeightDecay)> ranges = [];
        foreach (var (spec, start) in _places.Where(place => selects(place.Spec)))
        {
            long length = Arena.AlignUp(spec.Length);
            if (ranges is [.., var last] && last.Start + last.Length == start && last.HasWeightDecay == spec.HasWeightDecay)
                ranges[^1] = last with { Length = last.Length + length };
            else
                ranges.Add((start, length, spec.HasWeightDecay));
        }

        return ranges;
    }

    /// <summary>A flat range of the arena.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many elements.</param>
    /// <returns>A row vector over the same memory.</returns>
    public Tensor Flat(long start, long length) => new(Arena.All.View.SubView(start, length), 1, checked((int)length));

    /// <summary>wte.weight (V, C): the token embedding.</summary>
    public Tensor TokenEmbedding => this["wte.weight"];

    /// <summary>wpe.weight (T, C): the position embedding.</summary>
    public Tensor PositionEmbedding => this["wpe.weight"];

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<LayerParameters> Layers { get; }

    /// <summary>ln_f.weight (C).</summary>
    public Tensor FinalWeight => this["ln_f.weight"];

    /// <summary>ln_f.bias (C).</summary>
    public Tensor FinalBias => this["ln_f.bias"];

    /// <summary>lm_head.weight (V, C); the token embedding where they are tied.</summary>
    public Tensor Output => Config.TieWordEmbeddings ? TokenEmbedding : this["lm_head.weight"];

    /// <summary>lm_head.bias (V), or none.</summary>
    public Tensor OutputBias => Config.LmHeadBias ? this["lm_head.bias"] : Tensor.None;

    /// <summary>score.weight (1, C) of a reward or value model, or none.</summary>
    public Tensor Score => HasScore ? this["score.weight"] : Tensor.None;

    /// <summary>The parameter of a name.</summary>
    /// <param name="name">A name of <see cref="Specs"/>.</param>
    public Tensor this[string name] => _byName[name];

    /// <inheritdoc/>
    public void Dispose() => Arena.Dispose();
}
