using System.Text.Json;
using System.Text.RegularExpressions;

namespace NativeRlhf.Runner.Tests;

/// <summary>The plan of a run, before it and in its log.</summary>
[TestFixture]
public sealed partial class PlanCommandTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel() => _workspace = TinyWorkspace.WithModel();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void EveryTrainerCanBePlanned([Values("pretrain", "sft", "reward", "ppo")] string trainer)
    {
        string[] small = trainer == "ppo" ? ["--set", "responseLength=8", "--reward-model", "model"] : [];
        var plan = JsonDocument.Parse(_workspace.Must(["plan", trainer, "--model", "model", "--set", "batchSize=16", "--json", .. small]).Output).RootElement;
        Assert.That(plan.GetProperty("bytes").GetInt64(), Is.EqualTo(plan.GetProperty("bytes_by_purpose").EnumerateObject().Sum(part => part.Value.GetInt64())));
        Assert.That(plan.GetProperty("parameters").GetInt64(), Is.GreaterThan(5000));
        Assert.That(plan.GetProperty("flops_per_step").GetDouble(), Is.GreaterThan(plan.GetProperty("parameters").GetInt64()));
        Assert.That(plan.GetProperty("largest_micro_batch").GetInt32(), Is.EqualTo(16));
        var text = _workspace.Must(["plan", trainer, "--size", "gpt2", "--set", "maxLength=64", .. trainer == "ppo" ? ["--set", "responseLength=16"] : Array.Empty<string>()]).Output;
        Assert.That(text, Does.Contain("124,4").And.Contain("weights").And.Contain("TFLOP").And.Contain("microBatchSize"));
    }

    [Test]
    public void TheLogHasThePlanBesideWhatWasUsed()
    {
        string[] small = ["--set", "steps=2", "--set", "batchSize=4"];
        _workspace.Must(["reward", "--model", "model", "--data", "comparisons.jsonl", "--out", "reward", .. small]);
        _workspace.Must(["sft", "--model", "model", "--data", "demonstrations.jsonl", "--out", "sft", .. small]);
        string[] ppo = ["ppo", "--policy", "model", "--prompts", "prompts.jsonl", "--set", "miniBatchSize=2", "--set", "responseLength=6", .. small];
        _workspace.Must([.. ppo, "--reward", "reward/final", "--out", "ppo"]);
        _workspace.Must([.. ppo, "--reward", "rule:words", "--set", "loraRank=2", "--out", "ppo-adapter"]);
        foreach (string run in (string[])["reward", "sft", "ppo", "ppo-adapter"])
        {
            string log = File.ReadAllText(_workspace.Path($"{run}/log.txt"));
            Assert.That(log, Does.Contain("memory planned: ").And.Contain("a step: "));
            var match = PlannedAndUsed().Match(log);
            Assert.That(match.Success, log);
            Assert.That(double.Parse(match.Groups[1].Value), Is.EqualTo(double.Parse(match.Groups[3].Value)).Within(5).Percent, run);
            Assert.That(match.Groups[2].Value, Is.EqualTo(match.Groups[4].Value));
        }
    }

    [TestCase("plan", "sft")]
    [TestCase("plan", "sft", "--size", "gpt5")]
    [TestCase("plan", "sft", "--size", "gpt2", "--model", "model")]
    [TestCase("plan", "dance", "--size", "gpt2")]
    [TestCase("plan", "ppo", "--size", "gpt2", "--set", "responseLength=2000")]
    [TestCase("plan", "sft", "--size", "gpt2", "--set", "maxLength=2000")]
    public void BadInputIsOneLine(params string[] arguments)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Output);
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
    }

    [GeneratedRegex(@"memory: planned ([\d.]+) (\S+), used ([\d.]+) (\S+)")]
    private static partial Regex PlannedAndUsed();
}
