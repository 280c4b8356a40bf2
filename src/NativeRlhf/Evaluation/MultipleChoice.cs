using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>A context and what it may be continued with.</summary>
/// <param name="Context">The context.</param>
/// <param name="Choices">The texts to choose from.</param>
/// <param name="Place">Where it came from.</param>
/// <param name="Delimiter">What stands between context and choice, and belongs to the continuation.</param>
internal sealed record ChoiceItem(string Context, IReadOnlyList<string> Choices, RowPlace Place, string Delimiter = " ");

/// <summary>The log-likelihoods of an item's choices.</summary>
/// <param name="LogProbabilities">One for each choice, in nats.</param>
/// <param name="IsTruncated">Whether one of them did not fit.</param>
internal sealed record ChoiceScores(double[] LogProbabilities, bool IsTruncated)
{
    /// <summary>The most probable choice, the first of several (<c>np.argmax</c>).</summary>
    /// <param name="lengths">What each log-likelihood is divided by, if anything.</param>
    public int Best(IReadOnlyList<double>? lengths = null)
    {
        int best = 0;
        for (int i = 1; i < LogProbabilities.Length; i++)
        {
            if (At(i) > At(best)) best = i;
        }

        return best;

        double At(int i) => LogProbabilities[i] / (lengths?[i] ?? 1);
    }

    /// <summary>
    /// The entropy in bits of the choices' probabilities relative to each other, pᵢ = exp(lᵢ) / Σⱼ exp(lⱼ): how undecided the model is.
    /// </summary>
    public double EntropyBits()
    {
        double top = LogProbabilities.Max(), sum = LogProbabilities.Sum(l => Math.Exp(l - top)), entropy = 0;
        foreach (double l in LogProbabilities)
        {
            double p = Math.Exp(l - top) / sum;
            if (p > 0) entropy -= p * Math.Log2(p);
        }

        return entropy;
    }
}

/// <summary>What all suites of multiple choice share: every choice is scored after the context.</summary>
internal static class MultipleChoice
{
    public static ChoiceScores[] Score(LikelihoodScorer scorer, IReadOnlyList<ChoiceItem> items)
    {
        var likelihoods = scorer.Score([.. items.SelectMany(item => item.Choices.Select(choice => new LikelihoodRequest(item.Context, item.Delimiter + choice, item.Place)))]);
        var scores = new ChoiceScores[items.Count];
        for (int i = 0, at = 0; i < scores.Length; i++)
        {
            var own = likelihoods.AsSpan(at, items[i].Choices.Count).ToArray();
            at += own.Length;
            scores[i] = new ChoiceScores(Array.ConvertAll(own, likelihood => likelihood.LogProbability), own.Any(likelihood => likelihood.IsTruncated));
        }

        return scores;
    }
}
