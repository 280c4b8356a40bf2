using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Feedback;

/// <summary>
/// A language model as critic or reviser: it goes on where the filled template ends. Its text is cut before the first of the constitution's
/// stop texts, and loses white space around it; a revision gets the white space that the answer begins with.
/// </summary>
/// <param name="model">The model; not disposed of.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="stop">Where texts are cut.</param>
/// <param name="options">How it is sampled.</param>
public sealed class ModelWriter(Gpt model, TextTokenizer tokenizer, IReadOnlyList<string> stop, SamplingOptions options) : IWriter
{
    /// <inheritdoc/>
    /// <exception cref="InputException">A filled template leaves no room for a text.</exception>
    public string[] Write(IReadOnlyList<WritingRequest> requests, uint firstStream = 0, CancellationToken cancel = default)
    {
        if (requests.Count == 0) return [];
        EncodedPrompt[] inputs = [.. requests.Select(request => new EncodedPrompt(tokenizer.Encode(request.Input), request.Input, [], request.Place))];
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Tokens.Length + options.MaxNewTokens > model.Config.Positions)
                throw requests[i].Place.Error($"for the {requests[i].Task} by the principle '{requests[i].Principle}' the model is given {inputs[i].Tokens.Length} tokens, and with {options.MaxNewTokens} new ones that exceeds its {model.Config.Positions} positions; shorten the templates, the prompt or the answers");
        }

        using var sampler = new PromptSampler(model, tokenizer, inputs.Length, inputs.Max(input => input.Tokens.Length), options.MaxNewTokens);
        return [.. sampler.Answer(inputs, options, firstStream, cancel).Select((answer, i) => Tidy(answer.Text!, requests[i]))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private string Tidy(string text, WritingRequest request)
    {
        text = text.TrimStart();
        foreach (string end in stop)
        {
            int at = text.IndexOf(end, StringComparison.Ordinal);
            if (at >= 0) text = text[..at];
        }

        text = text.TrimEnd();
        return request.Task == ConstitutionalRevision.RevisionTask && text.Length > 0
            ? request.Completion[..(request.Completion.Length - request.Completion.TrimStart().Length)] + text
            : text;
    }
}
