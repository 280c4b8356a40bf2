using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Rewards;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Evaluation;

/// <summary>A prompt with answers to it.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Answers">The answers.</param>
/// <param name="Place">Where it came from.</param>
internal sealed record AnsweredPrompt(string Prompt, IReadOnlyList<RewardRequest> Answers, RowPlace Place);

/// <summary>Where the answers come from that are evaluated: a model that is sampled, or a file.</summary>
internal static class AnswerSource
{
    /// <summary>Samples n answers to every prompt.</summary>
    /// <param name="device">The device.</param>
    /// <param name="directory">The model.</param>
    /// <param name="rows">The prompts.</param>
    /// <param name="samples">n.</param>
    /// <param name="sampling">How it is sampled.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="turn">0 for the first model that answers these prompts, 1 for the second: each has its own random numbers.</param>
    public static AnsweredPrompt[] Sample(ComputeDevice device, string directory, IReadOnlyList<PromptRow> rows, int samples, AnswerSampling sampling, ulong seed, int turn = 0)
    {
        using var model = sampling.Load(device, directory);
        var tokenizer = sampling.Tokenizer(directory);
        var encoded = sampling.Encoder(model.Config, tokenizer).Prompts(rows, new DataReport());
        var options = sampling.Options(model.Config, seed);
        using var sampler = new PromptSampler(model, tokenizer, rows.Count * samples, encoded.Max(prompt => prompt.Tokens.Length), options.MaxNewTokens);
        var answers = sampler.Answer([.. encoded.SelectMany(prompt => Enumerable.Repeat(prompt, samples))], options, firstStream: (uint)(turn * rows.Count * samples));
        return [.. encoded.Select((prompt, i) => new AnsweredPrompt(prompt.Text ?? "", [.. answers.Skip(i * samples).Take(samples).Select(answer => answer.Request)], prompt.Place))];
    }

    /// <summary>
    /// Reads the rows of <c>generate --json</c>, <c>bestofn</c> or <c>compare</c>: a prompt with a completion or with completions. Rows of one prompt are
    /// joined.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="model">Only the answers of this model, in a file of <c>compare</c>; null for all.</param>
    public static AnsweredPrompt[] Read(string file, string? model = null)
    {
        Dictionary<string, (List<RewardRequest> Answers, RowPlace Place)> found = [];
        List<string> order = [];
        foreach (var row in RowReader.Prompts(file))
        {
            string prompt = row.Prompt.Text ?? throw row.Place.Error("the prompt is token ids; answers are evaluated as text");
            if (!found.TryGetValue(prompt, out var entry))
            {
                found[prompt] = entry = ([], row.Place);
                order.Add(prompt);
            }

            var texts = Texts(row);
            string?[] models = row.Fields["models"] is JsonArray names ? [.. names.Select(name => name?.ToString())] : [];
            string?[] endings = row.Fields["finish_reasons"] is JsonArray reasons ? [.. reasons.Select(reason => reason?.ToString())] : [row.Fields["finish_reason"]?.ToString()];
            var fields = new JsonObject(row.Fields.Where(field => !AnswerRows.IsOfAnswers(field.Key)).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
            for (int i = 0; i < texts.Length; i++)
            {
                if (model is not null && models.ElementAtOrDefault(i) != model) continue;
                // Tokens are filled in by who knows the judge's tokenizer; a length of 1 says that the answer was cut off.
                entry.Answers.Add(new RewardRequest(prompt, texts[i], endings.ElementAtOrDefault(i) == "length" ? [0] : [], fields));
            }
        }

        return [.. order.Where(prompt => found[prompt].Answers.Count > 0).Select(prompt => new AnsweredPrompt(prompt, found[prompt].Answers, found[prompt].Place))];
    }

    /// <summary>The models whose answers a file of <c>compare</c> has, in the order in which they appear.</summary>
    public static string[] Models(string file) =>
        [.. RowReader.Prompts(file).SelectMany(row => row.Fields["models"] is JsonArray models ? models.Select(name => name?.ToString() ?? "") : throw row.Place.Error("the row does not say in 'models' whose answers these are; give a file of compare")).Distinct()];

    /// <summary>Puts answers of a file into tokens as training would: prompt ⧺ answer ⧺ end-of-text, unless the answer was cut off.</summary>
    public static AnsweredPrompt[] Encode(IReadOnlyList<AnsweredPrompt> prompts, TextTokenizer tokenizer, int? endOfText) =>
        [.. prompts.Select(prompt => prompt with
        {
            Answers = [.. prompt.Answers.Select(answer => answer with
            {
                Tokens = [.. tokenizer.Encode(answer.Prompt), .. tokenizer.Encode(answer.Completion), .. endOfText is { } end && answer.Tokens.Length == 0 ? [end] : Array.Empty<int>()],
            } is { Tokens.Length: > 0 } encoded ? encoded : throw prompt.Place.Error("prompt and answer are empty; there is nothing to be judged"))],
        })];

    private static string[] Texts(PromptRow row)
    {
        try
        {
            if (row.Fields["completions"] is JsonArray { Count: > 0 } several) return [.. several.Select(text => text!.GetValue<string>())];
            if (row.Fields["completion"] is JsonValue one) return [one.GetValue<string>()];
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException)
        {
            throw row.Place.Error("an answer must be a string", e);
        }

        throw row.Place.Error("the row has no answer; give 'completion' or 'completions', as generate --json and compare write them");
    }
}
