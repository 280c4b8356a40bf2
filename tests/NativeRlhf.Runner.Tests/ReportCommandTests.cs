namespace NativeRlhf.Runner.Tests;

/// <summary><c>report</c> as users call it.</summary>
public sealed class ReportCommandTests
{
    private string _folder = null!;

    [SetUp]
    public void Make()
    {
        _folder = Directory.CreateTempSubdirectory("report").FullName;
        Directory.CreateDirectory(Path.Combine(_folder, "run"));
        File.WriteAllText(Path.Combine(_folder, "run", "metrics.jsonl"), "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n");
    }

    [TearDown]
    public void Remove() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void WritesThePageBesideTheRunAndAnSvgWhereAsked()
    {
        var page = RunnerProcess.Run(_folder, "report", "run", "--title", "My run");
        Assert.That(page.ExitCode, Is.Zero, page.Error);
        Assert.That(File.ReadAllText(Path.Combine(_folder, "run", "report.html")), Does.Contain("<title>My run</title>"));
        var svg = RunnerProcess.Run(_folder, "report", "run", "--svg", "loss=1.5", "--out", "loss.svg");
        Assert.That(svg.ExitCode, Is.Zero, svg.Error);
        Assert.That(File.ReadAllText(Path.Combine(_folder, "loss.svg")), Does.StartWith("<svg"));
    }

    [TestCase("absent", "", "absent")]
    [TestCase(".", "--svg=lost", "loss")]
    [TestCase("run", "--smoothing=1", "--smoothing")]
    [TestCase("empty", "", "empty")]
    public void BadInputIsOneLine(string folder, string option, string named)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "empty"));
        var result = RunnerProcess.Run(_folder, ["report", folder, .. option.Length > 0 ? new[] { option } : []]);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1).And.Some.Contains(named));
    }
}
