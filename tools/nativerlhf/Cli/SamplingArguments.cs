using System.CommandLine;
using NativeRlhf.Data;

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

    private readonly AdapterOption _adapter;

    public SamplingArguments(Command command)
    {
        foreach (Option option in new Option[] { _length, _temperature, _topK, _topP, _template, _tokenizer }) command.Options.Add(option);
        _adapter = new AdapterOption(command);
    }

    /// <exception cref="InputException">A value is out of range.</exception>
    public AnswerSampling Read(ParseResult result)
    {
        Require(result.GetValue(_temperature) >= 0 && float.IsFinite(result.GetValue(_temperature)), "--temperature must be at least 0");
        Require(result.GetValue(_topK) >= 0, "--top-k must be at least 0");
        Require(result.GetValue(_topP) is > 0 and <= 1, "--top-p must be above 0 and at most 1");
        Require(result.GetValue(_length) is null or >= 1, "--max-new-tokens must be at least 1");
        return new AnswerSampling(
            result.GetValue(_temperature), result.GetValue(_topK), result.GetValue(_topP), result.GetValue(_length), result.GetValue(_template)!, result.GetValue(_tokenizer),
            _adapter.Directory(result));
    }

    public static void Require(bool condition, string message)
    {
        if (!condition) throw new InputException(message);
    }
}
