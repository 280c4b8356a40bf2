using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Rollout;

/// <summary>A sampled answer to a prompt.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Sampled">The tokens of the answer, and whether it ended.</param>
/// <param name="Text">The answer as text, without the end-of-text token; null where there is no tokenizer.</param>
public sealed record PromptAnswer(EncodedPrompt Prompt, SampledAnswer Sampled, string? Text)
{
    /// <summary>Prompt and answer, of which the answer counts.</summary>
    public TokenRow Row { get; } = new([.. Prompt.Tokens, .. Sampled.Tokens], Prompt.Tokens.Length);

    /// <summary>The tokens of the answer without the end-of-text token.</summary>
    public ReadOnlySpan<int> Content => Sampled.Ended ? Sampled.Tokens.AsSpan(0, Sampled.Tokens.Length - 1) : Sampled.Tokens;

    /// <summary>What a reward is asked about it.</summary>
    public RewardRequest Request => new(Prompt.Text ?? "", Text ?? "", Row.Tokens, Prompt.Fields);
}

/// <summary>Samples answers to prompts, with their texts.</summary>
public sealed class PromptSampler : IDisposable
{
    private const int MostSlots = 64;

    private readonly Generator _generator;
    private readonly TextTokenizer? _tokenizer;
    private readonly int? _endOfText;

    /// <summary>Plans the memory.</summary>
    /// <param name="model">The model that answers.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    /// <param name="answers">How many answers are asked for at once; more wait their turn.</param>
    /// <param name="longestPrompt">The most tokens of a prompt.</param>
    /// <param name="maxNewTokens">The most tokens of an answer.</param>
    public PromptSampler(Gpt model, TextTokenizer? tokenizer, int answers, int longestPrompt, int maxNewTokens)
    {
        _generator = new Generator(model, Math.Min(answers, MostSlots), longestPrompt + maxNewTokens);
        _tokenizer = tokenizer;
        _endOfText = model.Config.EosToken ?? tokenizer?.EndOfText;
    }

    /// <summary>Samples an answer to every prompt; one that is there n times is read once and answered n times.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">How to sample; the end-of-text token is the model's.</param>
    /// <param name="firstStream">The random stream of the first answer; those of the others follow.</param>
    /// <param name="cancel">Checked before every token.</param>
    /// <returns>The answers, in the order of the prompts.</returns>
    public PromptAnswer[] Answer(IReadOnlyList<EncodedPrompt> prompts, SamplingOptions options, uint firstStream = 0, CancellationToken cancel = default)
    {
        var sampled = _generator.Generate(
            [.. prompts.Select((prompt, i) => new SampleRequest(prompt.Tokens, firstStream + (uint)i))], options with { EndOfText = _endOfText }, cancel: cancel);
        return [.. prompts.Zip(sampled, (prompt, answer) => new PromptAnswer(
            prompt, answer, _tokenizer?.Decode(answer.Ended ? answer.Tokens.AsSpan(0, answer.Tokens.Length - 1) : answer.Tokens)))];
    }

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();
}
