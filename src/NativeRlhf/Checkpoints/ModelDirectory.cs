using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Checkpoints;

/// <summary>Whether a model has the scalar head of a reward or value model.</summary>
public enum ScoreHead
{
    /// <summary>As the directory says: if it has <c>score.weight</c>.</summary>
    AsStored,

    /// <summary>It must be there.</summary>
    Required,

    /// <summary>A new one, all zeros, if there is none.</summary>
    NewIfAbsent,

    /// <summary>None, even if the directory has one.</summary>
    None,
}

/// <summary>
/// A model directory in the public GPT-2 layout: <c>config.json</c>, <c>model.safetensors</c> (or several files and their
/// index), and the files of the tokenizer.
/// </summary>
public static class ModelDirectory
{
    internal const string Prefix = "transformer.";

    /// <summary>Loads a model.</summary>
    /// <param name="device">The device that it will live on.</param>
    /// <param name="directory">The directory.</param>
    /// <param name="score">What is expected of the scalar head. A reward scale is multiplied into its weight.</param>
    /// <param name="precision">How its weights are kept; what the files hold is rounded to that.</param>
    /// <returns>The model, to be disposed by the caller.</returns>
    /// <exception cref="InputException">
    /// A file is missing or damaged; a tensor is missing, extra, of the wrong shape, or not finite; or the device has no such precision.
    /// </exception>
    public static Gpt Load(ComputeDevice device, string directory, ScoreHead score = ScoreHead.AsStored, ModelPrecision precision = ModelPrecision.Float32) =>
        Load(device, directory, score, out _, precision);

    /// <summary>Loads a model, and tells whether its scalar head is new.</summary>
    /// <param name="device">The device that it will live on.</param>
    /// <param name="directory">The directory.</param>
    /// <param name="score">What is expected of the scalar head.</param>
    /// <param name="isNewHead">Whether the head was not stored and is all zeros.</param>
    /// <param name="precision">How its weights are kept.</param>
    /// <returns>The model, to be disposed by the caller.</returns>
    /// <exception cref="InputException">As for <see cref="Load(ComputeDevice, string, ScoreHead, ModelPrecision)"/>.</exception>
    public static Gpt Load(ComputeDevice device, string directory, ScoreHead score, out bool isNewHead, ModelPrecision precision = ModelPrecision.Float32) =>
        Load(device, directory, score, out isNewHead, GptConfig.Load(Path.Combine(directory, "config.json")) with { Precision = precision });

    /// <summary>Loads the tensors of a model whose configuration has been read.</summary>
    internal static Gpt Load(ComputeDevice device, string directory, ScoreHead score, out bool isNewHead, GptConfig config)
    {
        using var files = SafeTensorsSet.Open(directory);
        Dictionary<string, string> stored = [];
        foreach (var tensor in files.Tensors)
        {
            if (!stored.TryAdd(WithoutPrefix(tensor.Name), tensor.Name))
                throw new InputException($"{directory}: tensor {WithoutPrefix(tensor.Name)} is there twice, with and without '{Prefix}'; remove one of the two");
        }

        bool isStored = stored.ContainsKey("score.weight");
        if (score == ScoreHead.Required && !isStored)
            throw new InputException($"{directory}: has no score.weight, so it is not a reward model; train one with: nativerlhf reward");

        isNewHead = !isStored && score == ScoreHead.NewIfAbsent;
        bool hasScore = score switch { ScoreHead.AsStored => isStored, ScoreHead.None => false, _ => true };
        var model = new Gpt(device, hasScore ? config with { RewardScale = 1 } : config, hasScore) { Source = directory };
        try
        {
            foreach (var spec in model.Weights.Specs)
            {
                if (!stored.Remove(spec.Name, out string? name))
                {
                    if (spec.Name == "score.weight" && score == ScoreHead.NewIfAbsent) continue;
                    throw new InputException($"{directory}: tensor {spec.Name} {Shape(spec.Shape)} is missing");
                }

                ReadInto(files, directory, name, spec, model.Weights[spec.Name], device);
            }

            foreach (var (name, storedName) in stored)
            {
                if (IsMask(name) || (name == "score.weight" && score == ScoreHead.None)) continue;
                if (name == "lm_head.weight" && config.TieWordEmbeddings)
                {
                    CheckTied(files, directory, storedName, model);
                    continue;
                }

                throw new InputException($"{directory}: tensor {storedName} {Shape(files.Find(storedName)!.Shape)} has no place in the model that config.json describes");
            }

            if (hasScore && config.RewardScale != 1)
                device.Kernels.Elementwise.Combine(model.Weights.Score, config.RewardScale, model.Weights.Score, 0);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes a model directory, complete or not at all.</summary>
    /// <param name="directory">The directory; must not exist.</param>
    /// <param name="model">The model; an adapter is merged into its weights.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="type">How the tensors are written: F32, or F16 or BF16, rounded to the nearest.</param>
    public static void Save(string directory, Gpt model, TextTokenizer? tokenizer, TensorType type = TensorType.F32) =>
        AtomicDirectory.Write(directory, folder => WriteFiles(folder, model, tokenizer, type: type));

    /// <summary>Writes a model directory of weights that lie outside a model.</summary>
    /// <param name="directory">The directory; must not exist.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="device">The device that they lie on.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    public static void Save(string directory, GptConfig config, GptParameters weights, ComputeDevice device, TextTokenizer? tokenizer) =>
        AtomicDirectory.Write(directory, folder => WriteFiles(folder, config, weights, device, tokenizer));

    /// <summary>Writes the files of a model directory into a folder that exists, part of something larger.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="device">The device that they lie on.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    public static void WriteFiles(string folder, GptConfig config, GptParameters weights, ComputeDevice device, TextTokenizer? tokenizer)
    {
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), config.ToJson(weights.HasScore).ToJsonString(JsonStyle.Indented) + "\n");
        WriteParameters(Path.Combine(folder, SafeTensorsSet.FileName), weights, device);
        tokenizer?.Save(folder);
    }

    /// <summary>
    /// Writes the files of a model directory into a folder that exists, part of something larger. An adapter is merged, matrix by
    /// matrix: W + s·(B·A)ᵀ.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="average">What is written in place of <see cref="Gpt.Trainable"/>, of its layout; or null.</param>
    /// <param name="config">What is written in place of the model's configuration, or null.</param>
    /// <param name="type">How the tensors are written.</param>
    public static void WriteFiles(
        string folder, Gpt model, TextTokenizer? tokenizer, GptParameters? average = null, GptConfig? config = null, TensorType type = TensorType.F32)
    {
        AtomicFile.WriteText(Path.Combine(folder, "config.json"), (config ?? model.Config).ToJson(model.HasScore).ToJsonString(JsonStyle.Indented) + "\n");
        WriteTensors(Path.Combine(folder, SafeTensorsSet.FileName), model.Config.Specs(model.HasScore), (spec, values) => ReadMerged(model, spec, values, average), type: type);
        tokenizer?.Save(folder);
    }

    /// <summary>Downloads a tensor of a model, with its adapter merged.</summary>
    internal static void ReadMerged(Gpt model, TensorSpec spec, Span<float> values, GptParameters? average = null)
    {
        var trained = average ?? model.Trainable;
        Tensor tensor = trained.Find(spec.Name);
        model.Device.Download(tensor.IsNone ? model.Weights[spec.Name] : tensor, values);
        model.Adapter?.MergeInto(spec.Name, values, trained);
    }

    /// <summary>Writes parameters, or anything of their layout, to one safetensors file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="device">The device that they lie on.</param>
    public static void WriteParameters(string file, GptParameters parameters, ComputeDevice device) =>
        WriteTensors(file, parameters.Specs, (spec, values) => device.Download(parameters[spec.Name], values));

    /// <summary>Writes one safetensors file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="specs">What it holds.</param>
    /// <param name="read">Fills in the values of a tensor.</param>
    /// <param name="nameOf">The name of a tensor in the file, if it is not its own.</param>
    /// <param name="type">How the tensors are written.</param>
    internal static void WriteTensors(
        string file, IReadOnlyList<TensorSpec> specs, Action<TensorSpec, Span<float>> read, Func<TensorSpec, string>? nameOf = null, TensorType type = TensorType.F32)
    {
        nameOf ??= spec => spec.Name;
        var headers = specs.Select(spec => new TensorHeader(nameOf(spec), type, spec.Shape)).ToList();
        SafeTensorsWriter.Save(file, headers, writer =>
        {
            float[] buffer = new float[specs.Max(spec => spec.Length)];
            foreach (var spec in specs)
            {
                var values = buffer.AsSpan(0, (int)spec.Length);
                read(spec, values);
                writer.Write(nameOf(spec), values);
            }
        }, new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Reads what <see cref="WriteParameters"/> wrote, exactly.</summary>
    /// <param name="file">The file.</param>
    /// <param name="parameters">Receives the values.</param>
    /// <param name="device">The device that they lie on.</param>
    /// <exception cref="InputException">The file is damaged or of another layout.</exception>
    public static void ReadParameters(string file, GptParameters parameters, ComputeDevice device)
    {
        using var reader = SafeTensorsReader.Open(file);
        if (reader.Tensors.Count != parameters.Specs.Count)
            throw new InputException($"{file}: has {reader.Tensors.Count} tensors, expected {parameters.Specs.Count}; it belongs to another model");
        float[] buffer = new float[parameters.Specs.Max(spec => spec.Length)];
        foreach (var spec in parameters.Specs)
        {
            var header = reader.Find(spec.Name) ?? throw new InputException($"{file}: tensor {spec.Name} is missing; the file belongs to another model");
            if (!header.Shape.SequenceEqual(spec.Shape)) throw new InputException($"{file}: tensor {spec.Name} is {Shape(header.Shape)}, expected {Shape(spec.Shape)}");
            var values = buffer.AsSpan(0, (int)spec.Length);
            reader.ReadFloats(spec.Name, values, requireFinite: true);
            device.Upload(parameters[spec.Name], values);
        }
    }

    private static void ReadInto(SafeTensorsSet files, string directory, string name, TensorSpec spec, Tensor destination, ComputeDevice device)
    {
        var header = files.Find(name)!;
        if (!header.Shape.SequenceEqual(spec.Shape))
            throw new InputException($"{directory}: tensor {name} is {Shape(header.Shape)}, but config.json makes it {Shape(spec.Shape)}");
        if (device.IsHostMemory && destination.Type == ElementType.Float32)
        {
            files.ReadFloats(name, destination.HostSpan, requireFinite: true);
            return;
        }

        float[] values = new float[spec.Length];
        files.ReadFloats(name, values, requireFinite: true);
        device.Upload(destination, values);
    }

    /// <summary>A tied output matrix may be stored a second time, but then it must be the same.</summary>
    private static void CheckTied(SafeTensorsSet files, string directory, string name, Gpt model)
    {
        float[] stored = new float[files.Find(name)!.Count], embedding = new float[files.Find(name)!.Count];
        files.ReadFloats(name, stored);
        var tied = model.Weights["wte.weight"];
        model.Device.Download(tied, embedding);
        if (tied.Type == ElementType.BFloat16)
            for (int i = 0; i < stored.Length; i++) stored[i] = BFloat16.Of(stored[i]).Value;
        if (!stored.AsSpan().SequenceEqual(embedding))
            throw new InputException($"{directory}: tensor {name} differs from wte.weight although config.json ties them; set tie_word_embeddings to false");
    }

    private static string WithoutPrefix(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;

    /// <summary>The causal masks that older tools stored with the weights: h.N.attn.bias and h.N.attn.masked_bias.</summary>
    private static bool IsMask(string name) =>
        name.StartsWith("h.", StringComparison.Ordinal) && (name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal));

    private static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
