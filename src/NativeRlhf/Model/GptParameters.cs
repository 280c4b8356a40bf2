using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// A linear map y = x·W + b, with the factors of an adapter beside it where it has one: y = x·W + b + s·x·Aᵀ·Bᵀ. Tensors that
/// a set of parameters does not hold are none.
/// </summary>
/// <param name="Weight">W (in, out)</param>
/// <param name="Bias">b (out)</param>
/// <param name="A">A (r, in), which takes x to r numbers; none without an adapter</param>
/// <param name="B">B (out, r), which takes these to y; none without an adapter</param>
public readonly record struct LinearParameters(Tensor Weight, Tensor Bias, Tensor A, Tensor B);

/// <summary>The tensors of one layer; those that a set of parameters does not hold are none.</summary>
/// <param name="Ln1Weight">ln_1.weight (C)</param>
/// <param name="Ln1Bias">ln_1.bias (C)</param>
/// <param name="Attention">attn.c_attn, C to 3·C: queries, keys, values</param>
/// <param name="Projection">attn.c_proj, C to C</param>
/// <param name="Ln2Weight">ln_2.weight (C)</param>
/// <param name="Ln2Bias">ln_2.bias (C)</param>
/// <param name="Inner">mlp.c_fc, C to inner</param>
/// <param name="Outer">mlp.c_proj, inner to C</param>
public sealed record LayerParameters(
    Tensor Ln1Weight, Tensor Ln1Bias, LinearParameters Attention, LinearParameters Projection,
    Tensor Ln2Weight, Tensor Ln2Bias, LinearParameters Inner, LinearParameters Outer)
{
    /// <summary>This layer with the factors of an adapter.</summary>
    /// <param name="adapter">The same layer of an adapter's parameters.</param>
    /// <returns>A layer over the same memory.</returns>
    public LayerParameters With(LayerParameters adapter) => this with
    {
        Attention = Attention with { A = adapter.Attention.A, B = adapter.Attention.B },
        Projection = Projection with { A = adapter.Projection.A, B = adapter.Projection.B },
        Inner = Inner with { A = adapter.Inner.A, B = adapter.Inner.B },
        Outer = Outer with { A = adapter.Outer.A, B = adapter.Outer.B },
    };
}

/// <summary>
/// One tensor for every parameter of a list: a model's weights, an adapter's, or anything of the same layout (gradients, Adam's
/// moments, an average). Matrices come first and vectors after them, so that everything with weight decay is one flat range and
/// everything without it another. Parameters that are not in the list are <see cref="Tensor.None"/>: a gradient that is none is
/// not computed.
/// <para>
/// With <see cref="ModelPrecision.Mixed"/> there is a copy of the matrices in bfloat16 besides: <see cref="Layers"/> and the other
/// properties are what passes read, with matrices from the copy; names and flat ranges lead to the float32 weights. The copy is
/// made again by <see cref="Prepare"/> after anyone has asked for a weight by its name, who may have written it; the optimizer
/// writes both. With <see cref="ModelPrecision.BFloat16"/> the matrices are of bfloat16 alone. The scalar head is float32 always.
/// </para>
/// </summary>
public sealed class GptParameters : IDisposable
{
    // A tensor counts its columns in an int.
    private const long LongestRange = 1 << 30;

    private readonly Dictionary<string, Tensor> _byName = [], _operands = [];
    private readonly List<(TensorSpec Spec, long Start)> _places = [];
    private readonly ModelPrecision _precision;
    private readonly Arena? _copy;

    // Matrices that are operands lie before this element, in whatever type; what lies behind it is float32.
    private readonly long _operandLength;
    private bool _isStale = true;

    /// <summary>Allocates the memory for all parameters of a model, filled with zeros, in the precision of its configuration.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="hasScore">Whether there is a scalar head.</param>
    /// <param name="role">What it holds of each parameter, where that is not the weights: <c>gradient of</c>.</param>
    /// <param name="purpose">What the arena is for, in the device's ledger.</param>
    public GptParameters(ComputeDevice device, GptConfig config, bool hasScore, string role = "", string purpose = "weights")
        : this(device, config, config.Specs(hasScore), role, purpose, config.Precision)
    {
    }

    /// <summary>Allocates the memory for some parameters, filled with zeros.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="specs">The parameters, in the order of the forward pass.</param>
    /// <param name="role">What it holds of each parameter, where that is not the weights.</param>
    /// <param name="purpose">What the arena is for, in the device's ledger.</param>
    /// <param name="precision">How they are kept.</param>
    public GptParameters(
        ComputeDevice device, GptConfig config, IReadOnlyList<TensorSpec> specs, string role = "", string purpose = "weights", ModelPrecision precision = ModelPrecision.Float32)
    {
        Config = config;
        Specs = specs;
        Count = specs.Sum(spec => spec.Length);
        _precision = precision;
        _operandLength = specs.Where(IsOperand).Sum(spec => Arena.AlignUp(spec.Length));
        long rest = specs.Where(spec => !IsOperand(spec)).Sum(spec => Arena.AlignUp(spec.Length));
        bool isNarrow = precision == ModelPrecision.BFloat16;
        Arena = device.AllocateArena((isNarrow ? Arena.AlignUp(_operandLength, ElementType.BFloat16) : _operandLength) + rest, purpose);
        if (precision == ModelPrecision.Mixed) _copy = device.AllocateArena(Arena.AlignUp(_operandLength, ElementType.BFloat16), purpose);

        long start = 0;
        foreach (var spec in specs.OrderByDescending(spec => spec.HasWeightDecay).ThenByDescending(IsOperand))
        {
            string name = $"{role} {spec.Name}".TrimStart();
            _places.Add((spec, start));
            _byName[spec.Name] = isNarrow && IsOperand(spec)
                ? Arena.TakeAt(start / 2, spec.Rows, spec.Cols, name, ElementType.BFloat16)
                : Arena.TakeAt(Word(start), spec.Rows, spec.Cols, name);
            _operands[spec.Name] = _copy is not null && IsOperand(spec)
                ? _copy.TakeAt(start / 2, spec.Rows, spec.Cols, name, ElementType.BFloat16)
                : _byName[spec.Name];
            start += Arena.AlignUp(spec.Length);
        }

        Length = start;
        Layers = [.. Enumerable.Range(0, config.Layers).Select(l => new LayerParameters(
            Operand($"h.{l}.ln_1.weight"), Operand($"h.{l}.ln_1.bias"), Linear($"h.{l}.attn.c_attn"), Linear($"h.{l}.attn.c_proj"),
            Operand($"h.{l}.ln_2.weight"), Operand($"h.{l}.ln_2.bias"), Linear($"h.{l}.mlp.c_fc"), Linear($"h.{l}.mlp.c_proj")))];

        LinearParameters Linear(string name) =>
            new(Operand($"{name}.weight"), Operand($"{name}.bias"), Operand(Adapter.FactorA(name)), Operand(Adapter.FactorB(name)));
    }

    /// <summary>The model's shape.</summary>
    public GptConfig Config { get; }

    /// <summary>Whether there is a scalar head.</summary>
    public bool HasScore => !Score.IsNone;

    /// <summary>All parameters, in the order of the forward pass.</summary>
    public IReadOnlyList<TensorSpec> Specs { get; }

    /// <summary>The number of parameters, without what alignment adds.</summary>
    public long Count { get; }

    /// <summary>The memory, but for a copy in bfloat16.</summary>
    public Arena Arena { get; }

    /// <summary>Everything, flat. Only where all is float32: flat ranges serve every precision.</summary>
    /// <exception cref="InvalidOperationException">Matrices are of bfloat16.</exception>
    public Tensor All
    {
        get
        {
            if (_precision == ModelPrecision.BFloat16) throw new InvalidOperationException("parameters of two types have no flat view");
            _isStale = true;
            return Arena.All;
        }
    }

    /// <summary>The number of elements that flat ranges cover, with what alignment adds.</summary>
    public long Length { get; }

    /// <summary>
    /// The flat ranges of some of these parameters: neighbours with the same weight decay are one range, of up to 2³⁰ elements
    /// of one type. With all parameters of a smaller model there are two, all matrices and all vectors.
    /// </summary>
    /// <param name="part">Parameters that are all among these, in the same order: gradients of what is trained.</param>
    /// <returns>Each range's first element here and in the part, its length, and whether weight decay applies.</returns>
    public IReadOnlyList<(long Start, long PartStart, long Length, bool HasWeightDecay)> Ranges(GptParameters part)
    {
        List<(long Start, long PartStart, long Length, bool HasWeightDecay)> ranges = [];
        foreach (var ((spec, start), (_, partStart)) in _places.Where(place => part._byName.ContainsKey(place.Spec.Name)).Zip(part._places))
        {
            // What is next to each other here is so in the part.
            long length = Arena.AlignUp(spec.Length);
            if (ranges is [.., var last] && last.Start + last.Length == start && last.HasWeightDecay == spec.HasWeightDecay
                && last.Length + length <= LongestRange && !(start == _operandLength && _precision != ModelPrecision.Float32))
                ranges[^1] = last with { Length = last.Length + length };
            else
                ranges.Add((start, partStart, length, spec.HasWeightDecay));
        }

        return ranges;
    }

    /// <summary>Becomes a·x + b·this, for every parameter; what was here is not read where b is 0.</summary>
    /// <param name="kernels">The device's operations.</param>
    /// <param name="a">The factor of x.</param>
    /// <param name="x">Parameters of the same layout.</param>
    /// <param name="b">The factor of what is here.</param>
    public void Combine(KernelSet kernels, float a, GptParameters x, float b)
    {
        foreach (var (start, length) in Pieces(0, _operandLength).Concat(Pieces(_operandLength, Length)))
            kernels.Elementwise.Combine(Flat(start, length), a, x.Flat(start, length), b);
        _isStale = true;
    }

    /// <summary>Makes the copy in bfloat16 anew, if there is one and a weight may have changed. Every pass begins with it.</summary>
    /// <param name="kernels">The device's operations.</param>
    public void Prepare(KernelSet kernels)
    {
        if (_copy is null || !_isStale) return;
        foreach (var (start, length) in Pieces(0, _operandLength)) kernels.Elementwise.Copy(FlatCopy(start, length), Flat(start, length));
        _isStale = false;
    }

    /// <summary>A flat range of the weights, of one type: all before the first tensor that is no operand, or all behind it.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many elements.</param>
    /// <returns>A row vector over the same memory.</returns>
    public Tensor Flat(long start, long length) => _precision == ModelPrecision.BFloat16 && start < _operandLength
        ? Arena.Range(start, checked((int)length), ElementType.BFloat16)
        : Arena.Range(Word(start), checked((int)length));

    /// <summary>The same range of the copy in bfloat16, for who writes both.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many elements.</param>
    /// <returns>A row vector; none where there is no copy of the range.</returns>
    internal Tensor FlatCopy(long start, long length) =>
        _copy is null || start >= _operandLength ? Tensor.None : _copy.Range(start, checked((int)length), ElementType.BFloat16);

    /// <summary>wte.weight (V, C): the token embedding.</summary>
    public Tensor TokenEmbedding => Operand("wte.weight");

    /// <summary>wpe.weight (T, C): the position embedding.</summary>
    public Tensor PositionEmbedding => Operand("wpe.weight");

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<LayerParameters> Layers { get; }

    /// <summary>ln_f.weight (C).</summary>
    public Tensor FinalWeight => Operand("ln_f.weight");

    /// <summary>ln_f.bias (C).</summary>
    public Tensor FinalBias => Operand("ln_f.bias");

    /// <summary>lm_head.weight (V, C); the token embedding where they are tied.</summary>
    public Tensor Output => Config.TieWordEmbeddings ? TokenEmbedding : Operand("lm_head.weight");

    /// <summary>lm_head.bias (V), or none.</summary>
    public Tensor OutputBias => Operand("lm_head.bias");

    /// <summary>score.weight (1, C) of a reward or value model, or none.</summary>
    public Tensor Score => Operand("score.weight");

    /// <summary>The parameter of a name; the float32 weight where there is a copy.</summary>
    /// <param name="name">A name of <see cref="Specs"/>.</param>
    public Tensor this[string name]
    {
        get
        {
            _isStale = true;
            return _byName[name];
        }
    }

    /// <summary>The parameter of a name, or none.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The tensor, or <see cref="Tensor.None"/> where it is not in the list.</returns>
    public Tensor Find(string name) => _byName.ContainsKey(name) ? this[name] : Tensor.None;

    /// <inheritdoc/>
    public void Dispose()
    {
        Arena.Dispose();
        _copy?.Dispose();
    }

    private Tensor Operand(string name) => _operands.GetValueOrDefault(name);

    private static bool IsOperand(TensorSpec spec) => spec.HasWeightDecay && spec.Name != "score.weight";

    /// <summary>The word of the arena that an element of float32 is.</summary>
    private long Word(long element) =>
        _precision == ModelPrecision.BFloat16 ? Arena.AlignUp(_operandLength, ElementType.BFloat16) + element - _operandLength : element;

    private static IEnumerable<(long Start, long Length)> Pieces(long start, long end)
    {
        for (; start < end; start += LongestRange) yield return (start, Math.Min(LongestRange, end - start));
    }
}
