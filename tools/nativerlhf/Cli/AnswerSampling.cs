using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Cli;

/// <summary>How answers are sampled, whether a command line says so or a plan.</summary>
/// <param name="Temperature">Logits are divided by it; 0 is greedy.</param>
/// <param name="TopK">Only the k most probable tokens; 0 for all.</param>
/// <param name="TopP">Only the most probable tokens that together have this mass.</param>
/// <param name="Length">The most tokens of an answer; null for 64, or half of the model's positions if that is less.</param>
/// <param name="Template">The text that a prompt becomes.</param>
/// <param name="TokenizerFolder">The folder of the tokenizer, if it is not the model's own.</param>
/// <param name="AdapterFolder">The directory of an adapter over the model, or null.</param>
internal sealed record AnswerSampling(
    float Temperature = 1, int TopK = 0, float TopP = 1, int? Length = null, string Template = RowEncoder.PromptPlaceholder, string? TokenizerFolder = null,
    string? AdapterFolder = null)
{
    /// <summary>The model of a directory, with the adapter if there is one.</summary>
    public Gpt Load(ComputeDevice device, string directory)
    {
        var model = ModelDirectory.Load(device, directory, ScoreHead.None);
        if (AdapterFolder is not null) AdapterDirectory.Attach(model, AdapterFolder);
        return model;
    }

    public int MaxNewTokens(GptConfig model) => Length ?? Math.Min(64, model.Positions / 2);

    public TextTokenizer? Tokenizer(string modelDirectory) => TokenizerFolder is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.TryLoad(modelDirectory);

    /// <summary>What turns prompts into tokens that leave room for an answer.</summary>
    /// <exception cref="InputException">There is no room.</exception>
    public RowEncoder Encoder(GptConfig model, TextTokenizer? tokenizer)
    {
        int maxNewTokens = MaxNewTokens(model), room = model.Positions - maxNewTokens;
        if (room < 1) throw new InputException($"an answer of {maxNewTokens} new tokens leaves no room for a prompt in the model's {model.Positions} positions; lower --max-new-tokens (in a plan sampling.maxNewTokens)");
        return new RowEncoder(tokenizer, model.VocabularySize, model.EosToken, room, promptTemplate: Template);
    }

    public SamplingOptions Options(GptConfig model, ulong seed) => new(MaxNewTokens(model), Temperature, TopK, TopP, seed);

    /// <summary>The settings as they stand in rows of sampled answers.</summary>
    public JsonObject ToJson(SamplingOptions options)
    {
        var json = new JsonObject
        {
            ["temperature"] = options.Temperature,
            ["top_k"] = options.TopK,
            ["top_p"] = options.TopP,
            ["max_new_tokens"] = options.MaxNewTokens,
            ["seed"] = options.Seed,
        };
        if (Template != RowEncoder.PromptPlaceholder) json["prompt_template"] = Template;
        return json;
    }
}
