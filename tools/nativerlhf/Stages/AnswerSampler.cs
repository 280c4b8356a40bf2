using NativeRlhf.Miniature;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Stages;

/// <summary>An answer of a model, for the judge and for the models that score it.</summary>
/// <param name="Prompt">The tokens of the prompt.</param>
/// <param name="Tokens">The tokens of the answer.</param>
/// <param name="Answer">Its text, and whether it ended.</param>
internal sealed record ModelAnswer(int[] Prompt, int[] Tokens, Answer Answer);

/// <summary>Samples answers of a model.</summary>
/// <param name="model">The model.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="answerTokens">The most tokens of an answer.</param>
/// <param name="temperature">The temperature.</param>
/// <param name="cancel">Ends the sampling between two tokens.</param>
internal sealed class AnswerSampler(Gpt model, TextTokenizer tokenizer, int answerTokens, float temperature, CancellationToken cancel) : IDisposable
{
    private readonly Generator _generator = new(model, slots: 64, model.Config.Positions);

    public IReadOnlyList<ModelAnswer> Sample(IReadOnlyList<string> prompts, ulong seed)
    {
        int[][] encoded = [.. prompts.Select(prompt => tokenizer.Encode(prompt))];
        var sampled = _generator.Generate(
            [.. encoded.Select((tokens, i) => new SampleRequest(tokens, (uint)i))],
            new SamplingOptions(answerTokens, temperature, Seed: seed, EndOfText: tokenizer.EndOfText), cancel: cancel);
        return [.. sampled.Select((answer, i) => new ModelAnswer(
            encoded[i], answer.Tokens, new Answer(tokenizer.Decode(answer.Ended ? answer.Tokens.AsSpan(0, answer.Tokens.Length - 1) : answer.Tokens), answer.Ended)))];
    }

    public void Dispose() => _generator.Dispose();
}
