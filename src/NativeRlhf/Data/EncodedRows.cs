using System.Text.Json.Nodes;

namespace NativeRlhf.Data;

/// <summary>One sequence for training: the model predicts every token from the ones before it.</summary>
/// <param name="Tokens">The token ids, (n), n ≥ 1.</param>
/// <param name="CountedFrom">
/// The index of the first token whose prediction counts for the loss, ≥ 1 because nothing precedes the first token.
/// Tokens <c>[CountedFrom, n)</c> count.
/// </param>
public sealed record TokenRow(int[] Tokens, int CountedFrom)
{
    /// <summary>How many tokens count for the loss.</summary>
    public int Counted => Math.Max(0, Tokens.Length - CountedFrom);

    /// <summary>How many tokens of several rows count for the loss.</summary>
    /// <param name="rows">The rows.</param>
    /// <returns>Σ <see cref="Counted"/>.</returns>
    public static int CountedOf(ReadOnlySpan<TokenRow> rows)
    {
        int counted = 0;
        foreach (var row in rows) counted += row.Counted;
        return counted;
    }
}

/// <summary>One pair of a ranking.</summary>
/// <param name="Better">The index of the answer that was ranked higher.</param>
/// <param name="Worse">The index of the other one.</param>
public readonly record struct AnswerPair(int Better, int Worse);

/// <summary>One prompt with its ranked answers; each answer is one sequence, run once however many pairs it is in.</summary>
/// <param name="Answers">The K sequences prompt ⧺ completion ⧺ end-of-text.</param>
/// <param name="Ranks">The K ranks, 1 is best.</param>
/// <param name="Pairs">All pairs of answers with different ranks; at least one, at most K(K − 1)/2.</param>
/// <param name="Labeler">Who ranked them, or null where the row does not say.</param>
public sealed record RankedRow(TokenRow[] Answers, int[] Ranks, AnswerPair[] Pairs, string? Labeler = null);

/// <summary>One prompt to be answered.</summary>
/// <param name="Tokens">The token ids of the prompt, at least one.</param>
/// <param name="Text">The prompt as text, after the template, or null where it came as token ids.</param>
/// <param name="Fields">The other fields of its row, for reward functions.</param>
/// <param name="Place">Where it came from.</param>
public sealed record EncodedPrompt(int[] Tokens, string? Text, JsonObject Fields, RowPlace Place);
