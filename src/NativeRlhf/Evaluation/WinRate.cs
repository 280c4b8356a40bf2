using System.Text.Json.Nodes;
using NativeRlhf.Rewards;

namespace NativeRlhf.Evaluation;

/// <summary>
/// How often one of two answers better: the mean over prompts of the mean over that prompt's pairs of 1 for a win, ½ for a tie, 0 for a loss.
/// The interval is a bootstrap over prompts, because the answers to one prompt belong together.
/// </summary>
/// <param name="Rate">The win rate of the first.</param>
/// <param name="Wins">Pairs that the first won.</param>
/// <param name="Ties">Pairs that neither won.</param>
/// <param name="Losses">Pairs that the second won.</param>
/// <param name="Disagreements">Pairs about which a judge said something else when asked in the other order; ties, all of them.</param>
/// <param name="Rows">One object a prompt: the answers of both, their scores if there are any, and the win rate.</param>
public sealed record WinRate(Measure Rate, int Wins, int Ties, int Losses, int Disagreements, IReadOnlyList<JsonObject> Rows)
{
    /// <summary>How many pairs were judged.</summary>
    public int Pairs => Wins + Ties + Losses;

    /// <summary>Lets a judge decide.</summary>
    /// <param name="judge">The judge.</param>
    /// <param name="first">For every prompt the answers of the first, at least one.</param>
    /// <param name="second">For every prompt as many answers of the second; the i-th ones of both are a pair.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">There is no prompt, or the numbers of answers differ.</exception>
    public static WinRate Of(IPairJudge judge, IReadOnlyList<IReadOnlyList<RewardRequest>> first, IReadOnlyList<IReadOnlyList<RewardRequest>> second, ulong seed = 42)
    {
        if (!first.Select(answers => answers.Count).SequenceEqual(second.Select(answers => answers.Count)))
            throw new ArgumentException("each prompt must have as many answers of the first as of the second", nameof(second));
        var verdicts = judge.Judge([.. first.SelectMany(answers => answers).Zip(second.SelectMany(answers => answers))]);
        List<JsonObject> rows = [];
        for (int prompt = 0, at = 0; prompt < first.Count; at += first[prompt++].Count)
        {
            var own = verdicts.AsSpan(at, first[prompt].Count).ToArray();
            var row = new JsonObject
            {
                ["prompt"] = first[prompt][0].Prompt,
                ["answers"] = Array(first[prompt].Select(answer => answer.Completion)),
                ["against_answers"] = Array(second[prompt].Select(answer => answer.Completion)),
            };
            if (own.All(verdict => verdict.Scores is not null))
            {
                row["scores"] = Array(own.Select(verdict => verdict.Scores!.Value.First));
                row["against_scores"] = Array(own.Select(verdict => verdict.Scores!.Value.Second));
            }

            row["win_rate"] = own.Average(verdict => verdict.First);
            row["disagreements"] = own.Count(verdict => verdict.Disagrees);
            rows.Add(row);
        }

        return new WinRate(
            Measure.Mean("win_rate", [.. rows.Select(row => (double)row["win_rate"]!)], seed),
            verdicts.Count(verdict => verdict.First == 1), verdicts.Count(verdict => verdict.First == 0.5), verdicts.Count(verdict => verdict.First == 0),
            verdicts.Count(verdict => verdict.Disagrees), rows);
    }

    private static JsonArray Array<T>(IEnumerable<T> values) => new([.. values.Select(value => (JsonNode?)JsonValue.Create(value))]);
}
