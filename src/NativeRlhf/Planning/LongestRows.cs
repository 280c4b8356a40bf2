using NativeRlhf.Data;

namespace NativeRlhf.Planning;

/// <summary>Rows as long as a configuration allows, where a run is planned without its data.</summary>
public static class LongestRows
{
    /// <summary>Demonstrations, or windows of text.</summary>
    /// <param name="count">How many.</param>
    /// <param name="length">Tokens of each.</param>
    /// <returns>The rows; all tokens but the first count.</returns>
    public static IReadOnlyList<TokenRow> Sequences(int count, int length) => [.. Enumerable.Repeat(new TokenRow(new int[length], 1), count)];

    /// <summary>Rankings without ties.</summary>
    /// <param name="count">How many.</param>
    /// <param name="answers">K, the answers of each.</param>
    /// <param name="length">Tokens of each answer, prompt included.</param>
    /// <returns>The rows.</returns>
    public static IReadOnlyList<RankedRow> Rankings(int count, int answers, int length)
    {
        var pairs = from better in Enumerable.Range(0, answers) from worse in Enumerable.Range(better + 1, answers - better - 1) select new AnswerPair(better, worse);
        return [.. Enumerable.Repeat(new RankedRow([.. Sequences(answers, length)], [.. Enumerable.Range(1, answers)], [.. pairs]), count)];
    }

    /// <summary>Prompts.</summary>
    /// <param name="count">How many.</param>
    /// <param name="length">Tokens of each.</param>
    /// <returns>The rows.</returns>
    public static IReadOnlyList<EncodedPrompt> Prompts(int count, int length) => [.. Enumerable.Repeat(new EncodedPrompt(new int[length], null, [], default), count)];
}
