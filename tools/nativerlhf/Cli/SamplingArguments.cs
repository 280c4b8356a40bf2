using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Cli;

/// <summary>The options of every command that samples answers.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<int?> _length = new("--max-new-tokens") { Description = "the most tokens of an answer (default: 64, or half of the model's positions if that is less)", HelpName = "n" };
    private readonly Option<float> _temperature = new("--temperature") { Description = "logits are divided by it; 0 is greedy", DefaultValueFactory = _ => 1, HelpName = "x" };
    private readonly Option<int> _topK = new("--top-k") { Description = "only the k most probable tokens; 0 for all", HelpName = "n" };
    private readonly Option<float> _topP = new("--top-p") { Description = "only the most probable tokens that together have this mass", DefaultValueFactory = _ => 1, HelpName = "x" };
    private readonly Option<string> _template = new("--prompt-template") { Description = "the text that a prompt becomes", DefaultValueFactory = _ => RowEncoder.PromptPlaceholder, HelpName = "text" };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };

    public SamplingArguments(Command command)
    {
        foreach (Option option in new Option[] { _length, _temperature, _topK, _topP, _template, _tokenizer }) command.Options.Add(option);
    }

    /// <exception cref="InputException">A value is out of range.</exception>
    public void Check(ParseResult result)
    {
        Require(result.GetValue(_temperature) >= 0 && float.IsFinite(result.GetValue(_temperature)), "--temperature must be at least 0");
        Require(result.GetValue(_topK) >= 0, "--top-k must be at least 0");
        Require(result.GetValue(_topP) is > 0 and <= 1, "--top-p must be above 0 and at most 1");
        Require(result.GetValue(_length) is null or >= 1, "--max-new-tokens must be at least 1");
    }

    public float Temperature(ParseResult result) => result.GetValue(_temperature);

    public int MaxNewTokens(ParseResult result, GptConfig model) => result.GetValue(_length) ?? Math.Min(64, model.Positions / 2);

    public TextTokenizer? Tokenizer(ParseResult result, string modelDirectory) =>
        result.GetValue(_tokenizer) is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.TryLoad(modelDirectory);

    /// <summary>What turns prompts into tokens that leave room for an answer.</summary>
    public RowEncoder Encoder(ParseResult result, GptConfig model, TextTokenizer? tokenizer)
    {
        int maxNewTokens = MaxNewTokens(result, model), room = model.Positions - maxNewTokens;
        Require(room >= 1, $"--max-new-tokens {maxNewTokens} leaves no room for a prompt in the model's {model.Positions} positions");
        return new RowEncoder(tokenizer, model.VocabularySize, model.EosToken, room, promptTemplate: result.GetValue(_template)!);
    }

    public SamplingOptions Options(ParseResult result, GptConfig model, ulong seed) =>
        new(MaxNewTokens(result, model), result.GetValue(_temperature), result.GetValue(_topK), result.GetValue(_topP), seed);

    /// <summary>The settings as they stand in rows of sampled answers.</summary>
    public JsonObject ToJson(ParseResult result, SamplingOptions options)
    {
        var json = new JsonObject
        {
            ["temperature"] = options.Temperature,
            ["top_k"] = options.TopK,
            ["top_p"] = options.TopP,
            ["max_new_tokens"] = options.MaxNewTokens,
            ["seed"] = options.Seed,
        };
        if (result.GetValue(_template) is { } template && template != RowEncoder.PromptPlaceholder) json["prompt_template"] = template;
        return json;
    }

    public static void Require(bool condition, string message)
    {
        if (!condition) throw new InputException(message);
    }
}
