namespace NativeRlhf.Reporting.Tests;

/// <summary>Pages with all that reports have, long names and hostile text among it.</summary>
internal static class Pages
{
    public const string Hostile = "</div><script>window.wasRun = 1</script><img src=x onerror=\"window.wasRun = 2\"> & 'q' \u05e9\u05dc\u05d5\u05dd \U0001f600 \u2407";

    public static readonly string[] Names = ["runs", "run", "study"];

    /// <summary>The score of a run in a step.</summary>
    public static double Score(int run, int step) => 1 - Math.Exp(-step / (10.0 + 5 * run)) + 0.05 * Math.Sin(step * (run + 1));

    public static void WriteAll(RunFolder folder)
    {
        string[] runs = ["first", "second", "a-run-with-quite-a-long-name-of-one-word-0123456789", "fourth run & more"];
        for (int i = 0; i < runs.Length; i++)
        {
            folder.WriteRun($"all/{runs[i]}", "ppo", 60, step => Ppo(i, step), $"\"steps\": 100, \"klCoef\": 0.{i + 1}, \"promptTemplate\": \"Human: {{prompt}}\\n\\nAssistant: a template that is rather long <b>\"");
            folder.Write($"all/{runs[i]}/samples.jsonl", string.Concat(Enumerable.Range(1, 60).Select(step => $"{{\"step\":{step},\"prompt\":\"prompt {step % 20}\",\"completion\":\"{(step % 7 == 0 ? "" : $"an answer {new string('x', 3 * step)} of run {i}")}\",\"score\":{step}}}\n")));
        }

        folder.WriteRun("all/pretrain", "pretrain", 5000, step => FormattableString.Invariant($"\"learning_rate\":{1e-3 / step},\"loss\":{6 / Math.Sqrt(step)},\"grad_norm\":{(step == 4000 ? 900 : 1 + Math.Sin(step))}{(step % 500 == 0 ? $",\"eval/loss\":{6.1 / Math.Sqrt(step)}" : "")}"));
        folder.WriteRun("all/reward", "reward", 40, step => FormattableString.Invariant($"\"loss\":{0.7 - step * 0.002},\"accuracy\":{0.5 + step * 0.004},\"margin\":{step * 0.01},\"eval/accuracy/alice\":0.6,\"eval/accuracy/bob\":0.7"));
        Report.Read([folder.Of("all")]).WriteHtml(folder.Of("runs.html"), new ReportOptions { Title = "Runs with a title that is long enough to need more than one line on a phone" });
        Report.Read([folder.Of("all/first")]).WriteHtml(folder.Of("run.html"), new ReportOptions { Axis = Runs.CurveAxis.Tokens });
        Example.Write(folder.Write("study/study.json", ""));
        Report.Read([folder.Of("study")]).WriteHtml(folder.Of("study.html"), new ReportOptions());
    }

    private static string Ppo(int run, int step) => FormattableString.Invariant(
        $"\"learning_rate\":{2e-4 * (1 - step / 100.0)},\"grad_norm\":{1 + run},\"objective/scores\":{Score(run, step)},\"objective/kl\":{step * 0.1 * run},\"objective/kl_coef\":0.1,\"objective/entropy\":{3.0 / step},\"policy/approxkl\":{0.1 * Math.Pow(0.8, step)},\"policy/clipfrac\":{0.3 / step},\"policy/ratio\":1.0001,\"loss/value\":{1e6 / step},\"response/length\":{20 + step},\"response/eos_fraction\":1,\"an/unknown/metric/with/a/long/name\":{step},\"time/rollout\":0.1,\"time/score\":0.02,\"time/update\":{0.3 - 0.05 * run}{(step == 60 ? ",\"eval/scores\":0.9" : "")}");

    private static readonly string[] Models = ["base", "prompted base", "SFT", "PPO", "PPO-ptx"];

    private static readonly Study Example = new(
        "A study",
        ["What it is, in a paragraph.", "And what must be known of it."],
        [
            new Claim("The paper's Figure 1 says so, in a sentence of some length.", "win rates of the judge", "60 % (58 to 62)", Verdict.Holds),
            new Claim("Section 4.2", "toxicity", "12 % (8 to 16)", Verdict.DoesNotHold),
            new Claim("Section 4.3", "another language", "–", Verdict.NotMeasured),
        ],
        [
            new Figure("sizes", "Win rates", "By size.", FigureKind.Lines, new Axis("parameters", Logarithmic: true), new Axis("win rate", "%", Reference: 0.5),
                [.. Models.Select((model, i) => new Series(model, [.. new[] { 2e5, 1e6, 6e6 }.Select((size, j) => Around(0.1 + 0.15 * i + 0.05 * j, size))]))]),
            new Figure("one", "One size", "A single place.", FigureKind.Lines, new Axis("parameters", Logarithmic: true), new Axis("loss", "nats per token"), [new Series("SFT", [Around(1.2, 199_232)])]),
            new Figure("narrow", "Less than a decade", "", FigureKind.Lines, new Axis("tokens", Logarithmic: true), new Axis("loss", Logarithmic: true), [new Series("SFT", [.. Enumerable.Range(0, 5).Select(i => new Point(3.1 + 0.1 * i, 31_000 + 2_000 * i))])]),
            new Figure("marks", "Marks", "Of the judge.", FigureKind.Bars, new Axis("mark"), new Axis("share of answers", "%"),
                [.. Models.Select((model, i) => new Series(model, [.. new[] { "follows the instruction", "satisfies the constraint", "invents something that is not there", "fit for an assistant", "toxic" }.Select((mark, j) => Around(0.3 + 0.1 * i + 0.02 * j, 0, mark))]))]),
            new Figure("below", "Differences", "Some are below zero.", FigureKind.Bars, new Axis("task"), new Axis("difference"), [.. Models.Take(2).Select((model, i) => new Series(model, [Around(-0.3 + 0.2 * i, 0, "sums"), Around(0.2, 0, "rhymes")]))]),
            new Figure("bands", "Over-optimisation", "Many points have a band.", FigureKind.Lines, new Axis("KL", "nats"), new Axis("quality, 1 to 7"), [.. new[] { 0.0, 0.1 }.Select(beta => new Series(FormattableString.Invariant($"β = {beta}"), [.. Enumerable.Range(0, 50).Select(i => Around(4 + Math.Sin(i / 10.0 + beta), i))]))]),
            new Figure("nothing", "Not measured", "", FigureKind.Bars, new Axis(""), new Axis("share"), [new Series("SFT", [])]),
        ],
        [new DataTable("Sizes", ["size", "parameters", "accuracy on held-out labelers", "agreement"], [["small", "199,232", "65.1 % (64.0 to 66.2)", "73 %"], ["large", "6,000,000", "71.0 %", "73 %"]])],
        [new SampleSet("The first prompts", [new Sample("tell me about\nthe frog", [new SampleAnswer("SFT", Hostile, "7 of 7"), new SampleAnswer("PPO", ""), new SampleAnswer("base", new string('y', 300))])])]);

    private static Point Around(double y, double x, string? category = null) => new(y, x, category, y - 0.02, y + 0.02);
}
