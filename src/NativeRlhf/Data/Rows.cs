using System.Text.Json.Nodes;

namespace NativeRlhf.Data;

/// <summary>One text for pretraining.</summary>
/// <param name="Content">The text or its token ids.</param>
/// <param name="Place">Where it came from.</param>
public sealed record Document(Content Content, RowPlace Place);

/// <summary>One demonstration for supervised fine-tuning: how to answer a prompt.</summary>
/// <param name="Prompt">The prompt, or null for a whole sequence, all of which is learned.</param>
/// <param name="Completion">The answer, or the whole sequence where there is no prompt.</param>
/// <param name="Place">Where it came from.</param>
public sealed record Demonstration(Content? Prompt, Content Completion, RowPlace Place);

/// <summary>K answers to one prompt and how a person ranked them. A pair of a better and a worse answer is K = 2.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completions">The K answers, K ≥ 2.</param>
/// <param name="Ranks">The K ranks, each ≥ 1; 1 is best, equal ranks are ties, and gaps are allowed.</param>
/// <param name="Place">Where it came from.</param>
/// <param name="Labeler">Who ranked them, or null where the row does not say.</param>
public sealed record Ranking(Content Prompt, IReadOnlyList<Content> Completions, IReadOnlyList<int> Ranks, RowPlace Place, string? Labeler = null)
{
    /// <summary>The row as <see cref="RowReader.Rankings"/> reads it: <c>{"prompt", "completions", "ranks"}</c>, and <c>labeler</c> where there is one.</summary>
    /// <returns>A new JSON object.</returns>
    public JsonObject ToJson()
    {
        bool ids = Completions.Any(completion => completion.Tokens is not null);
        var row = new JsonObject
        {
            [Prompt.Tokens is null ? "prompt" : "prompt_tokens"] = ToNode(Prompt),
            [ids ? "completion_tokens" : "completions"] = new JsonArray([.. Completions.Select(ToNode)]),
            ["ranks"] = new JsonArray([.. Ranks.Select(rank => (JsonNode)rank)]),
        };
        if (Labeler is not null)
            row["labeler"] = Labeler;
        return row;
    }

    private static JsonNode ToNode(Content content) =>
        content.Tokens is { } tokens
            ? new JsonArray([.. tokens.Select(token => (JsonNode)token)])
            : content.Text!;
}

/// <summary>One prompt for sampling, with whatever else its row holds.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Fields">All fields of the row but <c>prompt</c> and <c>prompt_tokens</c>, for reward functions.</param>
/// <param name="Place">Where it came from.</param>
public sealed record PromptRow(Content Prompt, JsonObject Fields, RowPlace Place);
