using System.Text.Json.Nodes;
using NativeRlhf.Data;
using NativeRlhf.Rollout;

namespace NativeRlhf.Runner.Cli;

/// <summary>Rows of sampled answers, in the forms that trainers read.</summary>
internal static class AnswerRows
{
    /// <summary>What a row may hold about answers of its own, which sampled ones take the place of.</summary>
    private static readonly HashSet<string> Replaced =
    [
        "completion", "completion_tokens", "completions", "chosen", "chosen_tokens", "rejected", "rejected_tokens", "ranks", "labeler", "score", "scores", "model", "models",
        "sampling", "finish_reason", "finish_reasons", "instruction", "input", "output", "messages", "conversations", "text", "tokens",
    ];

    /// <summary>A row with the prompt as it was read, before any template, and the other fields of its row.</summary>
    public static JsonObject Begin(PromptRow row)
    {
        var json = new JsonObject();
        if (row.Prompt.Text is { } text) json["prompt"] = text;
        else json["prompt_tokens"] = Ids(row.Prompt.Tokens);
        foreach (var (key, value) in row.Fields)
        {
            if (!Replaced.Contains(key)) json[key] = value?.DeepClone();
        }

        return json;
    }

    /// <summary>Whether a field of a row is about answers, and not about its prompt.</summary>
    public static bool IsOfAnswers(string field) => Replaced.Contains(field) || field == "logprobs";

    /// <summary>An answer: text where the prompt is text, ids where it is ids.</summary>
    public static JsonNode Content(PromptRow row, PromptAnswer answer) => row.Prompt.Text is null ? Ids(answer.Sampled.Tokens) : answer.Text!;

    /// <summary>Whether an answer says nothing.</summary>
    public static bool IsEmpty(PromptRow row, PromptAnswer answer) => row.Prompt.Text is not null && answer.Text is "";

    public static string FinishReason(SampledAnswer answer) => answer.Ended ? "eos" : "length";

    public static JsonArray Array<T>(IEnumerable<T> values) => new([.. values.Select(value => (JsonNode?)JsonValue.Create(value))]);

    private static JsonArray Ids(ReadOnlySpan<int> ids) => Array(ids.ToArray());
}
