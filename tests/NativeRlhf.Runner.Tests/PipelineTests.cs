using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>The README's first real use, with a tiny model: every command, every file.</summary>
[TestFixture]
public sealed class PipelineTests
{
    private static readonly string[] Always = ["step", "wall_seconds", "tokens", "tokens_per_second", "learning_rate", "grad_norm"];

    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel() => _workspace = TinyWorkspace.WithModel();

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void FromTextToPolicy()
    {
        _workspace.Must("pretrain", "--model", "model", "--data", "text.txt", "--eval-data", "text.txt", "--set", "steps=6", "--set", "batchSize=4", "--set", "checkpointEvery=2", "--out", "pretrain");
        CheckRun("pretrain", 6, "loss");
        Assert.That(Last("pretrain").TryGetProperty("eval/loss", out _));
        Assert.That(Directory.GetDirectories(_workspace.Path("pretrain/checkpoints")).Select(Path.GetFileName), Is.EquivalentTo(["step-000002", "step-000004"]));

        _workspace.Must("sft", "--model", "pretrain/final", "--data", "demonstrations.jsonl", "--set", "steps=3", "--set", "batchSize=4", "--out", "sft");
        CheckRun("sft", 3, "loss");

        _workspace.Must("reward", "--model", "sft/final", "--data", "comparisons.jsonl", "--eval-data", "comparisons.jsonl", "--set", "steps=3", "--set", "batchSize=4", "--out", "reward");
        CheckRun("reward", 3, "loss", "accuracy", "margin");
        Assert.That(Last("reward").TryGetProperty("eval/accuracy", out _));

        var ppo = _workspace.Must(
            "ppo", "--policy", "sft/final", "--reward", "reward/final", "--reward", "0.1*rule:unique-words", "--prompts", "prompts.jsonl",
            "--set", "steps=2", "--set", "batchSize=4", "--set", "miniBatchSize=2", "--set", "responseLength=6", "--out", "ppo");
        CheckRun(
            "ppo", 2, "objective/scores", "objective/kl", "objective/rlhf_reward", "objective/entropy", "objective/kl_coef", "policy/approxkl", "policy/clipfrac", "policy/ratio",
            "policy/ratio_first", "loss/policy", "loss/value", "value/clipfrac", "response/length", "response/eos_fraction", "time/rollout", "time/score", "time/update");
        Assert.That(File.ReadAllLines(_workspace.Path("ppo/samples.jsonl")), Has.Length.EqualTo(2));
        Assert.That(ppo.Output, Does.Match(@"(?m)^time: rollout \d+ %, score \d+ %, update \d+ % of \d+\.\d s$"));

        _workspace.Must(
            "dpo", "--model", "sft/final", "--reference", "pretrain/final", "--data", "comparisons.jsonl", "--eval-data", "comparisons.jsonl",
            "--set", "steps=3", "--set", "batchSize=4", "--out", "dpo");
        CheckRun("dpo", 3, "loss", "rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected");
        foreach (string key in (string[])["eval/loss", "eval/rewards/margins", "eval/rewards/accuracies"]) Assert.That(Last("dpo").TryGetProperty(key, out _), key);

        _workspace.Must("score", "--model", "reward/final", "--data", "demonstrations.jsonl", "--out", "scores.jsonl");
        foreach (string line in File.ReadAllLines(_workspace.Path("scores.jsonl")))
        {
            var row = JsonDocument.Parse(line).RootElement;
            Assert.That(row.GetProperty("logprobs").GetArrayLength(), Is.EqualTo(row.GetProperty("tokens").GetArrayLength() - 1));
            Assert.That(row.GetProperty("sum").GetDouble(), Is.EqualTo(row.GetProperty("logprobs").EnumerateArray().Sum(x => x.GetDouble())).Within(1e-3));
            Assert.That(float.IsFinite(row.GetProperty("score").GetSingle()));
        }

        var generated = _workspace.Must("generate", "--model", "ppo/final", "--prompts", "prompts.jsonl", "--max-new-tokens", "5", "--samples", "2", "--json");
        string[] lines = generated.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(16));
        foreach (string line in lines)
        {
            var row = JsonDocument.Parse(line).RootElement;
            Assert.That(row.GetProperty("prompt").GetString(), Does.StartWith("say "));
            Assert.That(row.GetProperty("tokens").GetArrayLength(), Is.InRange(1, 5).And.EqualTo(row.GetProperty("logprobs").GetArrayLength()));
            Assert.That(row.GetProperty("finish_reason").GetString(), Is.EqualTo("eos").Or.EqualTo("length"));
        }

        void CheckRun(string name, int steps, params string[] keys)
        {
            string[] metrics = File.ReadAllLines(_workspace.Path($"{name}/metrics.jsonl"));
            Assert.That(metrics, Has.Length.EqualTo(steps));
            foreach (string line in metrics)
            {
                var row = JsonDocument.Parse(line).RootElement;
                foreach (string key in Always.Concat(keys)) Assert.That(row.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number, $"{name}: {key} in {line}");
            }

            foreach (string file in (string[])["config.json", "log.txt", "final/config.json", "final/model.safetensors", "final/vocab.json", "final/merges.txt"])
                Assert.That(File.Exists(_workspace.Path($"{name}/{file}")), $"{name}/{file}");
        }

        JsonElement Last(string name) => JsonDocument.Parse(File.ReadAllLines(_workspace.Path($"{name}/metrics.jsonl"))[^1]).RootElement;
    }

    [Test]
    public void RewardByCommand()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the command of this test is for a POSIX shell");
        _workspace.Must(
            "ppo", "--policy", "model", "--reward", "exec:while read -r line; do echo ${#line}; done", "--prompts", "prompts.jsonl",
            "--set", "steps=1", "--set", "batchSize=4", "--set", "miniBatchSize=4", "--set", "responseLength=4", "--out", "ppo-exec");
        var failed = _workspace.Run(
            "ppo", "--policy", "model", "--reward", "exec:echo nonsense; cat > /dev/null", "--prompts", "prompts.jsonl",
            "--set", "steps=1", "--set", "batchSize=4", "--set", "miniBatchSize=4", "--set", "responseLength=4", "--out", "ppo-exec-bad");
        Assert.That(failed.ExitCode, Is.EqualTo(2));
        Assert.That(failed.ErrorLines.Single(), Does.Contain("nonsense").And.Contain("\"prompt\":\"say "));
    }

    [Test]
    public void TokenizerRoundTrip()
    {
        const string Text = "the cat sat — ünïcode 🎉 on mat";
        var ids = _workspace.Must("tokenizer", "encode", "--tokenizer", "tokenizer", "--text", Text);
        var text = _workspace.Must(["tokenizer", "decode", "--tokenizer", "tokenizer", .. ids.Output.Trim().Split(' ')]);
        Assert.That(text.Output, Is.EqualTo(Text));
    }

    [Test]
    public void EveryCommandHasHelpWithAnExample()
    {
        foreach (string command in (string[])["demo", "reproduce", "init", "pretrain", "sft", "reward", "ppo", "dpo", "raft", "score", "generate", "compare", "bestofn", "tokenizer", "convert", "plan", "devices"])
            Assert.That(_workspace.Must(command, "--help").Output, Does.Contain($"Example:  nativerlhf {command}"), command);
    }

    [Test]
    public void DevicesSaysWhichIlgpu() =>
        Assert.That(_workspace.Must("devices").Output, Does.Contain("ILGPU: package").Or.Contain("ILGPU: stand-in").And.Contain("cpu:0"));
}
