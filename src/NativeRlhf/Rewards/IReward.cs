using System.Text.Json.Nodes;

namespace NativeRlhf.Rewards;

/// <summary>An answer to be scored.</summary>
/// <param name="Prompt">The prompt as text; empty where prompts are token ids.</param>
/// <param name="Completion">The answer as text, without the end-of-text token.</param>
/// <param name="Tokens">The tokens of prompt and answer, the end included if it was reached.</param>
/// <param name="Fields">The other fields of the prompt's row.</param>
public sealed record RewardRequest(string Prompt, string Completion, int[] Tokens, JsonObject Fields);

/// <summary>What says how good answers are.</summary>
public interface IReward : IDisposable
{
    /// <summary>Scores answers.</summary>
    /// <param name="requests">The answers.</param>
    /// <param name="report">
    /// Receives what there is to say beside the scores, by name: <c>score_std</c>, the disagreement within an ensemble;
    /// <c>scores/NAME</c>, the mean score of each of several rewards. Null if nobody asks.
    /// </param>
    /// <returns>One score each, in their order.</returns>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null);
}
