using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>Low-rank adapters through the commands: trained, loaded over their base, trained further, merged.</summary>
[TestFixture]
public sealed class AdapterCommandTests
{
    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeAdapter()
    {
        _workspace = TinyWorkspace.WithModel();
        _workspace.Must("sft", "--model", "model", "--data", "demonstrations.jsonl", "--set", "steps=4", "--set", "batchSize=4", "--set", "learningRate=0.05", "--set", "loraRank=2", "--set", "loraAlpha=4", "--out", "sft");
    }

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void BaseAndAdapterAreTheMergedModel()
    {
        var config = JsonDocument.Parse(File.ReadAllText(_workspace.Path("sft/final/adapter/adapter_config.json"))).RootElement;
        Assert.That(config.GetProperty("base_model_name_or_path").GetString(), Is.EqualTo("model"));

        _workspace.Must("convert", "--from", "adapter", "--model", "model", "--adapter", "sft/final/adapter", "--out", "merged");
        Assert.That(File.ReadAllBytes(_workspace.Path("merged/model.safetensors")), Is.EqualTo(File.ReadAllBytes(_workspace.Path("sft/final/model.safetensors"))));

        _workspace.Must("score", "--model", "model", "--adapter", "sft/final/adapter", "--data", "demonstrations.jsonl", "--out", "adapted.jsonl");
        _workspace.Must("score", "--model", "merged", "--data", "demonstrations.jsonl", "--out", "merged.jsonl");
        _workspace.Must("score", "--model", "model", "--data", "demonstrations.jsonl", "--out", "base.jsonl");
        Assert.That(Sums("adapted.jsonl"), Is.EqualTo(Sums("merged.jsonl")).Within(1e-3));
        Assert.That(Sums("adapted.jsonl")[0], Is.Not.EqualTo(Sums("base.jsonl")[0]).Within(0.05));

        string[] generate = ["generate", "--prompt", "say 3", "--temperature", "0", "--max-new-tokens", "8"];
        Assert.That(
            _workspace.Must([.. generate, "--model", "model", "--adapter", "sft/final/adapter"]).Output,
            Is.EqualTo(_workspace.Must([.. generate, "--model", "merged"]).Output));

        double[] Sums(string file) => [.. File.ReadAllLines(_workspace.Path(file)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("sum").GetDouble())];
    }

    [Test]
    public void RewardModelAndPolicyTrainAdaptersOverOneBase()
    {
        _workspace.Must("reward", "--model", "model", "--adapter", "sft/final/adapter", "--data", "comparisons.jsonl", "--set", "steps=2", "--set", "batchSize=4", "--out", "reward");
        _workspace.Must("score", "--model", "model", "--adapter", "reward/final/adapter", "--data", "demonstrations.jsonl", "--out", "reward-scores.jsonl");
        Assert.That(File.ReadAllText(_workspace.Path("reward-scores.jsonl")), Does.Contain("\"score\""));

        // The value function begins as the policy, then as the reward model.
        foreach (string reward in (string[])["rule:unique-words", "reward/final"])
        {
            string path = $"ppo-{reward.Length}";
            _workspace.Must(
                "ppo", "--policy", "model", "--adapter", "sft/final/adapter", "--reward", reward, "--prompts", "prompts.jsonl", "--set", "steps=2", "--set", "batchSize=4",
                "--set", "miniBatchSize=2", "--set", "responseLength=6", "--out", path);
            var first = JsonDocument.Parse(File.ReadLines(_workspace.Path($"{path}/metrics.jsonl")).First()).RootElement;
            Assert.That(first.GetProperty("objective/kl").GetDouble(), Is.EqualTo(0).Within(1e-5), "the reference is the policy as it was, adapter included");
            Assert.That(first.GetProperty("policy/ratio_first").GetDouble(), Is.LessThan(1e-5));
            Assert.That(JsonDocument.Parse(File.ReadAllText(_workspace.Path($"{path}/config.json"))).RootElement.GetProperty("configuration").GetProperty("loraRank").GetInt32(), Is.EqualTo(2));
            Assert.That(File.Exists(_workspace.Path($"{path}/final/adapter/adapter_model.safetensors")));
        }
    }

    [Test]
    public void ANewAdapterOverAPolicyHasThatPolicyAsItsReference()
    {
        _workspace.Must(
            "ppo", "--policy", "sft/final", "--reward", "rule:unique-words", "--prompts", "prompts.jsonl", "--set", "steps=2", "--set", "batchSize=4",
            "--set", "miniBatchSize=2", "--set", "responseLength=6", "--set", "loraRank=3", "--out", "ppo-new");
        var lines = File.ReadLines(_workspace.Path("ppo-new/metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("objective/kl").GetDouble()).ToArray();
        Assert.That(lines[0], Is.Zero, "B is zero");
    }

    [TestCase("generate", "--model", "model", "--adapter", "model", "--prompt", "a")]
    [TestCase("sft", "--model", "model", "--adapter", "sft/final/adapter", "--set", "loraRank=5", "--data", "demonstrations.jsonl", "--out", "bad")]
    [TestCase("convert", "--from", "adapter", "--model", "model", "--out", "bad")]
    [TestCase("convert", "--from", "adapter", "--adapter", "sft/final/adapter", "--out", "bad")]
    [TestCase("convert", "--from", "openassistant", "--out", "bad")]
    public void BadInputIsOneLine(params string[] arguments)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Output);
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1));
    }
}
