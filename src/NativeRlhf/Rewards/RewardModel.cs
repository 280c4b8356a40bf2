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
    /// <exception cref="InputException">Prompt and answer have more tokens than the model has positions.</exception>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null)
    {
        int longest = requests.Select(request => request.Tokens.Length).DefaultIfEmpty().Max();
        if (longest > model.Config.Positions)
            throw new InputException($"{model.Source ?? "the reward model"}: has {model.Config.Positions} positions, and a prompt with its answer has {longest} tokens; shorten one of the two, or choose another reward model");
        return Array.ConvertAll(scorer.Scores(model, [.. requests.Select(request => request.Tokens)]), score => (double)score);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        owned?.Dispose();
    }
}
