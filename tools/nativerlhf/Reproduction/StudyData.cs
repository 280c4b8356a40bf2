using NativeRlhf.Miniature;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>Everything that was measured of one size.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Models">Evaluations by <see cref="ModelNames"/>.</param>
/// <param name="Reward">The evaluation of its reward model, or null.</param>
internal sealed record SizeData(string Name, IReadOnlyDictionary<string, ModelEvaluation> Models, RewardEvaluation? Reward)
{
    /// <summary>The parameters of its models.</summary>
    public int Parameters => Models.Values.First().Parameters;
}

/// <summary>Everything that was measured.</summary>
/// <param name="Sizes">The sizes, the smallest first.</param>
/// <param name="Sweep">PPO with several β at one size, by β; empty where that size was left out.</param>
/// <param name="DefaultCoefficient">The β of <see cref="ModelNames.Ppo"/>, which is one of them.</param>
/// <param name="SweepSize">The size of the sweep.</param>
internal sealed record StudyData(IReadOnlyList<SizeData> Sizes, IReadOnlyList<ModelEvaluation> Sweep, double DefaultCoefficient, string SweepSize)
{
    public SizeData Smallest => Sizes[0];

    public SizeData Largest => Sizes[^1];

    /// <summary>Who all win rates are measured against: the largest SFT model.</summary>
    public ModelEvaluation Opponent => Largest.Models[ModelNames.Sft];

    /// <summary>Reads what the evaluations of a study's folder wrote.</summary>
    public static StudyData Read(string folder, ReproductionSettings settings)
    {
        List<SizeData> sizes = [];
        List<ModelEvaluation> sweep = [];
        foreach (string size in settings.Sizes.Select(size => size.Name))
        {
            string evaluations = Path.Combine(folder, size, "eval");
            var models = Directory.GetDirectories(evaluations).Where(path => Path.GetFileName(path) != "reward").Order(StringComparer.Ordinal).Select(ModelEvaluation.Read).ToDictionary(model => model.Model);
            sizes.Add(new SizeData(size, models.Where(entry => ModelNames.All.Contains(entry.Key)).ToDictionary(), RewardEvaluation.Read(Path.Combine(evaluations, "reward"))));
            if (size == settings.SweepSize)
                sweep = [.. models.Values.Where(model => model.KlCoefficient is not null && model.Model != ModelNames.PpoPtx).OrderBy(model => model.KlCoefficient)];
        }

        return new StudyData(sizes, sweep, settings.KlCoefficient, settings.SweepSize);
    }
}

/// <summary>Who decides which of two answers is better.</summary>
internal enum Decider
{
    /// <summary>The judge's quality.</summary>
    Judge,

    /// <summary>The labelers whose rankings trained the reward models: the mean of their votes.</summary>
    TrainingLabelers,

    /// <summary>Labelers whose rankings nobody trained on.</summary>
    HeldOutLabelers,
}

/// <summary>Numbers per prompt, from evaluations; <see cref="Statistics.Bootstrap"/> makes intervals of them.</summary>
internal static class Measures
{
    /// <summary>How often the first of two models wins, prompt by prompt; a tie counts half, of a panel every member has an equal vote.</summary>
    public static double[] Wins(IReadOnlyList<EvaluatedAnswer> ours, IReadOnlyList<EvaluatedAnswer> theirs, Decider decider) =>
    [
        .. ours.Zip(theirs, (our, their) =>
        {
            if (our.Prompt != their.Prompt) throw new ArgumentException("win rates are measured on the same prompts");
            int[] ourVotes = Votes(our, decider), theirVotes = Votes(their, decider);
            return Statistics.Wins([.. ourVotes.Select(v => (double)v)], [.. theirVotes.Select(v => (double)v)]).Average();
        }),
    ];

    /// <summary>1 where a condition holds, 0 where it does not; answers for which there is no such mark are left out.</summary>
    public static double[] Share(IEnumerable<EvaluatedAnswer> answers, Func<EvaluatedAnswer, bool?> mark) =>
        [.. answers.Select(mark).Where(value => value is not null).Select(value => value == true ? 1.0 : 0)];

    /// <summary>Sums over the models, prompt by prompt: Σ wᵢ·xᵢ, of which the mean tells whether a proportion holds.</summary>
    public static double[] Combine(params (double Weight, double[] Values)[] terms) =>
        [.. Enumerable.Range(0, terms[0].Values.Length).Select(i => terms.Sum(term => term.Weight * term.Values[i]))];

    /// <summary>The share of pairs of answers that a labeler does not tie which the scores order as the labeler does, by prompt; prompts without pairs are left out.</summary>
    public static double[] Accuracy(IEnumerable<RankedAnswers> prompts, Func<RankedAnswers, int[][]> panel) =>
        [.. prompts.Select(prompt => Agreement(panel(prompt).Select(ranks => (prompt.Scores, ranks.Select(rank => (double)-rank).ToArray())))).OfType<double>()];

    /// <summary>The share of pairs of answers that neither of two labelers ties on which they agree, by prompt, over all pairs of labelers.</summary>
    public static double[] LabelerAgreement(IEnumerable<RankedAnswers> prompts, Func<RankedAnswers, int[][]> panel) =>
        [.. prompts.Select(prompt =>
        {
            double[][] ranks = [.. panel(prompt).Select(labeler => labeler.Select(rank => (double)-rank).ToArray())];
            return Agreement(ranks.SelectMany((first, i) => ranks.Skip(i + 1).Select(second => (first, second))));
        }).OfType<double>()];

    private static double? Agreement(IEnumerable<(double[] First, double[] Second)> orders)
    {
        double agree = 0;
        int pairs = 0;
        foreach (var (first, second) in orders)
        {
            for (int i = 0; i < first.Length; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    int theirs = Math.Sign(second[i] - second[j]);
                    int ours = Math.Sign(first[i] - first[j]);
                    if (theirs == 0 || ours == 0) continue;
                    pairs++;
                    agree += ours == theirs ? 1 : 0;
                }
            }
        }

        return pairs > 0 ? agree / pairs : null;
    }

    private static int[] Votes(EvaluatedAnswer answer, Decider decider) => decider switch
    {
        Decider.Judge => [answer.Marks.Quality],
        Decider.TrainingLabelers => answer.Ratings,
        _ => answer.HeldOutRatings,
    };
}
