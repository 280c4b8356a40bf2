using System.Numerics.Tensors;
using NativeRlhf.Kernels.Device;
using Tensor = NativeRlhf.Kernels.Device.Tensor;

namespace NativeRlhf.Model;

/// <summary>What an adapter is, besides its numbers.</summary>
/// <param name="Rank">r ≥ 1, the columns of x that every pair of factors goes through.</param>
/// <param name="Alpha">α: what the factors add counts α/r.</param>
/// <param name="Targets">The linear maps of every layer that have factors, among <see cref="Adapter.AllTargets"/>.</param>
public sealed record AdapterSettings(int Rank, double Alpha, IReadOnlyList<string> Targets);

/// <summary>
/// A low-rank adapter (LoRA; Hu et al. 2021, arXiv:2106.09685): beside frozen matrices W (in, out) two factors are trained,
/// A (r, in) and B (out, r), and the map becomes
/// <code>
/// y = x·W + b + s·x·Aᵀ·Bᵀ,   s = α/r
/// </code>
/// B begins at zero, so that the model begins as it was. A reward or value model's head score.weight is trained as a whole
/// and is part of the adapter; the base has its own as it was.
/// </summary>
public sealed class Adapter : IDisposable
{
    private readonly ComputeDevice _device;

    /// <summary>An adapter with all numbers zero.</summary>
    /// <param name="device">The device that it lives on.</param>
    /// <param name="config">The shape of the models that it fits.</param>
    /// <param name="settings">Rank, scale and targets.</param>
    /// <param name="hasScore">Whether it has a scalar head.</param>
    public Adapter(ComputeDevice device, GptConfig config, AdapterSettings settings, bool hasScore = false)
    {
        _device = device;
        Settings = settings;
        Weights = new GptParameters(device, config, Specs(config, settings, hasScore), purpose: "adapters",
            precision: config.Precision == ModelPrecision.Float32 ? ModelPrecision.Float32 : ModelPrecision.Mixed);
    }

    /// <summary>The linear maps of a layer that can have factors.</summary>
    public static IReadOnlyList<string> AllTargets { get; } = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"];

    /// <summary>Rank, scale and targets.</summary>
    public AdapterSettings Settings { get; }

    /// <summary>s = α/r.</summary>
    public float Scale => (float)(Settings.Alpha / Settings.Rank);

    /// <summary>The factors, and the scalar head if there is one.</summary>
    public GptParameters Weights { get; }

    /// <summary>The name of the factor A (r, in) of a linear map.</summary>
    /// <param name="map">The map, as in <c>h.0.attn.c_attn</c>.</param>
    /// <returns>The name among the parameters.</returns>
    public static string FactorA(string map) => $"{map}.lora_A.weight";

    /// <summary>The name of the factor B (out, r) of a linear map.</summary>
    /// <param name="map">The map, as in <c>h.0.attn.c_attn</c>.</param>
    /// <returns>The name among the parameters.</returns>
    public static string FactorB(string map) => $"{map}.lora_B.weight";

    /// <summary>The parameters of an adapter.</summary>
    /// <param name="config">The shape of the models that it fits.</param>
    /// <param name="settings">Rank and targets.</param>
    /// <param name="hasScore">Whether it has a scalar head.</param>
    /// <returns>A and B of every target, layer by layer; then the head.</returns>
    public static IReadOnlyList<TensorSpec> Specs(GptConfig config, AdapterSettings settings, bool hasScore)
    {
        List<TensorSpec> specs = [];
        foreach (var spec in config.Specs(hasScore))
        {
            if (spec.Name == "score.weight") specs.Add(spec);
            if (!spec.Name.StartsWith("h.", StringComparison.Ordinal) || !spec.Name.EndsWith(".weight", StringComparison.Ordinal)) continue;
            string map = spec.Name[..^".weight".Length];
            if (!settings.Targets.Contains(map.Split('.', 3)[2])) continue;
            specs.Add(TensorSpec.Matrix(FactorA(map), settings.Rank, spec.Rows));
            specs.Add(TensorSpec.Matrix(FactorB(map), spec.Cols, settings.Rank));
        }

        return specs;
    }

    /// <summary>
    /// The targets that a list names, as PEFT's <c>target_modules</c> does: each entry is a target or its end (<c>c_proj</c> is
    /// two of them), and <c>all-linear</c> is all.
    /// </summary>
    /// <param name="names">The entries.</param>
    /// <returns>The targets in the order of the forward pass, each once; or the first entry that is none.</returns>
    public static (IReadOnlyList<string> Targets, string? Unknown) FindTargets(IEnumerable<string> names)
    {
        HashSet<string> found = [];
        foreach (string name in names)
        {
            string[] matches = [.. AllTargets.Where(target => name == "all-linear" || target == name || target.EndsWith("." + name, StringComparison.Ordinal))];
            if (matches.Length == 0) return ([], name);
            found.UnionWith(matches);
        }

        return ([.. AllTargets.Where(found.Contains)], null);
    }

    /// <summary>
    /// Gives a model a new adapter: A uniform in ±1/√in (He et al. 2015 with a = √5, as PEFT and PyTorch's linear layers have
    /// it), B zero, the head as the model's.
    /// </summary>
    /// <param name="model">A model without an adapter.</param>
    /// <param name="settings">Rank, scale and targets.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="withScore">Whether it has a scalar head even if the model has none: a new one, all zeros.</param>
    public static void Attach(Gpt model, AdapterSettings settings, ulong seed, bool withScore = false)
    {
        var device = model.Device;
        var adapter = new Adapter(device, model.Config, settings, model.HasScore || withScore);
        if (model.HasScore) device.Kernels.Elementwise.Copy(adapter.Weights.Score, model.Score);
        for (int i = 0; i < adapter.Weights.Specs.Count; i++)
        {
            var spec = adapter.Weights.Specs[i];
            if (!spec.Name.EndsWith(FactorA(""), StringComparison.Ordinal) || device.IsRehearsal) continue;
            float[] values = new float[spec.Length];
            double bound = 1 / Math.Sqrt(spec.Cols);
            for (int at = 0; at < values.Length; at++)
            {
                var words = Philox.At(seed, RandomPurpose.Adapters, (uint)i, (ulong)at);
                values[at] = (float)(bound * ((2.0 * Philox.ToUniform(words.X)) - 1));
            }

            device.Upload(adapter.Weights[spec.Name], values);
        }

        model.Attach(adapter);
    }

    /// <summary>An adapter with the same numbers.</summary>
    /// <param name="withScore">Whether it has a scalar head even if this one has none: a new one, all zeros.</param>
    /// <returns>The copy, to be disposed by the caller or the model that it is given to.</returns>
    public Adapter Clone(bool withScore = false)
    {
        var copy = new Adapter(_device, Weights.Config, Settings, Weights.HasScore || withScore);
        foreach (var spec in Weights.Specs) _device.Kernels.Elementwise.Copy(copy.Weights[spec.Name], Weights[spec.Name]);
        return copy;
    }

    /// <summary>Adds to a weight matrix what its factors add to the map: W += s·(B·A)ᵀ.</summary>
    /// <param name="name">The name of the matrix, as in <c>h.0.attn.c_attn.weight</c>; one that is no target is left as it is.</param>
    /// <param name="weight">W (in, out) +=, row by row, in host memory</param>
    /// <param name="factors">The factors; null for this adapter's. Anything of their layout: an average.</param>
    public void MergeInto(string name, Span<float> weight, GptParameters? factors = null)
    {
        factors ??= Weights;
        string map = name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
        Tensor a = factors.Find(FactorA(map)), b = factors.Find(FactorB(map));
        if (a.IsNone) return;
        int rank = a.Rows, inputs = a.Cols, outputs = b.Rows;
        float[] hostA = Downloaded(a), hostB = Downloaded(b), transposed = new float[hostB.Length];
        for (int o = 0; o < outputs; o++)
        {
            for (int k = 0; k < rank; k++) transposed[(k * outputs) + o] = hostB[(o * rank) + k];
        }

        float[] product = new float[outputs];
        for (int i = 0; i < inputs; i++)
        {
            // The small product is summed first: added one by one to W, each of its terms would be rounded to W's last place.
            Array.Clear(product);
            for (int k = 0; k < rank; k++)
                TensorPrimitives.MultiplyAdd(transposed.AsSpan(k * outputs, outputs), Scale * hostA[(k * inputs) + i], product, product);
            TensorPrimitives.Add(weight.Slice(i * outputs, outputs), product, weight.Slice(i * outputs, outputs));
        }

        float[] Downloaded(Tensor tensor)
        {
            float[] values = new float[tensor.Length];
            _device.Download(tensor, values);
            return values;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();
}
