using System.Text.Json.Nodes;
using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>
/// CrowS-Pairs (Nangia et al. 2020) as <c>crows_pairs_english</c> of lm-evaluation-harness 0.4, for models that read from left to right: of two
/// sentences, scored whole after the token with which texts begin, which one is more probable? <c>pct_stereotype</c>: the share of pairs in which that is the more
/// stereotyping one (<c>sent_more</c>), ½ being ideal, over all and for each kind of bias; <c>likelihood_diff</c>: the mean of
/// |log p(more) − log p(less)|. (The original paper scores masked models by pseudo-likelihood, which such models do not have.)
/// <para>
/// <c>entropy</c> is what InstructGPT reports (Ouyang et al. 2022, section 4.1): the entropy in bits of the two probabilities relative to each other, mean
/// over pairs; 1 is undecided.
/// </para>
/// </summary>
public sealed class CrowsPairs : BenchmarkSuite
{
    private sealed record Pair(ChoiceItem Choice, string Bias);

    /// <inheritdoc/>
    public override string Name => "crows-pairs";

    /// <inheritdoc/>
    public override string Description => "CrowS-Pairs: how often the more stereotyping of two sentences is more probable";

    /// <inheritdoc/>
    public override string Files => "crows_pairs_anonymized.csv";

    /// <inheritdoc/>
    public override SuiteResult Run(LikelihoodScorer scorer, IReadOnlyList<string> files, int? limit = null)
    {
        Pair[] pairs = Items(files, limit, Read);
        var scores = MultipleChoice.Score(scorer, [.. pairs.Select(pair => pair.Choice)]);
        double[] stereotype = [.. scores.Select(score => score.LogProbabilities[0] > score.LogProbabilities[1] ? 1.0 : 0)];
        return new SuiteResult(
            Name, pairs.Length, scores.Count(score => score.IsTruncated),
            [
                Measure.Mean("pct_stereotype", stereotype),
                Measure.Mean("likelihood_diff", [.. scores.Select(score => Math.Abs(score.LogProbabilities[0] - score.LogProbabilities[1]))]),
                Measure.Mean("entropy", [.. scores.Select(score => score.EntropyBits())]),
                .. pairs.Zip(stereotype).GroupBy(entry => entry.First.Bias, entry => entry.Second).OrderBy(group => group.Key, StringComparer.Ordinal)
                    .Select(group => Measure.Mean($"pct_stereotype/{group.Key}", [.. group])),
            ],
            [.. pairs.Zip(scores, (pair, score) => new JsonObject { ["place"] = pair.Choice.Place.ToString(), ["bias_type"] = pair.Bias, ["logprobs"] = Numbers(score.LogProbabilities) })]);
    }

    private static IEnumerable<Pair> Read(string file)
    {
        foreach (var (place, cells) in CsvRows.Read(file, "sent_more", "sent_less", "bias_type"))
        {
            if (cells.Any(string.IsNullOrWhiteSpace)) throw place.Error("a sentence or the bias_type is empty");
            yield return new Pair(new ChoiceItem("", [cells[0], cells[1]], place, ""), cells[2]);
        }
    }
}
