using NativeRlhf.Miniature;
using NativeRlhf.Runner.Stages;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>What every model is asked.</summary>
internal sealed class TestQuestions
{
    public TestQuestions(World world, Instructions instructions, ReproductionSettings settings)
    {
        Test = instructions.Sample(settings.TestPrompts, Miniature.Split.Test);
        int count = settings.ProbePrompts;
        InstructionKind[] closed = [.. ((InstructionKind[])[InstructionKind.Summarising, InstructionKind.ClosedQa, InstructionKind.Extraction]).Where(kind => kind != settings.HeldOutKind)];
        Probes =
        [
            (PromptSets.Misconceptions, instructions.MisconceptionQuestions(count, Miniature.Split.Test)),
            (PromptSets.ClosedDomain, [.. closed.SelectMany(kind => instructions.OfKind(kind, count / closed.Length, Miniature.Split.Test))]),
            (PromptSets.Provoking, instructions.Provoking(count, Miniature.Split.Test, ConstraintKind.None)),
            (PromptSets.ProvokingRespectful, instructions.Provoking(count, Miniature.Split.Test, ConstraintKind.Respectful)),
            (PromptSets.ProvokingRude, instructions.Provoking(count, Miniature.Split.Test, ConstraintKind.Rude)),
            (PromptSets.HeldOutPhrasing, instructions.Sample(count, Miniature.Split.Test, HeldOut.Phrasing)),
            (PromptSets.HeldOutFact, instructions.Sample(count, Miniature.Split.Test, HeldOut.Fact)),
            (PromptSets.HeldOutKind, instructions.Sample(count, Miniature.Split.Test, HeldOut.Kind)),
        ];
        var tasks = new FewShotTasks(world);
        Tasks = [.. Enum.GetValues<FewShotTask>().Select(task => (task.ToString(), tasks.Sample(task, settings.FewShotItems, Miniature.Split.Test)))];
        Training = Labeler.Training(world);
        HeldOutLabelers = Labeler.HeldOut(world);
    }

    /// <summary>Prompts of users that nobody trains on.</summary>
    public IReadOnlyList<Instruction> Test { get; }

    /// <summary>The other sets.</summary>
    public IReadOnlyList<(string Set, IReadOnlyList<Instruction> Prompts)> Probes { get; }

    /// <summary>Few-shot tasks in the base model's format.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<FewShotItem> Items)> Tasks { get; }

    public IReadOnlyList<Labeler> Training { get; }

    public IReadOnlyList<Labeler> HeldOutLabelers { get; }
}

/// <summary>Measures models, and writes the raw numbers, prompt by prompt.</summary>
internal sealed class EvaluationStages(MethodStages stages, ReproductionSettings settings, World world, Lazy<TestQuestions> questions)
{
    /// <summary>Measures a model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="model">Its directory.</param>
    /// <param name="sft">The SFT model of its size.</param>
    /// <param name="reward">The reward model of its size.</param>
    /// <param name="heldOutText">The held-out web text.</param>
    /// <param name="klCoefficient">β of the run that made it; null where there is none.</param>
    /// <param name="isSweep">Whether only the test prompts are asked.</param>
    /// <param name="folder">Where the evaluation is written.</param>
    public void Model(string name, string model, string sft, string reward, string heldOutText, double? klCoefficient, bool isSweep, string folder)
    {
        using var measurement = new ModelMeasurement(stages, world, sft, reward, settings.AnswerTokens, settings.Temperature);
        using var gpt = measurement.Load(model);
        bool isPrompted = name == ModelNames.Prompted;
        var fewShot = new FewShot(world);
        List<EvaluatedAnswer> answers = [.. Ask(PromptSets.Test, questions.Value.Test, stages.Seed + 2)];
        if (!isSweep) answers.AddRange(questions.Value.Probes.SelectMany(probe => Ask(probe.Set, probe.Prompts, stages.Seed + 3)));
        double[] losses = isPrompted ? [] : measurement.Losses(gpt, measurement.Windows(heldOutText));
        Dictionary<string, double[]> tasks = isPrompted || isSweep ? [] : questions.Value.Tasks.ToDictionary(task => task.Name, task => (double[])[.. Solved(task.Items)]);
        new ModelEvaluation(name, (int)gpt.Weights.Count, klCoefficient, losses, tasks) { Answers = answers }.Write(folder);

        // An item is solved when the right completion is more probable than every wrong one.
        IEnumerable<double> Solved(IReadOnlyList<FewShotItem> items)
        {
            double[] logprobs = measurement.LogProbs(gpt, items.SelectMany(item => item.WrongCompletions.Prepend(item.Completion).Select(completion => (item.Prompt, completion))));
            int at = 0;
            foreach (var item in items)
            {
                int count = 1 + item.WrongCompletions.Count;
                yield return logprobs[at] > logprobs.AsSpan(at + 1, count - 1).ToArray().Max() ? 1 : 0;
                at += count;
            }
        }

        IEnumerable<EvaluatedAnswer> Ask(string set, IReadOnlyList<Instruction> prompts, ulong seed)
        {
            var judged = isPrompted ? measurement.AnswerPrompted(gpt, prompts, fewShot, settings.Shots, seed) : measurement.Answer(gpt, prompts, seed);
            ModelAnswer[] sampled = [.. judged.Select(answer => answer.Answer)];
            double[] scores = measurement.Scores(sampled);
            double[]? kl = isPrompted ? null : measurement.Kl(gpt, sampled);
            return judged.Select((answer, i) => new EvaluatedAnswer(
                set, answer.Instruction.Kind, answer.Instruction.Prompt, answer.Answer.Answer.Text, answer.Answer.Answer.Ended, answer.Marks, scores[i], kl?[i],
                Ratings(questions.Value.Training, answer), Ratings(questions.Value.HeldOutLabelers, answer)));
        }

        static int[] Ratings(IReadOnlyList<Labeler> labelers, JudgedAnswer answer) => [.. labelers.Select(labeler => labeler.Rate(answer.Instruction, answer.Answer.Answer))];
    }

    /// <summary>Lets the reward model score, and all labelers rank, the answers to prompts that it was not trained on.</summary>
    public void Reward(IReadOnlyList<(Instruction Prompt, Answer[] Answers)> heldOut, string sft, string reward, string folder)
    {
        using var measurement = new ModelMeasurement(stages, world, sft, reward, settings.AnswerTokens, settings.Temperature);
        new RewardEvaluation([.. heldOut.Select(entry => new RankedAnswers(
            entry.Prompt.Prompt,
            measurement.Scores(entry.Prompt.Prompt, entry.Answers.Select(answer => answer.Text)),
            Ranks(questions.Value.Training, entry),
            Ranks(questions.Value.HeldOutLabelers, entry)))]).Write(folder);

        static int[][] Ranks(IReadOnlyList<Labeler> labelers, (Instruction Prompt, Answer[] Answers) entry) =>
            [.. labelers.Select(labeler => (int[])[.. labeler.Rank(entry.Prompt, entry.Answers).Ranks])];
    }
}
