using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>
/// WikiText (Merity et al. 2016) as <c>wikitext</c> of lm-evaluation-harness 0.4: every article, detokenized, is scored whole in rolling windows
/// (<see cref="LikelihoodScorer.Rolling"/>). With L the sum of all log-probabilities: <c>word_perplexity</c> exp(−L / words), with the words of the
/// article before it was detokenized (parts between white space, the empty ones at both ends among them, as the harness counts);
/// <c>byte_perplexity</c> exp(−L / bytes), with the UTF-8 bytes of the same; <c>bits_per_byte</c> −L / (bytes · ln 2); and
/// <c>token_perplexity</c> exp(−L / tokens), which depends on the tokenizer and is not the harness's.
/// <para>
/// The harness reads the raw set; a file with <c>&lt;unk&gt;</c> in it, the set of the word-level models, gives other numbers. An article begins at a line
/// <c> = Title = </c>.
/// </para>
/// </summary>
public sealed partial class WikiText : BenchmarkSuite
{
    /// <inheritdoc/>
    public override string Name => "wikitext";

    /// <inheritdoc/>
    public override string Description => "WikiText-2: perplexity by word, byte and token";

    /// <inheritdoc/>
    public override string Files => "wiki.test.tokens, wiki.test.raw or the like: text with headings = Title =";

    /// <inheritdoc/>
    public override SuiteResult Run(LikelihoodScorer scorer, IReadOnlyList<string> files, int? limit = null)
    {
        (string Text, RowPlace Place)[] articles = Items(files, limit, Articles);
        var scores = scorer.Rolling([.. articles.Select(article => (Detokenize(article.Text), article.Place))]);
        double[] words = [.. articles.Select(article => (double)Space().Split(article.Text).Length)], bytes = [.. articles.Select(article => (double)Encoding.UTF8.GetByteCount(article.Text))];
        return new SuiteResult(
            Name, articles.Length, 0,
            [
                Per("word_perplexity", words, static mean => Math.Exp(-mean)),
                Per("byte_perplexity", bytes, static mean => Math.Exp(-mean)),
                Per("bits_per_byte", bytes, static mean => -mean / Math.Log(2)),
                Per("token_perplexity", [.. scores.Select(score => (double)score.Tokens)], static mean => Math.Exp(-mean)),
            ],
            [.. articles.Select((article, i) => new JsonObject
            {
                ["place"] = article.Place.ToString(),
                ["logprob"] = scores[i].LogProbability,
                ["words"] = words[i],
                ["bytes"] = bytes[i],
                ["tokens"] = scores[i].Tokens,
            })]);

        Measure Per(string name, double[] lengths, Func<double, double> of) => Measure.OfRatio(name, [.. scores.Zip(lengths, (score, length) => (score.LogProbability, length))], of);
    }

    /// <summary>Undoes what the set's makers did to words, by the rules of the harness.</summary>
    /// <param name="text">An article.</param>
    /// <returns>The text as people write it.</returns>
    public static string Detokenize(string text)
    {
        text = text.Replace("s '", "s'", StringComparison.Ordinal);
        // The slashes stand in the harness's pattern too, so that it hardly ever matches.
        text = DigitsAfterQuote().Replace(text, "/'[0-9]/");
        foreach (var (from, to) in new[] { (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."), (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", ") })
            text = text.Replace(from, to, StringComparison.Ordinal);
        text = Parentheses().Replace(text, "($1)");
        text = Brackets().Replace(text, "[$1]");
        text = Braces().Replace(text, "{$1}");
        text = DoubleQuotes().Replace(text, "\"$1\"");
        text = SingleQuotes().Replace(text, "'$1'");
        foreach (var (from, to) in new[] { ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" ° ", "°"), (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "), (" 's", "'s") })
            text = text.Replace(from, to, StringComparison.Ordinal);
        return text;
    }

    /// <summary>The articles of a file; what stands before the first heading is one if it is not blank.</summary>
    private static IEnumerable<(string Text, RowPlace Place)> Articles(string file)
    {
        string text = DataFile.ReadText(file);
        int start = 0;
        long line = 1, startLine = 1;
        for (int at = 0, next; at < text.Length; at = next, line++)
        {
            next = text.IndexOf('\n', at) is >= 0 and int end ? end + 1 : text.Length;
            if (!Heading().IsMatch(text.AsSpan(at, next - at))) continue;
            if (!string.IsNullOrWhiteSpace(text[start..at])) yield return (text[start..at], new RowPlace(file, startLine));
            (start, startLine) = (at, line);
        }

        if (!string.IsNullOrWhiteSpace(text[start..])) yield return (text[start..], new RowPlace(file, startLine));
    }

    // One sign on each side: two and more are sections of an article.
    [GeneratedRegex(@"^\s*= [^=].*[^=] =\s*$|^\s*= [^=\s] =\s*$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("/' [0-9]/")]
    private static partial Regex DigitsAfterQuote();

    [GeneratedRegex(@"\(\s*([^\)]*?)\s*\)")]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"\[\s*([^\]]*?)\s*\]")]
    private static partial Regex Brackets();

    [GeneratedRegex(@"\{\s*([^}]*?)\s*\}")]
    private static partial Regex Braces();

    [GeneratedRegex("\"\\s*([^\"]*?)\\s*\"")]
    private static partial Regex DoubleQuotes();

    [GeneratedRegex(@"'\s*([^']*?)\s*'")]
    private static partial Regex SingleQuotes();
}
