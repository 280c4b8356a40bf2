using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>Iterated RLHF by a plan: what it improves, what it leaves, how it is continued, and which plans are refused.</summary>
[TestFixture]
public sealed class IterateTests
{
    private const string Plan = """
        {
          // The judge likes long answers.
          "policy": "model",
          "prompts": "prompts.jsonl",
          "evalPrompts": ["prompts.jsonl"],
          "judge": "rule:length",
          "rounds": 3,
          "answersPerPrompt": 4,
          "promptsPerRound": 8,
          "heldOut": 0.25,
          "sampling": { "maxNewTokens": 8 },
          "reward": { "steps": 30, "batchSize": 6, "learningRate": 5e-3, "evalEvery": 0 },
          "ppo": { "steps": 20, "batchSize": 16, "miniBatchSize": 8, "innerEpochs": 2, "responseLength": 8, "learningRate": 5e-3, "klCoef": 0.01, "checkpointEvery": 3 },
        }
        """;

    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel()
    {
        _workspace = TinyWorkspace.WithModel();
        _workspace.Write("plan.json", Plan);
        _workspace.Must("iterate", "--plan", "plan.json", "--out", "whole");
    }

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void TheJudgedScoreRisesOverRounds()
    {
        var rows = Rows("whole/rounds.jsonl");
        double[] scores = [.. rows.Select(row => row.GetProperty("eval/scores").GetDouble())];
        TestContext.Out.WriteLine(string.Join(' ', scores));
        Assert.Multiple(() =>
        {
            Assert.That(rows.Select(row => row.GetProperty("round").GetInt32()), Is.EqualTo(new[] { 0, 1, 2, 3 }));
            Assert.That(scores[^1], Is.GreaterThan(scores[0] + (3 * rows[0].GetProperty("eval/scores_stderr").GetDouble())));
            Assert.That(scores[2], Is.GreaterThan(scores[0]));
            Assert.That(rows[0].GetProperty("eval/kl").GetDouble(), Is.Zero);
            Assert.That(rows[3].GetProperty("eval/kl").GetDouble(), Is.Positive);
            Assert.That(rows[3].GetProperty("comparisons/scores").GetDouble(), Is.GreaterThan(rows[1].GetProperty("comparisons/scores").GetDouble()));
            foreach (string key in (string[])["reward/accuracy", "reward/eval/accuracy", "reward/step", "policy/step", "policy/objective/kl", "policy/objective/scores"])
                Assert.That(rows[3].TryGetProperty(key, out _), key);
            Assert.That(rows[3].EnumerateObject().Select(entry => entry.Name), Has.None.Contains("time/").And.None.Contains("wall_seconds"));
        });
    }

    [Test]
    public void ARoundIsOrdinaryFilesAndRuns()
    {
        for (int round = 1; round <= 3; round++)
        {
            Assert.That(Rows($"whole/round-00{round}/comparisons.jsonl"), Has.Length.EqualTo(6));
            Assert.That(Rows($"whole/round-00{round}/comparisons-held-out.jsonl"), Has.Length.InRange(1, 2));
        }

        // Prompts that are held out are the same in every round, and none of them is trained on.
        string[] held = Prompts("comparisons-held-out"), trained = Prompts("comparisons");
        Assert.That(held.Intersect(trained), Is.Empty);
        Assert.That(held, Has.Length.LessThanOrEqualTo(2));

        // All comparisons so far are trained on; the reward model begins anew from the SFT model.
        Assert.That(File.ReadAllText(_workspace.Path("whole/round-003/reward/log.txt")), Does.Match("comparisons: .*18 rows"));
        // The first round is what the commands would have done.
        string[] sample = ["--prompts", "prompts.jsonl", "--max-new-tokens", "8", "--answers", "4", "--rank-by", "rule:length"];
        _workspace.Must(["compare", "--model", "whole/round-003/policy/final", .. sample, "--out", "of-policy.jsonl"]);
        _workspace.Must("score", "--model", "whole/round-002/reward/final", "--data", "demonstrations.jsonl", "--out", "scores.jsonl");
        _workspace.Must(
            "reward", "--model", "model", "--data", "whole/round-001/comparisons.jsonl", "--eval-data", "whole/round-001/comparisons-held-out.jsonl",
            "--set", "steps=30", "--set", "batchSize=6", "--set", "learningRate=5e-3", "--set", "evalEvery=0", "--out", "reward-by-hand");
        Assert.That(Model("reward-by-hand/final"), Is.EqualTo(Model("whole/round-001/reward/final")));
        Assert.That(Model("whole/final"), Is.EqualTo(Model("whole/round-003/policy/final")));

        string[] Prompts(string name) =>
            [.. Enumerable.Range(1, 3).SelectMany(round => Rows($"whole/round-00{round}/{name}.jsonl")).Select(row => row.GetProperty("prompt").GetString()!).Distinct()];
    }

    [Test]
    public void AnIterationThatIsKilledWithinAndBetweenStagesEndsWithTheSameBits()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("signals are for POSIX systems");
        // Within a trainer, after a stage, after a round: whenever such a file is there.
        string[] moments = ["round-001/comparisons.jsonl", "round-001/policy/checkpoints/step-000003", "round-002/reward/final", "round-002/policy/checkpoints/step-000006", "round-003/reward/metrics.jsonl"];
        foreach (string moment in moments)
        {
            string[] resume = File.Exists(_workspace.Path("killed/config.json")) ? ["--resume"] : [];
            using var process = RunnerProcess.Start(_workspace.Folder, null, ["iterate", "--plan", "plan.json", "--out", "killed", .. resume]);
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            while (!process.WaitForExit(2) && !Path.Exists(_workspace.Path($"killed/{moment}")))
            {
            }

            process.Kill();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.EqualTo(137), $"at {moment}: {output.Result}{error.Result}");
        }

        DateTime first = File.GetLastWriteTimeUtc(_workspace.Path("killed/round-001/policy/final/model.safetensors"));
        var rest = _workspace.Must("iterate", "--plan", "plan.json", "--out", "killed", "--resume");
        Assert.Multiple(() =>
        {
            Assert.That(rest.Output, Does.Not.Contain("[round 1/3]"), "finished rounds are not run again");
            Assert.That(File.GetLastWriteTimeUtc(_workspace.Path("killed/round-001/policy/final/model.safetensors")), Is.EqualTo(first));
            Assert.That(Model("killed/final"), Is.EqualTo(Model("whole/final")));
            Assert.That(File.ReadAllText(_workspace.Path("killed/rounds.jsonl")), Is.EqualTo(File.ReadAllText(_workspace.Path("whole/rounds.jsonl"))));
        });

        Assert.That(_workspace.Must("iterate", "--plan", "plan.json", "--out", "killed", "--resume").Output, Does.Contain("finished"));
        Refused(["iterate", "--plan", "plan.json", "--out", "killed", "--resume", "--set", "rounds=4"], "the run has rounds 3, not 4");
        Refused(["iterate", "--plan", "plan.json", "--out", "killed", "--resume", "--seed", "1"], "seed");
    }

    [Test]
    public void OtherTrainersAndChoicesMakeRounds()
    {
        string[] small = ["--set", "rounds=2", "--set", "reward.steps=2", "--set", "answersPerPrompt=3"];
        string plan = Plan.Replace("\"ppo\": {", "\"dpo\": { \"steps\": 2, \"batchSize\": 6, \"learningRate\": 1e-3 }, // ", StringComparison.Ordinal).Replace("\"reward\":", "// ", StringComparison.Ordinal);
        _workspace.Write("dpo.json", plan);
        _workspace.Must("iterate", "--plan", "dpo.json", "--out", "dpo", "--set", "rounds=2", "--set", "keepComparisons=false", "--set", "reference=round");
        Assert.That(Directory.Exists(_workspace.Path("dpo/round-001/reward")), Is.False);
        Assert.That(File.ReadAllText(_workspace.Path("dpo/round-002/policy/log.txt")), Does.Match("comparisons: .*6 rows"));
        Assert.That(Rows("dpo/rounds.jsonl")[2].TryGetProperty("policy/rewards/accuracies", out _));

        _workspace.Write("raft.json", Plan.Replace("\"ppo\": {", "\"raft\": { \"steps\": 1, \"batchSize\": 8, \"answersPerPrompt\": 4, \"responseLength\": 8 }, // ", StringComparison.Ordinal));
        _workspace.Must(["iterate", "--plan", "raft.json", "--out", "raft", .. small, "--set", "rewardStart=previous", "--set", "reward.ensemble=2", "--set", "judge=[\"rule:length\", \"0.5*rule:words\"]"]);
        Assert.That(Directory.Exists(_workspace.Path("raft/round-002/reward/final/member-1")));
        Assert.That(Rows("raft/rounds.jsonl")[2].TryGetProperty("policy/objective/scores_best", out _));
    }

    [TestCase("\"rounds\"", "\"round\"", "plan.json:7", "'round'", "'rounds'")]
    [TestCase("\"klCoef\"", "\"klcoef\"", "plan.json:13", "'klcoef'", "'klCoef'")]
    [TestCase("\"klCoef\": 0.01", "\"klCoef\": -1", "plan.json:13", "klCoef is -1", "≥ 0")]
    [TestCase("\"miniBatchSize\": 8", "\"miniBatchSize\": 7", "plan.json:13", "miniBatchSize is 7", "divide")]
    [TestCase("\"rounds\": 3", "\"rounds\": 0", "plan.json:7", "rounds is 0", "≥ 1")]
    [TestCase("\"rounds\": 3", "\"rounds\": 3, \"rounds\": 4", "plan.json:7", "given before", "rounds")]
    [TestCase("\"judge\": \"rule:length\"", "\"judge\": 3", "plan.json:6", "judge is 3", "list of strings")]
    [TestCase("\"judge\": \"rule:length\",", "", "plan.json", "judge is missing", "exec:COMMAND")]
    [TestCase("\"judge\": \"rule:length\"", "\"judge\": \"rule:nice\"", "rule:nice", "no such rule", "length")]
    [TestCase("\"policy\": \"model\"", "\"policy\": \"nowhere\"", "nowhere", "nowhere", "nowhere")]
    [TestCase("\"ppo\"", "\"dpo\": {}, \"ppo\"", "plan.json:13", "several of ppo, dpo and raft", "give the one")]
    [TestCase("\"ppo\": {", "// ", "plan.json", "none of ppo, dpo and raft", "give the one")]
    [TestCase("\"ppo\": {", "\"ppo\": 3, // {", "plan.json:13", "ppo is 3", "an object")]
    [TestCase("\"sampling\": {", "\"promptTemplate\": \"{p}\", \"sampling\": {", "plan.json:11", "{prompt}", "exactly once")]
    [TestCase("\"promptsPerRound\": 8", "\"promptsPerRound\": 9", "promptsPerRound is 9", "8 prompts", "lower it")]
    [TestCase("\"maxNewTokens\": 8", "\"maxNewTokens\": 32", "leaves no room", "32", "sampling.maxNewTokens")]
    [TestCase("\"sampling\": { \"maxNewTokens\": 8 }", "\"sampling\": { \"temperature\": 0 }", "plan.json:11", "temperature is 0", "> 0")]
    public void BadPlansAreRefused(string part, string replacement, params string[] expected)
    {
        Directory.CreateDirectory(_workspace.Path("bad"));
        _workspace.Write("bad/plan.json", Plan.Replace(part, replacement, StringComparison.Ordinal));
        Refused(["iterate", "--plan", "bad/plan.json", "--out", "never"], expected);
        Assert.That(Path.Exists(_workspace.Path("never")), Is.False);
    }

    private byte[] Model(string folder) => File.ReadAllBytes(_workspace.Path($"{folder}/model.safetensors"));

    private JsonElement[] Rows(string file) => [.. File.ReadAllLines(_workspace.Path(file)).Select(line => JsonDocument.Parse(line).RootElement)];

    private void Refused(string[] arguments, params string[] expected)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), $"{result.Output}\n{result.Error}");
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1), result.Error);
        foreach (string part in expected) Assert.That(result.ErrorLines[0], Does.Contain(part));
    }
}
