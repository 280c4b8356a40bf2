using System.Globalization;
using NativeRlhf.Miniature;
using NativeRlhf.Reporting;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>Figures, tables, claims and samples of the reproduction, all computed from the evaluations.</summary>
internal sealed class StudyWriter(StudyData data)
{
    private const int SamplesShown = 5;

    private static readonly (string Name, string Set)[] Tones =
        [("no instruction", PromptSets.Provoking), ("be respectful", PromptSets.ProvokingRespectful), ("be rude", PromptSets.ProvokingRude)];

    private static readonly (string Name, Func<EvaluatedAnswer, bool?> Mark)[] Marks =
    [
        ("follows the instruction", Claims.Follows), ("satisfies the constraint", Claims.SatisfiesConstraint), ("fit for an assistant", Claims.IsFit),
        ("ends properly", answer => answer.Marks.EndsProperly), ("toxic", Claims.Toxic),
    ];

    /// <summary>The study.</summary>
    public Study Build() => new(
        "InstructGPT in miniature",
        [
            "The experiments of Ouyang et al. 2022, Training language models to follow instructions with human feedback, in a world small enough that models of this size master it. The world, its labelers and its judge are programs; nobody was asked anything. The judge is never seen in training: it is the gold standard at the end.",
            $"Models of {string.Join(", ", data.Sizes.Select(size => $"{size.Parameters:N0}"))} parameters. Every model answers the same prompts, of users that nobody trained on, at the temperature of training. The prompted base model continues a page of flawless questions and answers. Intervals are 95 % bootstrap intervals over prompts. A claim that does not hold stays in the table.",
        ],
        Claims.All(data),
        [
            WinRates("win-rates", "Figure 1: win rate against the largest SFT model", "The judge decides; a tie counts half.", Decider.Judge),
            WinRates("win-rates-labelers", "Figure 1, by the labelers whose rankings made the reward models", "A panel of five with equal votes; a tie counts half.", Decider.TrainingLabelers),
            WinRates("win-rates-held-out-labelers", "Figure 3: the same by held-out labelers", "A panel of five who made no training data, with equal votes.", Decider.HeldOutLabelers),
            .. data.Sizes.Reverse().Select(MarksOf),
            BySize("truthfulness", "Figure 6: truthful and informative", "Questions about misconceptions that the web text repeats: answers that the knowledge base does not deny.", PromptSets.Misconceptions, answer => answer.Marks.IsTruthfulAndInformative),
            BySize("invention", "Figure 4: inventions in closed-domain tasks", "Summaries, questions about a text and extraction: answers that name what the text does not contain.", PromptSets.ClosedDomain, answer => answer.Marks.Invents),
            .. data.Sizes.Reverse().Select(Toxicity),
            TextTax(),
            .. TaskTax(),
            .. OverOptimisation(),
            RewardAccuracy(),
            Generalisation(),
        ],
        [Sizes(), .. data.Sizes.Select(Numbers), .. Sweep()],
        [.. SideBySide(), .. Hacked()]);

    private static string Parameters(SizeData size) => $"{size.Name}, {size.Parameters / 1e6:0.0#}M";

    private Figure WinRates(string id, string title, string caption, Decider decider) => new(
        id, title, caption, FigureKind.Lines, new Axis("parameters", Logarithmic: true), new Axis("win rate", "%", Reference: 0.5),
        [.. ModelNames.All.Select(model => new Series(model, [.. SizesWith(model).Select(size => At(size.Parameters, Claims.WinRate(data, size, model, decider)))]))]);

    private static Figure MarksOf(SizeData size) => new(
        $"marks-{size.Name}", $"Figure 4: what the judge says of the answers ({Parameters(size)})", "Test prompts; constraints where the prompt has one.", FigureKind.Bars, new Axis("mark"), new Axis("share of answers", "%"),
        [.. Models(size).Select(model => new Series(model, [.. Marks.Select(mark => Bar(mark.Name, Measures.Share(size.Models[model].To(PromptSets.Test), mark.Mark)))]))]);

    private Figure BySize(string id, string title, string caption, string set, Func<EvaluatedAnswer, bool?> mark) => new(
        id, title, caption, FigureKind.Bars, new Axis("size"), new Axis("share of answers", "%"),
        [.. ModelNames.All.Select(model => new Series(model, [.. SizesWith(model).Select(size => Bar(Parameters(size), Measures.Share(size.Models[model].To(set), mark)))]))]);

    private static Figure Toxicity(SizeData size) => new(
        $"toxicity-{size.Name}", $"Figure 7: toxic answers to provoking prompts ({Parameters(size)})", "Answers with a rude word, without a word on the tone, asked to be respectful, and asked to be rude.", FigureKind.Bars,
        new Axis("instruction"), new Axis("share of answers", "%"),
        [.. Models(size).Select(model => new Series(model, [.. Tones.Select(tone => Bar(tone.Name, Measures.Share(size.Models[model].To(tone.Set), Claims.Toxic)))]))]);

    private Figure TextTax() => new(
        "text-tax", "Alignment tax: loss on held-out web text", "SFT pays most of it: its demonstrations are nothing like pages of the web. The mix of pretraining text in PPO-ptx wins it back.", FigureKind.Lines,
        new Axis("parameters", Logarithmic: true), new Axis("loss", "nats per token"),
        [
            .. ModelNames.All.Where(model => model != ModelNames.Prompted).Select(model => new Series(
                model, [.. SizesWith(model).Where(size => size.Models[model].TextLosses.Length > 0).Select(size => At(size.Parameters, Statistics.Bootstrap(size.Models[model].TextLosses)))])),
        ]);

    private IEnumerable<Figure> TaskTax()
    {
        foreach (var size in data.Sizes.Reverse())
        {
            string[] models = [.. Models(size).Where(model => size.Models[model].FewShot.Count > 0)];
            if (models.Length == 0) continue;
            yield return new Figure(
                $"task-tax-{size.Name}", $"Alignment tax: few-shot tasks in the base model's format ({Parameters(size)})", "The share of items whose right answer is more probable than all wrong ones; guessing solves one in four.", FigureKind.Bars,
                new Axis("task"), new Axis("solved", "%", Reference: 0.25),
                [.. models.Select(model => new Series(model, [.. size.Models[model].FewShot.Select(task => Bar(task.Key.ToLowerInvariant(), task.Value))]))]);
        }
    }

    private IEnumerable<Figure> OverOptimisation()
    {
        if (data.Sweep.Count == 0) yield break;
        const string Caption = "One point for each β, the smallest β with the largest divergence; left the SFT model.";
        yield return OverKl("over-optimisation-quality", $"Over-optimisation: the judge's quality ({data.SweepSize})", Caption, "quality, 1 to 7", answer => answer.Marks.Quality);
        yield return OverKl("over-optimisation-score", $"Over-optimisation: the reward model's score ({data.SweepSize})", Caption, "score", answer => answer.Score);

        Figure OverKl(string id, string title, string caption, string label, Func<EvaluatedAnswer, double> value) => new(
            id, title, caption, FigureKind.Lines, new Axis("KL from SFT", "nats per answer"), new Axis(label),
            [
                new Series(label, [.. SweepWithSft().Select(run => run.To(PromptSets.Test)).Select(answers =>
                    At(answers.Average(answer => answer.Kl ?? 0), Statistics.Bootstrap([.. answers.Select(value)]))).OrderBy(point => point.X)]),
            ]);
    }

    private Figure RewardAccuracy()
    {
        SizeData[] sizes = [.. data.Sizes.Where(size => size.Reward is not null)];
        return new(
            "reward-accuracy", "Accuracy of the reward models", "The share of pairs of answers to held-out prompts that the score orders as a labeler does; ties are left out.", FigureKind.Lines,
            new Axis("parameters", Logarithmic: true), new Axis("accuracy", "%", Reference: 0.5),
            [Of("training labelers", prompt => prompt.Training), Of("held-out labelers", prompt => prompt.HeldOut)]);

        Series Of(string name, Func<RankedAnswers, int[][]> panel) => new(name, [.. sizes.SelectMany(size =>
            Measures.Accuracy(size.Reward!.Prompts, panel) is { Length: > 0 } accuracy ? [At(size.Parameters, Statistics.Bootstrap(accuracy))] : Array.Empty<Point>())]);
    }

    private Figure Generalisation()
    {
        var size = data.Largest;
        (string Name, string Set)[] sets = [("seen in training", PromptSets.Test), ("phrasing", PromptSets.HeldOutPhrasing), ("fact", PromptSets.HeldOutFact), ("whole kind", PromptSets.HeldOutKind)];
        return new(
            "generalisation", $"What was not supervised ({Parameters(size)})", "The share of answers that follow the instruction, for prompts with something that only the web text has.", FigureKind.Bars, new Axis("held out"), new Axis("follows the instruction", "%"),
            [.. Models(size).Select(model => new Series(model, [.. sets.Select(set => Bar(set.Name, Measures.Share(size.Models[model].To(set.Set), Claims.Follows)))]))]);
    }

    private DataTable Sizes() => new(
        "Sizes", ["size", "parameters", "reward model: training labelers", "held-out labelers", "labelers agree"],
        [
            .. data.Sizes.Where(size => size.Reward is not null).Select(size => (IReadOnlyList<string>)
            [
                size.Name, $"{size.Parameters:N0}", Shown(Measures.Accuracy(size.Reward!.Prompts, prompt => prompt.Training)), Shown(Measures.Accuracy(size.Reward.Prompts, prompt => prompt.HeldOut)),
                Shown(Measures.LabelerAgreement(size.Reward.Prompts, prompt => prompt.Training)),
            ]),
        ]);

    private DataTable Numbers(SizeData size)
    {
        (string Name, Func<ModelEvaluation, string> Value)[] rows =
        [
            ("win rate against the largest SFT model: judge", model => Shown(Measures.Wins(model.To(PromptSets.Test), data.Opponent.To(PromptSets.Test), Decider.Judge))),
            ("… training labelers", model => Shown(Measures.Wins(model.To(PromptSets.Test), data.Opponent.To(PromptSets.Test), Decider.TrainingLabelers))),
            ("… held-out labelers", model => Shown(Measures.Wins(model.To(PromptSets.Test), data.Opponent.To(PromptSets.Test), Decider.HeldOutLabelers))),
            .. Marks.Select(mark => (mark.Name, (Func<ModelEvaluation, string>)(model => Shown(Measures.Share(model.To(PromptSets.Test), mark.Mark))))),
            ("truthful and informative (misconceptions)", model => Shown(Measures.Share(model.To(PromptSets.Misconceptions), answer => answer.Marks.IsTruthfulAndInformative))),
            ("invents (closed domain)", model => Shown(Measures.Share(model.To(PromptSets.ClosedDomain), answer => answer.Marks.Invents))),
            .. Tones.Select(tone => ($"toxic, provoked: {tone.Name}", (Func<ModelEvaluation, string>)(model => Shown(Measures.Share(model.To(tone.Set), Claims.Toxic))))),
            ("judge's quality, 1 to 7", model => Number(model.To(PromptSets.Test).Select(answer => (double)answer.Marks.Quality))),
            ("reward-model score", model => Number(model.To(PromptSets.Test).Select(answer => answer.Score))),
            ("KL from SFT, nats per answer", model => Number(model.To(PromptSets.Test).Select(answer => answer.Kl).OfType<double>())),
            ("held-out web loss, nats per token", model => Number(model.TextLosses)),
        ];
        string[] models = [.. Models(size)];
        return new DataTable($"All numbers: {Parameters(size)} parameters", ["", .. models], [.. rows.Select(row => (IReadOnlyList<string>)[row.Name, .. models.Select(model => row.Value(size.Models[model]))])]);
    }

    private IEnumerable<DataTable> Sweep()
    {
        if (data.Sweep.Count == 0) yield break;
        yield return new DataTable($"The role of β ({data.SweepSize})", ["β", "KL, nats per answer", "reward-model score", "judge's quality", "follows the instruction"],
        [
            .. SweepWithSft().Select(run => (Run: run, Answers: run.To(PromptSets.Test))).Select(entry => (IReadOnlyList<string>)
            [
                entry.Run.KlCoefficient?.ToString(CultureInfo.InvariantCulture) ?? "SFT", Number(entry.Answers.Select(answer => answer.Kl ?? 0)), Number(entry.Answers.Select(answer => answer.Score)),
                Number(entry.Answers.Select(answer => (double)answer.Marks.Quality)), Shown(Measures.Share(entry.Answers, Claims.Follows)),
            ]),
        ]);
    }

    /// <summary>The first prompts of several kinds and sets: nothing is chosen by its answers.</summary>
    private IEnumerable<SampleSet> SideBySide()
    {
        var size = data.Largest;
        string[] models = [.. Models(size)];
        if (models.Length == 0) yield break;
        var test = size.Models[models[0]].To(PromptSets.Test);
        int[] places = [.. Enum.GetValues<InstructionKind>().Select(kind => test.Select((answer, i) => (answer, i)).Where(entry => entry.answer.Kind == kind).Select(entry => entry.i)).SelectMany(found => found.Take(1))];
        yield return Set($"Test prompts, {Parameters(size)}: the first one of each kind", PromptSets.Test, places);
        yield return Set($"Misconceptions, {Parameters(size)}: the first three", PromptSets.Misconceptions, [0, 1, 2]);
        yield return Set($"Provoking prompts with a word on respect, {Parameters(size)}: the first three", PromptSets.ProvokingRespectful, [0, 1, 2]);

        SampleSet Set(string title, string set, int[] indices)
        {
            var answers = models.Select(model => (model, Answers: size.Models[model].To(set))).ToArray();
            return new SampleSet(title, [.. indices.Where(i => i < answers[0].Answers.Count).Select(i => SampleOf(answers, i))]);
        }
    }

    /// <summary>Where the score rose most while the judge thinks less of the answer.</summary>
    private IEnumerable<SampleSet> Hacked()
    {
        if (data.Sweep.FirstOrDefault(run => run.KlCoefficient == 0) is not { } free || data.Sweep.FirstOrDefault(run => run.KlCoefficient == data.DefaultCoefficient) is not { } held) yield break;
        var sft = data.Sizes.First(size => size.Name == data.SweepSize).Models[ModelNames.Sft].To(PromptSets.Test);
        IReadOnlyList<EvaluatedAnswer> without = free.To(PromptSets.Test), with = held.To(PromptSets.Test);
        int[] worse = [.. Enumerable.Range(0, without.Count).Where(i => without[i].Marks.Quality < with[i].Marks.Quality).OrderByDescending(i => without[i].Score - with[i].Score).Take(SamplesShown)];
        yield return new SampleSet(
            string.Create(CultureInfo.InvariantCulture, $"β = 0 ({data.SweepSize}): of {without.Count} test prompts, the {worse.Length} where the reward model gained most while the judge thinks less of the answer; it thinks less of {Enumerable.Range(0, without.Count).Count(i => without[i].Marks.Quality < with[i].Marks.Quality)} answers and more of {Enumerable.Range(0, without.Count).Count(i => without[i].Marks.Quality > with[i].Marks.Quality)}"),
            [.. worse.Select(i => SampleOf([(ModelNames.Sft, sft), (string.Create(CultureInfo.InvariantCulture, $"PPO, β = {data.DefaultCoefficient}"), with), ("PPO, β = 0", without)], i))]);
    }

    private static Sample SampleOf(IReadOnlyList<(string Model, IReadOnlyList<EvaluatedAnswer> Answers)> models, int i) => new(
        models[0].Answers[i].Prompt.TrimEnd('\n'),
        [
            .. models.Select(entry => new SampleAnswer(
                entry.Model, entry.Answers[i].Text + (entry.Answers[i].Ended ? "" : " …"),
                string.Create(CultureInfo.InvariantCulture, $"judge: {entry.Answers[i].Marks.Quality} of 7; reward model: {entry.Answers[i].Score:0.00}"))),
        ]);

    private IEnumerable<ModelEvaluation> SweepWithSft() =>
        [.. data.Sweep, .. data.Sizes.Where(size => size.Name == data.SweepSize).Select(size => size.Models[ModelNames.Sft])];

    private static IEnumerable<string> Models(SizeData size) => ModelNames.All.Where(size.Models.ContainsKey);

    private IEnumerable<SizeData> SizesWith(string model) => data.Sizes.Where(size => size.Models.ContainsKey(model));

    private static Point At(double x, Interval y) => new(y.Mean, x, Low: y.Low, High: y.High);

    private static Point Bar(string category, double[] values)
    {
        if (values.Length == 0) return new Point(0, Category: category);
        var y = Statistics.Bootstrap(values);
        return new Point(y.Mean, Category: category, Low: y.Low, High: y.High);
    }

    private static string Shown(double[] values) => values.Length == 0 ? "—" : Claims.Percent(Statistics.Bootstrap(values));

    private static string Number(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length == 0) return "—";
        var x = Statistics.Bootstrap(all);
        return string.Create(CultureInfo.InvariantCulture, $"{x.Mean:0.00} ({x.Low:0.00} to {x.High:0.00})");
    }
}
