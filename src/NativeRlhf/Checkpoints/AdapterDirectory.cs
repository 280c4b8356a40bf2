using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Checkpoints;

/// <summary>
/// An adapter's directory in the public layout of PEFT: <c>adapter_config.json</c>, and <c>adapter_model.safetensors</c> with
/// <c>base_model.model.transformer.h.N.attn.c_attn.lora_A.weight</c> (r, in), <c>….lora_B.weight</c> (out, r) and, for a reward
/// model, <c>base_model.model.score.weight</c> (1, C).
/// </summary>
public static class AdapterDirectory
{
    private const string ConfigName = "adapter_config.json", TensorsName = "adapter_model.safetensors", Prefix = "base_model.model.", Body = "transformer.";

    /// <summary>
    /// Loads an adapter and gives it to a model. Over a model with a scalar head an adapter that has none gets that head, so
    /// that it can be trained into a reward model's.
    /// </summary>
    /// <param name="model">The base, without an adapter.</param>
    /// <param name="directory">The directory.</param>
    /// <exception cref="InputException">
    /// A file is missing or damaged, the adapter is of a kind that is not supported, or a tensor is missing, extra, of the wrong
    /// shape, or not finite.
    /// </exception>
    public static void Attach(Gpt model, string directory)
    {
        string file = Path.Combine(directory, TensorsName);
        var (rank, alpha) = ReadConfig(directory);
        if (!File.Exists(file))
            throw new InputException($"{directory}: there is no {TensorsName}{(File.Exists(Path.Combine(directory, "adapter_model.bin")) ? "; adapter_model.bin is not read, save the adapter as safetensors" : "; is it an adapter's directory?")}");
        using var reader = SafeTensorsReader.Open(file);
        string[] names = [.. reader.Tensors.Select(tensor => Inner(tensor.Name))];
        var targets = Adapter.AllTargets.Where(target => names.Any(name => name.Contains($".{target}.lora_", StringComparison.Ordinal)));
        var settings = new AdapterSettings(rank, alpha, [.. targets]);
        if (settings.Targets.Count == 0) throw new InputException($"{file}: holds no lora_A of {string.Join(", ", Adapter.AllTargets)}; the adapter is for another architecture");
        var adapter = new Adapter(model.Device, model.Config, settings, hasScore: model.HasScore || names.Contains("score.weight"));
        try
        {
            if (model.HasScore) model.Device.Kernels.Elementwise.Copy(adapter.Weights.Score, model.Score);
            Read(reader, [.. adapter.Weights.Specs.Where(spec => spec.Name != "score.weight" || names.Contains(spec.Name))], adapter.Weights, model.Device);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }

        model.Attach(adapter);
    }

    /// <summary>Writes the files of a model's adapter into a folder that exists, part of something larger.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">A model with an adapter.</param>
    /// <param name="average">What is written in place of the adapter's numbers, of their layout; or null.</param>
    public static void WriteFiles(string folder, Gpt model, GptParameters? average = null)
    {
        var adapter = model.Adapter ?? throw new ArgumentException("the model has no adapter");
        var config = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = adapter.Weights.HasScore ? "SEQ_CLS" : "CAUSAL_LM",
            ["base_model_name_or_path"] = model.Source,
            ["r"] = adapter.Settings.Rank,
            ["lora_alpha"] = adapter.Settings.Alpha,
            ["lora_dropout"] = 0.0,
            ["target_modules"] = new JsonArray([.. adapter.Settings.Targets.Select(target => (JsonNode)target)]),
            // The base stores its linear maps as (in, out).
            ["fan_in_fan_out"] = true,
            ["bias"] = "none",
            ["modules_to_save"] = adapter.Weights.HasScore ? new JsonArray("score") : null,
            ["inference_mode"] = true,
        };
        AtomicFile.WriteText(Path.Combine(folder, ConfigName), config.ToJsonString(JsonStyle.Indented) + "\n");
        var weights = average ?? adapter.Weights;
        ModelDirectory.WriteTensors(
            Path.Combine(folder, TensorsName), weights.Specs, (spec, values) => model.Device.Download(weights[spec.Name], values),
            spec => spec.Name == "score.weight" ? Prefix + spec.Name : Prefix + Body + spec.Name);
    }

    /// <summary>Reads the numbers that <see cref="WriteFiles"/> wrote, exactly.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">A model with an adapter of the same settings.</param>
    /// <exception cref="InputException">The file is damaged or of another layout.</exception>
    public static void ReadFiles(string folder, Gpt model)
    {
        using var reader = SafeTensorsReader.Open(Path.Combine(folder, TensorsName));
        var weights = (model.Adapter ?? throw new ArgumentException("the model has no adapter")).Weights;
        Read(reader, weights.Specs, weights, model.Device);
    }

    private static void Read(SafeTensorsReader reader, IReadOnlyList<TensorSpec> specs, GptParameters weights, ComputeDevice device)
    {
        Dictionary<string, TensorHeader> stored = [];
        foreach (var tensor in reader.Tensors)
        {
            if (!stored.TryAdd(Inner(tensor.Name), tensor)) throw new InputException($"{reader.FilePath}: tensor {Inner(tensor.Name)} is there twice, with and without '{Body}'");
        }

        foreach (var spec in specs)
        {
            if (!stored.Remove(spec.Name, out var header)) throw new InputException($"{reader.FilePath}: tensor {spec.Name} [{string.Join(", ", spec.Shape)}] is missing");
            if (!header.Shape.SequenceEqual(spec.Shape))
                throw new InputException($"{reader.FilePath}: tensor {header.Name} is {header.ShapeText}; the adapter's r and the model make it [{string.Join(", ", spec.Shape)}]");
            float[] values = new float[spec.Length];
            reader.ReadFloats(header.Name, values, requireFinite: true);
            device.Upload(weights[spec.Name], values);
        }

        if (stored.Values.FirstOrDefault() is { } extra)
            throw new InputException($"{reader.FilePath}: tensor {extra.Name} {extra.ShapeText} has no place; adapters have factors of {string.Join(", ", Adapter.AllTargets)}, and score.weight");
    }

    private static (int Rank, double Alpha) ReadConfig(string directory)
    {
        string file = Path.Combine(directory, ConfigName);
        if (!File.Exists(file)) throw new InputException($"{directory}: there is no {ConfigName}; is it an adapter's directory?");
        using var document = JsonFile.Read(file);
        var root = document.RootElement;
        string type = JsonFile.Optional(root, "peft_type") is { } kind ? JsonFile.Text(file, "peft_type", kind) : "LORA";
        if (type != "LORA") throw new InputException($"{file}: peft_type is {type}; only LORA is supported");
        if (JsonFile.IsTrue(root, "use_dora")) throw new InputException($"{file}: use_dora is true; only plain LORA is supported");
        if (JsonFile.Optional(root, "bias") is { } bias && JsonFile.Text(file, "bias", bias) != "none") throw new InputException($"{file}: bias is {bias}; only none is supported");
        foreach (string pattern in (string[])["rank_pattern", "alpha_pattern"])
        {
            if (JsonFile.Optional(root, pattern) is { } ranks && JsonFile.Properties(file, pattern, ranks).Any())
                throw new InputException($"{file}: {pattern} is not empty; only one rank and alpha for all targets is supported");
        }

        int rank = JsonFile.Optional(root, "r") is { ValueKind: JsonValueKind.Number } r && r.TryGetInt32(out int number) && number >= 1
            ? number
            : throw new InputException($"{file}: r must be an integer from 1");
        double alpha = JsonFile.Optional(root, "lora_alpha") is { ValueKind: JsonValueKind.Number } a && a.TryGetDouble(out double value) && value > 0
            ? value
            : throw new InputException($"{file}: lora_alpha must be a number above 0");
        // Rank-stabilised scaling (Kalajdzievski 2023) is α/√r.
        return (rank, JsonFile.IsTrue(root, "use_rslora") ? alpha * Math.Sqrt(rank) : alpha);
    }

    /// <summary>The name of a tensor among the parameters.</summary>
    private static string Inner(string name)
    {
        if (name.StartsWith(Prefix, StringComparison.Ordinal)) name = name[Prefix.Length..];
        return name.StartsWith(Body, StringComparison.Ordinal) ? name[Body.Length..] : name;
    }
}
