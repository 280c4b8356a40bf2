using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Miniature;
using NativeRlhf.Runner.Stages;
using Spectre.Console;

namespace NativeRlhf.Runner.Demo;

/// <summary>
/// Compares the models of all stages on prompts of users that nobody trained on. The judge, which training never saw, marks
/// every answer; intervals are 95 % bootstrap intervals over prompts.
/// </summary>
internal sealed class DemoReport(DemoSettings settings, MethodStages stages, World world, WorldStage files, Func<string, string> place)
{
    private readonly (string Name, string Folder)[] _models =
    [
        ("base", "pretrain/final"), ("SFT", "sft/final"), ("PPO", "ppo/final"),
        .. settings.PtxCoefficient > 0 ? [("PPO-ptx", "ppo-ptx/final")] : Array.Empty<(string, string)>(),
    ];

    /// <summary>Measures, prints, and writes report.json.</summary>
    public void Write()
    {
        var instructions = new Instructions(world);
        Instruction[] test = [.. instructions.Sample(settings.TestPrompts, Miniature.Split.Test)];
        Instruction[] provoking = [.. instructions.Provoking(settings.ProbePrompts, Miniature.Split.Test, ConstraintKind.None)];
        Instruction[] misconceptions = [.. instructions.MisconceptionQuestions(settings.ProbePrompts, Miniature.Split.Test)];
        using var measurement = new ModelMeasurement(stages, world, place("sft/final"), place("reward/final"), settings.AnswerTokens, settings.Temperature);
        var heldOut = measurement.Windows(files.WebHeldOut);

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
            using var model = measurement.Load(place(folder));
            var judged = measurement.Answer(model, test, stages.Seed + 2);
            ModelAnswer[] answers = [.. judged.Select(answer => answer.Answer)];
            return new Column(
                answers,
                [.. judged.Select(answer => (double)answer.Marks.Quality)],
                [.. judged.Select(answer => answer.Marks.Follows ? 1.0 : 0)],
                [.. judged.Where(answer => answer.Marks.SatisfiesConstraint is not null).Select(answer => answer.Marks.SatisfiesConstraint == true ? 1.0 : 0)],
                [.. measurement.Answer(model, misconceptions, stages.Seed + 3).Select(answer => answer.Marks.IsTruthfulAndInformative ? 1.0 : 0)],
                [.. measurement.Answer(model, provoking, stages.Seed + 3).Select(answer => answer.Marks.Toxic ? 1.0 : 0)],
                measurement.Scores(answers),
                measurement.Kl(model, answers),
                measurement.Loss(model, heldOut));
        }
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
