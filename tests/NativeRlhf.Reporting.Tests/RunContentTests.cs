using System.Xml;
using NativeRlhf.Reporting.Charts;
using NativeRlhf.Reporting.Runs;

namespace NativeRlhf.Reporting.Tests;

/// <summary>What the page says of runs is what their files say.</summary>
public sealed class RunContentTests
{
    private RunFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RunFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void OneRunHasItsRelatedMetricsInOneChart()
    {
        var figures = new RunFigures([Ppo("a", 3)], CurveAxis.Step).Known().ToDictionary(figure => figure.Title);
        Assert.That(figures.Keys, Is.EqualTo(new[] { "Score", "KL to the reference" }).Or.SupersetOf(new[] { "Score", "KL to the reference", "Speed" }));
        Assert.That(figures["Score"].Series.Select(series => series.Name), Is.EqualTo(new[] { "sampled answers", "most probable answers" }));
        Assert.That(figures["Score"].Series[0].Points, Is.EqualTo(new[] { new Point(0.5, 1), new Point(1, 2), new Point(1.5, 3) }));
        Assert.That(new RunFigures([Ppo("b", 3)], CurveAxis.Step).Others().Select(figure => figure.Title), Is.EqualTo(new[] { "my/own" }));
    }

    [Test]
    public void SeveralRunsAreLaidOverEachOther()
    {
        RunLog[] runs = [Ppo("a", 3), Ppo("b", 5), Read(_folder.WriteRun("c", "raft", 4, step => $"\"loss\":{step}"))];
        var figures = new RunFigures(runs, CurveAxis.Step).Known().ToDictionary(figure => figure.Title);
        Assert.That(figures["Score"].Series.Select(series => series.Name), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(figures["Loss"].Series.Select(series => series.Name), Is.EqualTo(new[] { "c" }));
        Assert.That(figures["Score of the most probable answers"].Series[1].Points, Is.EqualTo(new[] { new Point(5, 5) }));
    }

    [TestCase(CurveAxis.Tokens, 1000, 3000)]
    [TestCase(CurveAxis.Time, 0.5, 1.5)]
    public void CurvesAreDrawnOverTokensAndTime(CurveAxis axis, double first, double last)
    {
        var points = new RunFigures([Ppo("a", 3)], axis).Of("objective/kl").Series[0].Points;
        Assert.That((points[0].X, points[^1].X), Is.EqualTo((first, last)));
    }

    [Test]
    public void TimeIsSharedOutAndTheRestIsOther()
    {
        var shares = new RunFigures([Ppo("a", 4)], CurveAxis.Step).TimeShares();
        Assert.That(shares.Single().Parts, Is.EqualTo(new Part[] { new("rollout", 0.4), new("update", 1.2), new("other", 0.4) }).Using<Part>((x, y) => x.Name == y.Name && Math.Abs(x.Amount - y.Amount) < 1e-9));
    }

    [Test]
    public void LossesOfDifferentTrainersAreNotLaidOverEachOther()
    {
        var families = RunFamily.Group([Ppo("p", 2), Read(_folder.WriteRun("r", "reward", 2, _ => "\"loss\":1")), Read(_folder.WriteRun("s", "sft", 2, _ => "\"loss\":1"))]);
        Assert.That(families.Select(family => family.Title), Is.EqualTo(new[] { "Supervised fine-tuning", "Reward model", "Policy optimization" }));
    }

    [Test]
    public void SettingsThatDifferComeFirst()
    {
        RunLog[] runs = [.. new[] { "0.1", "0.2", "0.1" }.Select((coefficient, i) => Read(_folder.WriteRun($"r{i}", "ppo", 1, _ => "\"x\":1", $"\"steps\": 5, \"klCoef\": {coefficient}")))];
        var settings = RunSettings.Of(runs);
        Assert.That(settings.Where(setting => setting.IsNotable).Select(setting => (setting.Name, setting.Usual)), Is.EqualTo(new[] { ("klCoef", "0.1") }));
        Assert.That(settings[0].Values, Is.EqualTo(new[] { "0.1", "0.2", "0.1" }));
    }

    [Test]
    public void OfOneRunWhatIsNotTheDefaultComesFirst()
    {
        var run = Read(_folder.WriteRun("r", "ppo", 1, _ => "\"x\":1", "\"gamma\": 1, \"klCoef\": 0.77, \"advantages\": \"gae\", \"topK\": null"));
        Assert.That(RunSettings.Of([run]).Where(setting => setting.IsNotable).Select(setting => setting.Name), Is.EqualTo(new[] { "klCoef", "topK" }));
    }

    [Test]
    public void SamplesOfTheSamePromptStandSideBySide()
    {
        _folder.Write("a/samples.jsonl", Samples((1, "p", "a1"), (2, "q", "a2"), (9, "p", "a9"), (10, "r", "a10")));
        _folder.Write("b/samples.jsonl", Samples((1, "r", "b1"), (2, "z", "b2")));
        RunLog[] runs = [Ppo("a", 10), Ppo("b", 2)];
        var pair = RunSamples.BeforeAndAfter(runs[0], 2)[0].Samples.Single();
        Assert.That((pair.Prompt, string.Join('|', pair.Answers.Select(answer => answer.Text))), Is.EqualTo(("p", "a1|a9")));
        var common = RunSamples.SideBySide(runs, 3)!.Samples.Single();
        Assert.That((common.Prompt, string.Join('|', common.Answers.Select(answer => $"{answer.Model}: {answer.Text}"))), Is.EqualTo(("r", "a, step 10: a10|b, step 1: b1")));
    }

    [Test]
    public void SamplesWithoutCommonPromptsAreTheFirstAndTheLast()
    {
        _folder.Write("a/samples.jsonl", Samples([.. Enumerable.Range(1, 30).Select(i => (i, $"p{i}", $"a{i}"))]));
        var sets = RunSamples.BeforeAndAfter(Ppo("a", 30), 2);
        Assert.That(sets.Select(set => string.Join(' ', set.Samples.Select(sample => sample.Prompt))), Is.EqualTo(new[] { "p1 p2", "p29 p30" }));
    }

    [Test]
    public void TheSameFilesGiveTheSamePage()
    {
        Ppo("a", 40);
        Ppo("b", 40);
        string first = Report.Read([_folder.Path]).ToHtml(new ReportOptions());
        Assert.That(Report.Read([_folder.Path]).ToHtml(new ReportOptions()), Is.EqualTo(first));
    }

    [Test]
    public void CurvesAreWrittenAsAnSvgThatIsXml()
    {
        Ppo("a", 40);
        string svg = Report.Read([_folder.Of("a")]).ToSvg(["objective/scores", "objective/kl=6"], new ReportOptions());
        var document = new XmlDocument();
        document.LoadXml(svg);
        Assert.That(document.GetElementsByTagName("polyline"), Has.Count.EqualTo(4), "two curves and their averages");
        Assert.That(svg, Does.Contain("KL to the reference").And.Contain("class=\"reference\""));
        Assert.That(() => Report.Read([_folder.Of("a")]).ToSvg(["objective/score"], new ReportOptions()), Throws.TypeOf<InputException>().With.Message.Contains("objective/scores"));
        Assert.That(() => Report.Read([_folder.Of("a")]).ToSvg(["objective/kl=six"], new ReportOptions()), Throws.TypeOf<InputException>().With.Message.Contains("objective/kl=six"));
    }

    private RunLog Ppo(string name, int steps) => Read(_folder.WriteRun(name, "ppo", steps, step =>
        FormattableString.Invariant($"\"objective/scores\":{step * 0.5},\"objective/kl\":{step * 0.1},\"time/rollout\":0.1,\"time/update\":0.3,\"my/own\":{step}{(step == steps ? $",\"eval/scores\":{step}" : "")}")));

    private static RunLog Read(string folder) => RunLog.Read(folder, Path.GetFileName(folder));

    private static string Samples(params (int Step, string Prompt, string Completion)[] samples) =>
        string.Concat(samples.Select(sample => $"{{\"step\":{sample.Step},\"prompt\":\"{sample.Prompt}\",\"completion\":\"{sample.Completion}\"}}\n"));
}
