using System.Text.Json.Nodes;
using NativeRlhf.Reporting;
using NativeRlhf.Runner.Reproduction;

namespace NativeRlhf.Runner.Tests;

/// <summary>The whole reproduction, tiny.</summary>
[TestFixture]
public sealed class ReproduceTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeWorkspace() => _workspace = new TinyWorkspace();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void FromTheWorldToTheStudyAndNotTwice()
    {
        string[] command = ["reproduce", "--quick", "--sizes", "medium", "--out", "study"];
        var first = _workspace.Must(command);
        var study = Study.Read(_workspace.Path("study/study/study.json"));
        Assert.Multiple(() =>
        {
            Assert.That(first.Output, Does.Contain("medium/ppo-ptx").And.Contain("ETA").And.Contain("not measured").And.Contain("study.json"));
            Assert.That(study.Claims.Select(claim => claim.Verdict), Has.Some.EqualTo(Verdict.NotMeasured), "one size is not enough for all");
            Assert.That(study.Figures.Select(figure => figure.Id), Is.Unique.And.SupersetOf((string[])["win-rates", "truthfulness", "invention", "toxicity-medium", "text-tax", "task-tax-medium", "over-optimisation-quality", "reward-accuracy", "generalisation"]));
            Assert.That(study.Tables.All(table => table.Rows.All(row => row.Count == table.Columns.Count)));
            Assert.That(study.Samples.SelectMany(set => set.Samples), Is.Not.Empty);
            foreach (string stage in (string[])["world", "medium/pretrain", "medium/sft", "medium/compare", "medium/reward", "medium/ppo", "medium/ppo-ptx", "medium/beta-0", "medium/eval/prompted"])
                Assert.That(File.Exists(_workspace.Path($"study/{stage}/{StageRunner.FileName}")), stage);
            Assert.That(Directory.Exists(_workspace.Path("study/small")), Is.False);
        });

        // The kind that is held out stands in no row that training reads.
        foreach (string file in (string[])["world/demonstrations.jsonl", "world/prompts.jsonl", "medium/compare/comparisons.jsonl", "medium/compare/comparisons-held-out.jsonl"])
        {
            string[] kinds = [.. File.ReadLines(_workspace.Path($"study/{file}")).Select(line => JsonNode.Parse(line)!["kind"]!.GetValue<string>())];
            Assert.That(kinds, Is.Not.Empty.And.No.Member(ReproductionSettings.Quick.HeldOutKind.ToString()), file);
        }

        byte[] before = File.ReadAllBytes(_workspace.Path("study/study/study.json"));
        var again = _workspace.Must(command);
        Assert.That(again.Output.Split('\n').Where(line => line.StartsWith('[')), Has.All.Contain("cached"));

        var full = _workspace.Run("reproduce", "--sizes", "small", "--out", "study");
        Assert.That((full.ExitCode, full.ErrorLines.Length), Is.EqualTo((2, 1)), "results of --quick and of the whole are not mixed, and none is replaced");
        Assert.That(full.Error, Does.Contain("--quick").And.Contain("choose another --out"));

        // What is gone is made again, the same, and nothing else.
        Directory.Delete(_workspace.Path("study/medium/eval"), recursive: true);
        Directory.Delete(_workspace.Path("study/medium/ppo"), recursive: true);
        Directory.Delete(_workspace.Path("study/study"), recursive: true);
        var repaired = _workspace.Must(command);
        Assert.That(repaired.Output.Split('\n').Where(line => line.StartsWith('[') && !line.Contains("cached", StringComparison.Ordinal)), Has.All.Match("eval/|medium/ppo |study"));
        Assert.That(File.ReadAllBytes(_workspace.Path("study/study/study.json")), Is.EqualTo(before));
    }

    [Test]
    public void AnUnknownSizeIsNamed()
    {
        var result = _workspace.Run("reproduce", "--quick", "--sizes", "small,huge", "--out", "none");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines.Single(), Does.Contain("'huge'").And.Contain("small, medium, large"));
        Assert.That(Directory.Exists(_workspace.Path("none")), Is.False);
    }

    [Test]
    public void AFolderOfSomethingElseIsLeftAlone()
    {
        var result = _workspace.Run("reproduce", "--quick", "--out", ".");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines.Single(), Does.Contain("not empty"));
    }
}
