using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Miniature;
using NativeRlhf.Model;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;
using Spectre.Console;

namespace NativeRlhf.Runner.Demo;

/// <summary>
/// Compares the models of all stages on prompts of users that nobody trained on. The judge, which training never saw, marks
/// every answer; intervals are 95 % bootstrap intervals over prompts.
/// </summary>
internal sealed class DemoReport(
    DemoSettings settings, ComputeDevice device, World world, TextTokenizer tokenizer, ulong seed, Func<string, string> place, CancellationToken cancel)
{
    private readonly (string Name, string Folder)[] _models =
    [
        ("base", "pretrain/final"), ("SFT", "sft/final"), ("PPO", "ppo/final"),
        .. settings.PtxCoefficient > 0 ? [("PPO-ptx", "ppo-ptx/final")] : Array.Empty<(string, string)>(),
    ];

    private readonly Judge _judge = new(world);

    /// <summary>Measures, prints, and writes report.json.</summary>
    public void Write()
    {
        var instructions = new Instructions(world);
        Instruction[] test = [.. instructions.Sample(settings.TestPrompts, Miniature.Split.Test)];
        Instruction[] provoking = [.. instructions.Provoking(settings.ProbePrompts, Miniature.Split.Test, ConstraintKind.None)];
        Instruction[] misconceptions = [.. instructions.MisconceptionQuestions(settings.ProbePrompts, Miniature.Split.Test)];
        using var sft = ModelDirectory.Load(device, place("sft/final"));
        using var reward = ModelDirectory.Load(device, place("reward/final"), ScoreHead.Required);
        using var workspace = new Workspace(device, sft.Config, 2048, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        var heldOut = new DataLoading(sft.Config, tokenizer).Windows("", [place("data/web-held-out.jsonl")], new PretrainConfiguration());

        var columns = _models.Select(entry => Measure(entry.Folder)).ToArray();
        var sftColumn = columns[1];
        (string Label, Func<Column, Interval> Value, bool IsShare)[] rows =
        [
            ("judge's win rate against SFT", c => Statistics.Bootstrap(Statistics.Wins(c.Quality, sftColumn.Quality)), true),
            ("instruction followed", c => Statistics.Bootstrap(c.Follows), true),
            ("constraint satisfied", c => Statistics.Bootstrap(c.Constraint), true),
            ("truthful answers (misconceptions)", c => Statistics.Bootstrap(c.Truthful), true),
            ("toxic answers (provoked)", c => Statistics.Bootstrap(c.Toxic), true),
            ("judge's quality, 1 to 7", c => Statistics.Bootstrap(c.Quality), false),
            ("reward-model score", c => Statistics.Bootstrap(c.Scores), false),
            ("KL from SFT, nats per answer", c => Statistics.Bootstrap(c.Kl), false),
            ("held-out web loss, nats per token", c => new Interval(c.Loss, c.Loss, c.Loss), false),
        ];

        var table = new Table().Border(TableBorder.Rounded).AddColumn("");
        foreach (var (name, _) in _models) table.AddColumn(new TableColumn(name).RightAligned());
        var json = new JsonObject { ["note"] = "The world, its labelers and its judge are programs; see src/NativeRlhf.Miniature." };
        foreach (var (label, value, isShare) in rows)
        {
            Interval[] values = [.. columns.Select(value)];
            table.AddRow([label, .. values.Select((v, i) => label.Contains("against SFT", StringComparison.Ordinal) && i == 1 ? "—" : Shown(v, isShare))]);
            json[label] = new JsonObject(values.Select((v, i) => KeyValuePair.Create(_models[i].Name, (JsonNode?)new JsonArray(v.Mean, v.Low, v.High))));
        }

        AnsiConsole.Write(table);
        Console.WriteLine($"{test.Length} prompts of users that nobody trained on, {provoking.Length} provoking ones and {misconceptions.Length} on misconceptions; answers at temperature {settings.Temperature};");
        Console.WriteLine("95 % bootstrap intervals over prompts. The world, its labelers and its judge are programs; training never saw the judge.");
        WriteSamples(test, columns);
        AtomicFile.WriteText(place("report.json"), json.ToJsonString(JsonStyle.Indented) + "\n");

        Column Measure(string folder)
        {
            using var model = ModelDirectory.Load(device, place(folder), ScoreHead.None);
            using var sampler = new AnswerSampler(model, tokenizer, settings, cancel);
            var answers = sampler.Sample([.. test.Select(instruction => instruction.Prompt)], seed + 2);
            Marks[] marks = [.. answers.Select((answer, i) => _judge.Mark(test[i], answer.Answer))];
            TokenRow[] tokens = [.. answers.Select(answer => new TokenRow([.. answer.Prompt, .. answer.Tokens], answer.Prompt.Length))];
            float[][] own = scorer.LogProbs(model, tokens, settings.Temperature), reference = scorer.LogProbs(sft, tokens, settings.Temperature);
            return new Column(
                answers,
                [.. marks.Select(m => (double)m.Quality)],
                [.. marks.Select(m => m.Follows ? 1.0 : 0)],
                [.. marks.Where(m => m.SatisfiesConstraint is not null).Select(m => m.SatisfiesConstraint == true ? 1.0 : 0)],
                [.. MarksOf(sampler, misconceptions).Select(m => m.IsTruthfulAndInformative ? 1.0 : 0)],
                [.. MarksOf(sampler, provoking).Select(m => m.Toxic ? 1.0 : 0)],
                [.. scorer.Scores(reward, [.. tokens.Select(row => row.Tokens)]).Select(score => (double)score)],
                [.. own.Zip(reference, (ours, theirs) => Rl.KlEstimators.SumK1(ours, theirs))],
                scorer.Loss(model, [.. heldOut]));
        }

        IEnumerable<Marks> MarksOf(AnswerSampler sampler, Instruction[] prompts) =>
            sampler.Sample([.. prompts.Select(prompt => prompt.Prompt)], seed + 3).Select((answer, i) => _judge.Mark(prompts[i], answer.Answer));
    }

    private void WriteSamples(Instruction[] test, Column[] columns)
    {
        // The first prompt of each of three kinds: nothing is chosen by its answers.
        foreach (var kind in (InstructionKind[])[InstructionKind.Generation, InstructionKind.OpenQa, InstructionKind.Brainstorming])
        {
            int i = Array.FindIndex(test, instruction => instruction.Kind == kind);
            if (i < 0) continue;
            Console.WriteLine($"\nprompt ({kind}):  {test[i].Prompt.TrimEnd('\n')}");
            for (int m = 0; m < _models.Length; m++)
            {
                var answer = columns[m].Answers[i].Answer;
                Console.WriteLine($"  {_models[m].Name,-7} {JsonSerializer.Serialize(answer.Text, JsonStyle.Line)}{(answer.Ended ? "" : " …")}  (judge: {columns[m].Quality[i]} of 7)");
            }
        }
    }

    private static string Shown(Interval value, bool isShare)
    {
        if (value.Low == value.High && value.Low == value.Mean) return Format(value.Mean);
        return $"{Format(value.Mean)}  ({Format(value.Low)} to {Format(value.High)})";

        string Format(double x) => isShare ? (100 * x).ToString("0", CultureInfo.InvariantCulture) + " %" : x.ToString("0.00", CultureInfo.InvariantCulture);
    }

    private sealed record Column(
        IReadOnlyList<ModelAnswer> Answers, double[] Quality, double[] Follows, double[] Constraint, double[] Truthful, double[] Toxic, double[] Scores, double[] Kl, double Loss);
}
