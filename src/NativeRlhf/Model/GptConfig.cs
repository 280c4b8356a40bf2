using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Model;

/// <summary>The shape of a GPT-2 model: <c>config.json</c> of a model directory. Keys that are not known are kept.</summary>
public sealed record GptConfig
{
    /// <summary>L, the number of layers; <c>n_layer</c>.</summary>
    public required int Layers { get; init; }

    /// <summary>NH, the number of attention heads; <c>n_head</c>. Divides <see cref="Width"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>C, the width of the residual stream; <c>n_embd</c>.</summary>
    public required int Width { get; init; }

    /// <summary>T, the longest sequence; <c>n_positions</c>.</summary>
    public required int Positions { get; init; }

    /// <summary>V, the number of token ids; <c>vocab_size</c>.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The width of the feed-forward layers; <c>n_inner</c>, 4·C where it is absent or null.</summary>
    public required int Inner { get; init; }

    /// <summary>ε of the layer normalisations; <c>layer_norm_epsilon</c>.</summary>
    public float LayerNormEpsilon { get; init; } = 1e-5f;

    /// <summary>The non-linearity; <c>activation_function</c>: <c>gelu_new</c>, <c>gelu</c> or <c>relu</c>.</summary>
    public ActivationKind Activation { get; init; } = ActivationKind.GeluTanh;

    /// <summary>Whether the output matrix is the token embedding; <c>tie_word_embeddings</c>.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Whether the output matrix has a bias; <c>lm_head_bias</c>, our own key.</summary>
    public bool LmHeadBias { get; init; }

    /// <summary>The token that starts a text, if there is one; <c>bos_token_id</c>.</summary>
    public int? BosToken { get; init; }

    /// <summary>The token that ends a text, if there is one; <c>eos_token_id</c>.</summary>
    public int? EosToken { get; init; }

    /// <summary>Of a reward model: score = <see cref="RewardScale"/> · raw + <see cref="RewardBias"/>; <c>reward_bias</c>.</summary>
    public float RewardBias { get; init; }

    /// <summary>See <see cref="RewardBias"/>; <c>reward_scale</c>.</summary>
    public float RewardScale { get; init; } = 1;

    /// <summary>How the weights are kept; chosen by whoever loads a model, not a key of the file.</summary>
    public ModelPrecision Precision { get; init; }

    /// <summary>All keys of the file that this type does not know, as they were.</summary>
    public JsonObject Other { get; init; } = [];

    private static readonly string[] KnownKeys =
    [
        "model_type", "n_layer", "n_head", "n_embd", "n_positions", "n_inner", "vocab_size", "layer_norm_epsilon", "activation_function",
        "tie_word_embeddings", "lm_head_bias", "bos_token_id", "eos_token_id", "reward_bias", "reward_scale",
    ];

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <param name="file">The file.</param>
    /// <returns>The configuration, checked.</returns>
    /// <exception cref="InputException">The file is absent, is not JSON, lacks a key or holds a value out of range.</exception>
    public static GptConfig Load(string file)
    {
        JsonObject json;
        try
        {
            json = JsonNode.Parse(File.ReadAllBytes(file), documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }) as JsonObject
                ?? throw new InputException($"{file}: is not a JSON object; a model directory's config.json is");
            _ = json.Count; // Keys are read now, so that one that is there twice shows here.
        }
        catch (ArgumentException exception)
        {
            throw new InputException($"{file}: a key is there twice ({exception.Message.ReplaceLineEndings(" ")})", exception);
        }
        catch (JsonException exception)
        {
            throw InputException.At(file, (exception.LineNumber ?? 0) + 1, "is not valid JSON", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read; a model directory has a config.json ({exception.Message.ReplaceLineEndings(" ")})", exception);
        }

        var reader = new Keys(file, json);
        string type = reader.Text("model_type", "gpt2");
        if (type != "gpt2") throw new InputException($"{file}: model_type is '{type}'; only gpt2 is supported");
        int width = reader.Integer("n_embd", 1 << 20);
        var config = new GptConfig
        {
            Layers = reader.Integer("n_layer", 10_000),
            Heads = reader.Integer("n_head", 10_000),
            Width = width,
            Positions = reader.Integer("n_positions", 1 << 24),
            VocabularySize = reader.Integer("vocab_size", 1 << 24),
            Inner = reader.OptionalInteger("n_inner", 1, 1 << 22) ?? 4 * width,
            LayerNormEpsilon = (float)reader.Number("layer_norm_epsilon", 1e-5),
            Activation = reader.Text("activation_function", "gelu_new") switch
            {
                "gelu_new" => ActivationKind.GeluTanh,
                "gelu" => ActivationKind.GeluExact,
                "relu" => ActivationKind.Relu,
                var other => throw new InputException($"{file}: activation_function is '{other}'; use gelu_new, gelu or relu"),
            },
            TieWordEmbeddings = reader.Flag("tie_word_embeddings", true),
            LmHeadBias = reader.Flag("lm_head_bias", false),
            BosToken = reader.OptionalInteger("bos_token_id", 0, int.MaxValue),
            EosToken = reader.OptionalInteger("eos_token_id", 0, int.MaxValue),
            RewardBias = (float)reader.Number("reward_bias", 0),
            RewardScale = (float)reader.Number("reward_scale", 1),
            Other = new JsonObject(json.Where(entry => !KnownKeys.Contains(entry.Key)).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))),
        };
        config.Validate(file);
        return config;
    }

    /// <summary>Whether models of two configurations can take turns with one workspace.</summary>
    /// <param name="other">Another configuration.</param>
    /// <returns>True if all sizes agree, and the type of the operands.</returns>
    public bool HasSameShape(GptConfig other) =>
        (Layers, Heads, Width, Positions, VocabularySize, Inner, Precision.Operands())
        == (other.Layers, other.Heads, other.Width, other.Positions, other.VocabularySize, other.Inner, other.Precision.Operands());

    /// <summary>Refuses token ids that the model has no rows for: a kernel would read beyond the embedding.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <exception cref="ArgumentException">One is negative or not below the vocabulary's size.</exception>
    internal void RequireTokens(ReadOnlySpan<int> tokens)
    {
        int at = tokens.IndexOfAnyExceptInRange(0, VocabularySize - 1);
        if (at >= 0) throw new ArgumentException($"token id {tokens[at]} is not one of the model's, 0 to {VocabularySize - 1}");
    }

    /// <summary>Checks what a single value does not show.</summary>
    /// <param name="source">What the message names as the place.</param>
    /// <exception cref="InputException">The values do not fit together.</exception>
    public void Validate(string source)
    {
        if (Width % Heads != 0) throw new InputException($"{source}: n_embd {Width} is not a multiple of n_head {Heads}");
        if (!(LayerNormEpsilon > 0 && float.IsFinite(LayerNormEpsilon))) throw new InputException($"{source}: layer_norm_epsilon is {LayerNormEpsilon}; it must be positive and finite");
        if (EosToken >= VocabularySize) throw new InputException($"{source}: eos_token_id {EosToken} is not below vocab_size {VocabularySize}");
        if (BosToken >= VocabularySize) throw new InputException($"{source}: bos_token_id {BosToken} is not below vocab_size {VocabularySize}");
        if (!float.IsFinite(RewardBias) || !float.IsFinite(RewardScale)) throw new InputException($"{source}: reward_bias and reward_scale must be finite");
    }

    /// <summary>The content of <c>config.json</c>.</summary>
    /// <param name="isRewardModel">Whether the keys of a reward model are written.</param>
    /// <returns>A new JSON object.</returns>
    public JsonObject ToJson(bool isRewardModel)
    {
        var json = new JsonObject
        {
            ["model_type"] = "gpt2",
            ["n_layer"] = Layers,
            ["n_head"] = Heads,
            ["n_embd"] = Width,
            ["n_positions"] = Positions,
            ["n_inner"] = Inner,
            ["vocab_size"] = VocabularySize,
            ["layer_norm_epsilon"] = LayerNormEpsilon,
            ["activation_function"] = Activation switch { ActivationKind.GeluTanh => "gelu_new", ActivationKind.GeluExact => "gelu", _ => "relu" },
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["lm_head_bias"] = LmHeadBias,
            ["bos_token_id"] = BosToken,
            ["eos_token_id"] = EosToken,
        };
        if (isRewardModel)
        {
            json["reward_bias"] = RewardBias;
            json["reward_scale"] = RewardScale;
        }

        foreach (var (key, value) in Other) json[key] = value?.DeepClone();
        return json;
    }

    /// <summary>The list of parameters, in the names of the public checkpoints.</summary>
    /// <param name="hasScore">Whether the model has the scalar head of a reward or value model, <c>score.weight</c> (1, C).</param>
    /// <returns>All parameters in the order of the forward pass.</returns>
    public IReadOnlyList<TensorSpec> Specs(bool hasScore)
    {
        List<TensorSpec> specs = [Matrix("wte.weight", VocabularySize, Width), Matrix("wpe.weight", Positions, Width)];
        for (int l = 0; l < Layers; l++)
        {
            specs.AddRange([
                Vector($"h.{l}.ln_1.weight", Width), Vector($"h.{l}.ln_1.bias", Width),
                Matrix($"h.{l}.attn.c_attn.weight", Width, 3 * Width), Vector($"h.{l}.attn.c_attn.bias", 3 * Width),
                Matrix($"h.{l}.attn.c_proj.weight", Width, Width), Vector($"h.{l}.attn.c_proj.bias", Width),
                Vector($"h.{l}.ln_2.weight", Width), Vector($"h.{l}.ln_2.bias", Width),
                Matrix($"h.{l}.mlp.c_fc.weight", Width, Inner), Vector($"h.{l}.mlp.c_fc.bias", Inner),
                Matrix($"h.{l}.mlp.c_proj.weight", Inner, Width), Vector($"h.{l}.mlp.c_proj.bias", Width)]);
        }

        specs.AddRange([Vector("ln_f.weight", Width), Vector("ln_f.bias", Width)]);
        if (!TieWordEmbeddings) specs.Add(Matrix("lm_head.weight", VocabularySize, Width));
        if (LmHeadBias) specs.Add(Vector("lm_head.bias", VocabularySize));
        if (hasScore) specs.Add(Matrix("score.weight", 1, Width));
        return specs;

        static TensorSpec Matrix(string name, int rows, int cols) => TensorSpec.Matrix(name, rows, cols);
        static TensorSpec Vector(string name, int length) => TensorSpec.Vector(name, length);
    }

    private sealed class Keys(string file, JsonObject json)
    {
        public int Integer(string key, int largest) => OptionalInteger(key, 1, largest)
            ?? throw new InputException($"{file}: key '{key}' is missing; it is an integer from 1 to {largest}");

        public int? OptionalInteger(string key, int smallest, int largest)
        {
            if (json[key] is not { } node) return null;
            if (node is JsonValue value && value.TryGetValue(out int number) && number >= smallest && number <= largest) return number;
            throw new InputException($"{file}: {key} is {Shown(node)}; it must be an integer from {smallest} to {largest}");
        }

        public double Number(string key, double fallback)
        {
            if (json[key] is not { } node) return fallback;
            return node is JsonValue value && value.TryGetValue(out double number) ? number : throw new InputException($"{file}: {key} is {Shown(node)}; it must be a number");
        }

        public bool Flag(string key, bool fallback)
        {
            if (json[key] is not { } node) return fallback;
            return node is JsonValue value && value.TryGetValue(out bool flag) ? flag : throw new InputException($"{file}: {key} is {Shown(node)}; it must be true or false");
        }

        public string Text(string key, string fallback)
        {
            if (json[key] is not { } node) return fallback;
            return node is JsonValue value && value.TryGetValue(out string? text) ? text : throw new InputException($"{file}: {key} is {Shown(node)}; it must be a string");
        }

        private static string Shown(JsonNode node)
        {
            string text = node.ToJsonString();
            return text.Length <= 40 ? text : text[..40] + "…";
        }
    }
}
