using NativeRlhf.Evaluation;
using NativeRlhf.Model;

namespace NativeRlhf.Rewards;

/// <summary>A trained reward model: the scalar at the last token of prompt and answer.</summary>
/// <param name="model">A model with a scalar head; disposed with this.</param>
/// <param name="scorer">Runs it.</param>
/// <param name="owned">What is disposed with this besides the model: memory of its own, where it shares none.</param>
public sealed class RewardModel(Gpt model, SequenceScorer scorer, IDisposable? owned = null) : IReward
{
    /// <inheritdoc/>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null) =>
        Array.ConvertAll(scorer.Scores(model, [.. requests.Select(request => request.Tokens)]), score => (double)score);

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        owned?.Dispose();
    }
}
