using System.Text.Json.Nodes;
using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>
/// LAMBADA (Paperno et al. 2016) as <c>lambada_openai</c> of lm-evaluation-harness 0.4: the last word of a passage, what follows its last
/// space, is predicted from the rest. <c>acc</c>: the share of words that greedy decoding would give, token by token;
/// <c>perplexity</c>: exp(−(1/n)·Σ log p(" word" | rest)), over words and not tokens.
/// </summary>
public sealed class Lambada : BenchmarkSuite
{
    /// <inheritdoc/>
    public override string Name => "lambada";

    /// <inheritdoc/>
    public override string Description => "LAMBADA: the last word of a passage, accuracy of greedy decoding and perplexity";

    /// <inheritdoc/>
    public override string Files => "rows with text (.jsonl)";

    /// <inheritdoc/>
    public override SuiteResult Run(LikelihoodScorer scorer, IReadOnlyList<string> files, int? limit = null)
    {
        LikelihoodRequest[] items = Items(files, limit, Read);
        var scores = scorer.Score(items, greedy: true);
        return new SuiteResult(
            Name, items.Length, scores.Count(score => score.IsTruncated),
            [
                Measure.Mean("acc", [.. scores.Select(score => score.IsGreedy ? 1.0 : 0)]),
                Measure.OfRatio("perplexity", [.. scores.Select(score => (score.LogProbability, 1.0))], static mean => Math.Exp(-mean)),
            ],
            [.. scores.Select((score, i) => new JsonObject { ["item"] = i, ["place"] = items[i].Place.ToString(), ["logprob"] = score.LogProbability, ["tokens"] = score.Tokens, ["greedy"] = score.IsGreedy })]);
    }

    private static IEnumerable<LikelihoodRequest> Read(string file)
    {
        foreach (var (place, row) in JsonRows.Read(file))
        {
            string text = new RowFields(place, row).Text("text") ?? throw place.Error("the row has no 'text'; a passage of LAMBADA is {\"text\": …}");
            int space = text.LastIndexOf(' ');
            if (space < 0 || space == text.Length - 1) throw place.Error("the passage does not end with a word after a space; there is nothing to predict");
            yield return new LikelihoodRequest(text[..space], text[space..], place);
        }
    }
}
