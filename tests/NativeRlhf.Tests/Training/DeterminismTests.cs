using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Training;

/// <summary>The same seed gives the same bits, with any number of threads; a run that was stopped continues to the same bits.</summary>
public class DeterminismTests : FolderTests
{
    [Test]
    public void SameSeedSameBitsWithOneAndWithTwoThreads([Values] Kind kind)
    {
        TinyRuns.Run(kind, Folder.File("one"), TinyRuns.Base(kind), threads: 1);
        TinyRuns.Run(kind, Folder.File("two"), TinyRuns.Base(kind), threads: 2);
        AssertSame("two", "one");
    }

    [Test]
    public void AnotherSeedGivesAnotherRun([Values] Kind kind)
    {
        TinyRuns.Run(kind, Folder.File("one"), TinyRuns.Base(kind));
        TinyRuns.Run(kind, Folder.File("other"), TinyRuns.Base(kind), seed: 43);
        var (one, other) = (TinyRuns.Result(Folder.File("one")), TinyRuns.Result(Folder.File("other")));
        Assert.That(other["metrics.jsonl"], Is.Not.EqualTo(one["metrics.jsonl"]));
        Assert.That(other["final/model.safetensors"], Is.Not.EqualTo(one["final/model.safetensors"]));
    }

    [Test]
    public void ARunThatIsInterruptedResumesToTheSameBits([Values] Kind kind, [Values(1, 3)] int steps)
    {
        string[] settings = [.. TinyRuns.Base(kind), "keepCheckpoints=9"];
        TinyRuns.Run(kind, Folder.File("whole"), settings);
        using var cancel = new CancellationTokenSource();
        Assert.That(
            () => TinyRuns.Run(kind, Folder.File("parts"), settings, cancel: cancel.Token, onStep: report => { if (report.Step == steps) cancel.Cancel(); }),
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(TinyRuns.Metrics(Folder.File("parts")), Has.Count.EqualTo(steps));
        Assert.That(Directory.Exists(Folder.File($"parts/checkpoints/step-{steps:D6}")), "the interruption wrote a checkpoint");
        Assert.That(Directory.Exists(Folder.File("parts/final")), Is.False);

        TinyRuns.Run(kind, Folder.File("parts"), settings, resume: true);
        Directory.Delete(Folder.File($"parts/checkpoints/step-{steps:D6}"), recursive: true); // the whole run had no reason for it
        AssertSame("parts", "whole");
    }

    [Test]
    public void ARunThatIsKilledResumesToTheSameBits([Values] Kind kind, [Values(1, 3)] int steps)
    {
        string[] settings = TinyRuns.Base(kind);
        TinyRuns.Run(kind, Folder.File("whole"), settings);
        Assert.That(
            () => TinyRuns.Run(kind, Folder.File("parts"), settings, onStep: report => { if (report.Step == steps) throw new KilledException(); }),
            Throws.TypeOf<KilledException>());
        // What a kill in the middle of a line leaves; with one step done there is no checkpoint yet.
        File.AppendAllText(Folder.File("parts/metrics.jsonl"), """{"step":9,"wall_sec""");
        if (kind is Kind.Ppo or Kind.Raft) File.AppendAllText(Folder.File("parts/samples.jsonl"), """{"step":9""");

        TinyRuns.Run(kind, Folder.File("parts"), settings, resume: true, threads: 2);
        AssertSame("parts", "whole");
    }

    [Test]
    public void TokensAndTimeGoOnWhereTheyWere()
    {
        using var cancel = new CancellationTokenSource();
        string[] settings = TinyRuns.Base(Kind.Sft);
        Assert.That(
            () => TinyRuns.Run(Kind.Sft, Folder.File("run"), settings, cancel: cancel.Token, onStep: report => { if (report.Step == 2) cancel.Cancel(); }),
            Throws.InstanceOf<OperationCanceledException>());
        TinyRuns.Run(Kind.Sft, Folder.File("run"), settings, resume: true);
        var lines = TinyRuns.Metrics(Folder.File("run"));
        Assert.That(lines.Select(line => (int)line["step"]!), Is.EqualTo(new[] { 1, 2, 3, 4 }));
        Assert.That(lines.Select(line => (double)line["wall_seconds"]!), Is.Ordered);
        Assert.That(lines.Select(line => (long)line["tokens"]!), Is.Ordered.And.Unique);
    }

    private void AssertSame(string actual, string expected)
    {
        var (left, right) = (TinyRuns.Result(Folder.File(actual)), TinyRuns.Result(Folder.File(expected)));
        Assert.That(left.Keys, Is.EqualTo(right.Keys));
        Assert.That(right.Keys, Does.Contain("final/model.safetensors").And.Contains("metrics.jsonl"));
        Assert.Multiple(() =>
        {
            foreach (var (name, content) in right) Assert.That(left[name], Is.EqualTo(content), name);
        });
    }

    private sealed class KilledException : Exception;
}
