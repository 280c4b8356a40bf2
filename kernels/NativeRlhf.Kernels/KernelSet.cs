using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels;

/// <summary>One way to run an op.</summary>
/// <param name="Name">Its name, as in <c>--variant op=name</c>.</param>
/// <param name="Precisions">
/// The types that operands may have in memory, where tf32 is float32 that is rounded on its way into a product; which operands may be of
/// bfloat16 stands in the op's comment.
/// </param>
/// <param name="Needs">What it runs on.</param>
/// <param name="IsLaunched">Whether it launches kernels, which a CPU simulates.</param>
public sealed record KernelVariant(string Name, IReadOnlyList<string> Precisions, string Needs, bool IsLaunched);

/// <summary>
/// Compiles and chooses: the only place that knows which variant of an op runs where. The table below is the whole
/// choice; on each device the first variant of a row that the device supports is the default.
/// </summary>
public sealed class KernelSet : IDisposable
{
    /// <summary>All variants of one op, the preferred ones first.</summary>
    /// <param name="Op">The op's name, as in <c>--variant op=name</c>.</param>
    /// <param name="Type">The op's class.</param>
    /// <param name="Simd">Its SIMD implementation, generic over the vector width.</param>
    /// <param name="Portable">Its ILGPU implementation for any accelerator.</param>
    /// <param name="Rehearsal">What stands for it on a rehearsal device: it counts.</param>
    /// <param name="TensorCore">Its implementation on tensor cores, which a CUDA device from the sm_80 generation on has; or none.</param>
    /// <param name="Tf32">The same with float32 operands rounded to tf32; or none. Never a default.</param>
    private sealed record Row(string Op, Type Type, Type Simd, Type Portable, Type Rehearsal, Type? TensorCore = null, Type? Tf32 = null);

    private static readonly Row[] Table =
    [
        new("embedding", typeof(Embedding), typeof(EmbeddingSimd<,>), typeof(EmbeddingPortable), typeof(EmbeddingRehearsal)),
        new("layernorm", typeof(LayerNorm), typeof(LayerNormSimd<,>), typeof(LayerNormPortable), typeof(LayerNormRehearsal)),
        new("matmul", typeof(MatMul), typeof(MatMulSimd<,>), typeof(MatMulPortable), typeof(MatMulRehearsal), typeof(MatMulTensorCore), typeof(MatMulTf32)),
        new("attention", typeof(Attention), typeof(AttentionSimd<,>), typeof(AttentionPortable), typeof(AttentionRehearsal), typeof(AttentionTensorCore)),
        new("cachedattention", typeof(CachedAttention), typeof(CachedAttentionSimd<,>), typeof(CachedAttentionPortable), typeof(CachedAttentionRehearsal)),
        new("activation", typeof(Activation), typeof(ActivationSimd<,>), typeof(ActivationPortable), typeof(ActivationRehearsal)),
        new("dropout", typeof(Dropout), typeof(DropoutSimd<,>), typeof(DropoutPortable), typeof(DropoutRehearsal)),
        new("elementwise", typeof(Elementwise), typeof(ElementwiseSimd<,>), typeof(ElementwisePortable), typeof(ElementwiseRehearsal)),
        new("logprob", typeof(LogProb), typeof(LogProbSimd<,>), typeof(LogProbPortable), typeof(LogProbRehearsal)),
        new("rankingloss", typeof(RankingLoss), typeof(RankingLossSimd<,>), typeof(RankingLossPortable), typeof(RankingLossRehearsal)),
        new("ppoloss", typeof(PpoLoss), typeof(PpoLossSimd<,>), typeof(PpoLossPortable), typeof(PpoLossRehearsal)),
        new("norm", typeof(Norm), typeof(NormSimd<,>), typeof(NormPortable), typeof(NormRehearsal)),
        new("adamw", typeof(AdamW), typeof(AdamWSimd<,>), typeof(AdamWPortable), typeof(AdamWRehearsal)),
        new("sampling", typeof(Sampling), typeof(SamplingSimd<,>), typeof(SamplingPortable), typeof(SamplingRehearsal)),
    ];

    private readonly ComputeDevice _device;
    private readonly Dictionary<string, string> _chosen = [];
    private readonly Dictionary<Type, object> _made = [];
    private readonly List<IDisposable> _disposables = [];

    internal KernelSet(ComputeDevice device, IReadOnlyDictionary<string, string> overrides)
    {
        _device = device;
        foreach (string op in overrides.Keys)
        {
            if (op != "*" && !Ops.Contains(op))
                throw new ArgumentException($"variant {op}={overrides[op]}: there is no op '{op}'; ops are {string.Join(", ", Ops)}");
        }

        foreach (var row in Table)
        {
            var available = Variants(device, row.Op);

            // One that is wanted for all ops is taken where there is one.
            string? wanted = overrides.GetValueOrDefault(row.Op) ?? overrides.GetValueOrDefault("*");
            if (((wanted == TensorCoreName && row.TensorCore is null) || (wanted == Tf32Name && row.Tf32 is null)) && !overrides.ContainsKey(row.Op)) wanted = null;
            if (wanted is not null && !available.Contains(wanted))
                throw new ArgumentException($"variant {row.Op}={wanted}: on this device {row.Op} has {string.Join(", ", available)}");
            _chosen[row.Op] = wanted ?? available[0];
        }

        UsesLaunches = _chosen.Values.Any(name => name is PortableName or TensorCoreName or Tf32Name);
        HasBFloat16 = device.IsRehearsal || !_chosen.Values.Any(IsSimd);
    }

    /// <summary>The names of all ops.</summary>
    public static IReadOnlyList<string> Ops { get; } = [.. Table.Select(row => row.Op)];

    /// <summary>The chosen variant of every op.</summary>
    public IReadOnlyDictionary<string, string> Chosen => _chosen;

    /// <inheritdoc cref="Ops.Embedding"/>
    public Embedding Embedding => Get<Embedding>();

    /// <inheritdoc cref="Ops.LayerNorm"/>
    public LayerNorm LayerNorm => Get<LayerNorm>();

    /// <inheritdoc cref="Ops.MatMul"/>
    public MatMul MatMul => Get<MatMul>();

    /// <inheritdoc cref="Ops.Attention"/>
    public Attention Attention => Get<Attention>();

    /// <inheritdoc cref="Ops.CachedAttention"/>
    public CachedAttention CachedAttention => Get<CachedAttention>();

    /// <inheritdoc cref="Ops.Activation"/>
    public Activation Activation => Get<Activation>();

    /// <inheritdoc cref="Ops.Dropout"/>
    public Dropout Dropout => Get<Dropout>();

    /// <inheritdoc cref="Ops.Elementwise"/>
    public Elementwise Elementwise => Get<Elementwise>();

    /// <inheritdoc cref="Ops.LogProb"/>
    public LogProb LogProb => Get<LogProb>();

    /// <inheritdoc cref="Ops.RankingLoss"/>
    public RankingLoss RankingLoss => Get<RankingLoss>();

    /// <inheritdoc cref="Ops.PpoLoss"/>
    public PpoLoss PpoLoss => Get<PpoLoss>();

    /// <inheritdoc cref="Ops.Norm"/>
    public Norm Norm => Get<Norm>();

    /// <inheritdoc cref="Ops.AdamW"/>
    public AdamW AdamW => Get<AdamW>();

    /// <inheritdoc cref="Ops.Sampling"/>
    public Sampling Sampling => Get<Sampling>();

    /// <summary>Whether the chosen variants take operands of bfloat16; those for the vectors of a CPU are of float32 alone.</summary>
    public bool HasBFloat16 { get; }

    /// <summary>Whether any chosen variant launches kernels, so that the host has something to wait for.</summary>
    internal bool UsesLaunches { get; }

    private const string PortableName = "portable", TensorCoreName = "tensorcore", Tf32Name = "tf32";

    /// <summary>The class of an op, whose name those of its implementations begin with.</summary>
    /// <param name="op">An op's name.</param>
    /// <returns>The abstract class.</returns>
    /// <exception cref="ArgumentException">There is no such op.</exception>
    public static Type TypeOf(string op) =>
        Array.Find(Table, row => row.Op == op)?.Type ?? throw new ArgumentException($"there is no op '{op}'; ops are {string.Join(", ", Ops)}");

    /// <summary>Everything that an op could run as, on this device or another.</summary>
    /// <param name="op">An op's name.</param>
    /// <returns>Its variants, the preferred ones first.</returns>
    public static IReadOnlyList<KernelVariant> AllVariants(string op) =>
    [
        .. Array.Exists(Table, row => row.Op == op && row.TensorCore is not null)
            ? [new KernelVariant(TensorCoreName, ["bfloat16"], "a CUDA device from the sm_80 generation on; operands of float32 go to portable", true)]
            : Array.Empty<KernelVariant>(),
        .. SimdWidths.Select(width => new KernelVariant(
            width.Name, ["float32"], width.Name == "scalar" ? "a CPU" : $"a CPU with vectors of {width.Name["simd".Length..]} bits", false)),
        new(PortableName, op is "rankingloss" or "ppoloss" or "norm" or "sampling" ? ["float32"] : ["float32", "bfloat16"], "any accelerator: CUDA, OpenCL, ILGPU's CPU accelerator", true),
        .. Array.Exists(Table, row => row.Op == op && row.Tf32 is not null)
            ? [new KernelVariant(Tf32Name, ["tf32", "bfloat16"], "as tensorcore; operands of float32 are rounded to 11 bits, never by default", true)]
            : Array.Empty<KernelVariant>(),
    ];

    /// <summary>The variants that run on a device, the default first.</summary>
    /// <param name="device">The device.</param>
    /// <returns>Their names.</returns>
    public static IReadOnlyList<string> Variants(ComputeDevice device) => device.IsHostMemory
        ? [.. SimdWidths.Where(w => w.IsSupported).Select(w => w.Name), PortableName]
        : [PortableName];

    /// <summary>The variants of one op that run on a device, the default first.</summary>
    /// <param name="device">The device.</param>
    /// <param name="op">The op's name.</param>
    /// <returns>Their names.</returns>
    public static IReadOnlyList<string> Variants(ComputeDevice device, string op)
    {
        var row = Array.Find(Table, row => row.Op == op);
        if (row?.TensorCore is null || CudaDriver.TensorCoreSharedMemory(device.Accelerator) < MatMulTensorCore.LeastSharedMemory) return Variants(device);
        string[] byChoice = row.Tf32 is null ? [] : [Tf32Name];
        return [TensorCoreName, .. Variants(device), .. byChoice];
    }

    /// <summary>Disposes what the variants hold.</summary>
    public void Dispose()
    {
        foreach (var variant in _disposables) variant.Dispose();
    }

    private static readonly (string Name, bool IsSupported, Type Simd, Type Vector)[] SimdWidths =
    [
        ("simd512", System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated, typeof(Simd512), typeof(System.Runtime.Intrinsics.Vector512<float>)),
        ("simd256", System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated, typeof(Simd256), typeof(System.Runtime.Intrinsics.Vector256<float>)),
        ("simd128", System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated, typeof(Simd128), typeof(System.Runtime.Intrinsics.Vector128<float>)),
        ("scalar", true, typeof(Scalar), typeof(float)),
    ];

    private static bool IsSimd(string variant) => Array.Exists(SimdWidths, width => width.Name == variant);

    // Made at first use: compiling a kernel takes up to 90 ms, and no run uses all ops.
    private T Get<T>()
        where T : class => (T)(_made.TryGetValue(typeof(T), out object? op) ? op : _made[typeof(T)] = Make(typeof(T)));

    private object Make(Type type)
    {
        var row = Array.Find(Table, r => r.Type == type)!;
        if (_device.IsRehearsal) return Rehearsal(row, null);
        object op = MakeVariant(row);
        if (op is IDisposable disposable) _disposables.Add(disposable);
        return _device.IsRecorded ? Rehearsal(row, op) : op;
    }

    /// <summary>What counts an op's work, and the op behind it that does the work, if any.</summary>
    private object Rehearsal(Row row, object? op) => Activator.CreateInstance(row.Rehearsal, _device, op)!;

    private object MakeVariant(Row row)
    {
        string variant = _chosen[row.Op];
        if (variant == TensorCoreName) return Activator.CreateInstance(row.TensorCore!, _device)!;
        if (variant == Tf32Name) return Activator.CreateInstance(row.Tf32!, _device)!;
        var width = Array.Find(SimdWidths, w => w.Name == variant);
        return width.Name is null
            ? Activator.CreateInstance(row.Portable, _device)!
            : Activator.CreateInstance(row.Simd.MakeGenericType(width.Simd, width.Vector), _device.Team)!;
    }
}
