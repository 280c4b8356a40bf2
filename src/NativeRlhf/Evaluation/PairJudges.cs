using System.Text.Json.Nodes;
using NativeRlhf.Rewards;

namespace NativeRlhf.Evaluation;

/// <summary>Which of two answers to one prompt is better.</summary>
/// <param name="First">1 if the first one is, 0 if the second one is, ½ for a tie.</param>
/// <param name="Disagrees">Whether a judge that was asked in both orders did not answer the same.</param>
/// <param name="Scores">The scores of both, from a judge that gives any.</param>
public readonly record struct PairVerdict(double First, bool Disagrees = false, (double First, double Second)? Scores = null);

/// <summary>What says which of two answers is better.</summary>
public interface IPairJudge : IDisposable
{
    /// <summary>Judges pairs.</summary>
    /// <param name="pairs">Two answers to one prompt each.</param>
    /// <returns>One verdict each, in their order.</returns>
    public PairVerdict[] Judge(IReadOnlyList<(RewardRequest First, RewardRequest Second)> pairs);
}

/// <summary>A reward as judge: the answer with the higher score is better, equal scores are a tie. It sees one answer at a time, so that no order matters.</summary>
/// <param name="reward">The reward; disposed with this.</param>
public sealed class RewardPairJudge(IReward reward) : IPairJudge
{
    /// <inheritdoc/>
    public PairVerdict[] Judge(IReadOnlyList<(RewardRequest First, RewardRequest Second)> pairs)
    {
        double[] scores = reward.Score([.. pairs.SelectMany(pair => new[] { pair.First, pair.Second })]);
        return [.. pairs.Select((_, i) =>
        {
            var (first, second) = (scores[2 * i], scores[(2 * i) + 1]);
            return new PairVerdict(first > second ? 1 : first < second ? 0 : 0.5, false, (first, second));
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => reward.Dispose();
}

/// <summary>
/// Another program as judge of pairs, kept running: it reads one JSON object a line, <c>{"prompt", "first", "second", …fields of the prompt's
/// row}</c>, and answers <c>first</c>, <c>second</c> or <c>tie</c> a line, in the same order. Judges like one place better than the other, so
/// that each pair is asked in both orders, one right after the other: an answer is better if it is in both, and all else is a tie.
/// </summary>
/// <param name="command">A command line for the shell.</param>
/// <param name="timeout">How long an answer may take; 60 s by default.</param>
/// <exception cref="InputException">The program cannot be started.</exception>
public sealed class CommandPairJudge(string command, TimeSpan? timeout = null) : IPairJudge
{
    private readonly LineProcess _process = new(command, timeout);

    /// <inheritdoc/>
    /// <exception cref="InputException">An answer is none of the three or takes too long, or the program has ended; the message has the line.</exception>
    public PairVerdict[] Judge(IReadOnlyList<(RewardRequest First, RewardRequest Second)> pairs)
    {
        double[] answers = _process.Ask<double>([.. pairs.SelectMany(pair => new[] { Line(pair.First, pair.Second), Line(pair.Second, pair.First) })], static answer => answer.Trim() switch
        {
            "first" => (1, null),
            "second" => (0, null),
            "tie" => (0.5, null),
            _ => (0, "which is none of first, second and tie"),
        });
        return [.. pairs.Select((_, i) =>
        {
            double one = answers[2 * i], other = 1 - answers[(2 * i) + 1];
            return one == other ? new PairVerdict(one) : new PairVerdict(0.5, true);
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private static string Line(RewardRequest first, RewardRequest second)
    {
        var json = new JsonObject { ["prompt"] = first.Prompt, ["first"] = first.Completion, ["second"] = second.Completion };
        foreach (var (key, value) in first.Fields)
        {
            if (!json.ContainsKey(key)) json[key] = value?.DeepClone();
        }

        return json.ToJsonString(JsonStyle.Line);
    }
}
