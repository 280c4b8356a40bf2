using System.Text.Json;

namespace NativeRlhf.Runner.Tests;

/// <summary>What people do around rewards: ensembles, exported reward models, sampled and ranked answers.</summary>
[TestFixture]
public sealed class RewardToolsTests
{
    private static readonly string[] SmallPpo = ["--set", "steps=1", "--set", "batchSize=4", "--set", "miniBatchSize=4", "--set", "responseLength=4"];

    private TinyWorkspace _workspace = null!;

    [OneTimeSetUp]
    public void MakeModel()
    {
        _workspace = TinyWorkspace.WithModel();
        _workspace.Must(
            "reward", "--model", "model", "--data", "comparisons.jsonl", "--eval-data", "comparisons.jsonl", "--reference-data", "demonstrations.jsonl",
            "--set", "steps=2", "--set", "batchSize=4", "--set", "ensemble=2", "--set", "normalization=unit", "--out", "reward");
    }

    [OneTimeTearDown]
    public void Clean() => _workspace.Dispose();

    [Test]
    public void AnEnsembleIsARewardAndReportsItsDisagreement()
    {
        _workspace.Must(["ppo", "--policy", "model", "--reward", "ensemble:lcb(0.5):reward/final", "--prompts", "prompts.jsonl", .. SmallPpo, "--out", "ppo-lcb"]);
        Assert.That(Metrics("ppo-lcb").GetProperty("objective/score_std").GetDouble(), Is.Positive);

        _workspace.Must(["ppo", "--policy", "model", "--reward", "reward/final", "--reward", "0.1*rule:words", "--prompts", "prompts.jsonl", .. SmallPpo, "--out", "ppo-sum"]);
        var metrics = Metrics("ppo-sum");
        double sum = metrics.GetProperty("objective/scores/reward").GetDouble() + (0.1 * metrics.GetProperty("objective/scores/words").GetDouble());
        Assert.That(metrics.GetProperty("objective/scores").GetDouble(), Is.EqualTo(sum).Within(1e-9));
        Assert.That(metrics.GetProperty("objective/score_std/reward").GetDouble(), Is.Positive);
    }

    [Test]
    public void ScoresOfAnEnsembleAreThoseOfItsMembers()
    {
        double[][] members = [Score("--model", "reward/final/member-0"), Score("--model", "reward/final/member-1")];
        Assert.That(members[0], Is.Not.EqualTo(members[1]));
        Assert.That(Score("--model", "model", "--reward", "reward/final"), Is.EqualTo(members[0].Zip(members[1], (a, b) => (a + b) / 2)).Within(1e-5));
        Assert.That(Score("--model", "model", "--reward", "ensemble:min:reward/final/member-0,reward/final/member-1"), Is.EqualTo(members[0].Zip(members[1], Math.Min)).Within(1e-5));
        Assert.That(Score("--model", "model", "--reward", "ensemble:lcb(2):reward/final"), Is.EqualTo(members[0].Zip(members[1], (a, b) => ((a + b) / 2) - Math.Abs(a - b))).Within(1e-5));

        double[] Score(params string[] arguments)
        {
            _workspace.Must(["score", .. arguments, "--data", "demonstrations.jsonl", "--out", "scores.jsonl"]);
            return [.. Rows("scores.jsonl").Select(row => row.GetProperty("score").GetDouble())];
        }
    }

    [TestCase("ensemble:median:reward/final", "HOW mean, min or lcb(K)")]
    [TestCase("ensemble:mean", "HOW mean, min or lcb(K)")]
    [TestCase("ensemble:mean:reward/final/member-0", "names one reward model")]
    [TestCase("ensemble:mean:reward/final,model", "score.weight")]
    [TestCase("nowhere", "nowhere")]
    public void ARewardThatIsNoneIsRefused(string spec, string expected) =>
        Refused(["ppo", "--policy", "model", "--reward", spec, "--prompts", "prompts.jsonl", .. SmallPpo, "--out", "never"], expected);

    [Test]
    public void ReferencesWithoutNormalizationAreRefused() =>
        Refused(["reward", "--model", "model", "--data", "comparisons.jsonl", "--reference-data", "demonstrations.jsonl", "--out", "never"], "normalization");

    [Test]
    public void ARewardModelGoesOutAsAPublicClassifierAndComesBack()
    {
        _workspace.Must("convert", "--to", "sequence-classification", "--model", "reward/final/member-0", "--out", "classifier");
        Assert.That(JsonDocument.Parse(File.ReadAllText(_workspace.Path("classifier/config.json"))).RootElement.GetProperty("architectures")[0].GetString(), Is.EqualTo("GPT2ForSequenceClassification"));
        _workspace.Must("convert", "--from", "sequence-classification", "--model", "classifier", "--out", "back");
        foreach (string model in (string[])["reward/final/member-0", "classifier", "back"])
            _workspace.Must("score", "--model", model, "--data", "demonstrations.jsonl", "--out", $"scores-{Path.GetFileName(model)}.jsonl");
        string before = File.ReadAllText(_workspace.Path("scores-member-0.jsonl"));
        Assert.That(File.ReadAllText(_workspace.Path("scores-classifier.jsonl")), Is.EqualTo(before));
        Assert.That(File.ReadAllText(_workspace.Path("scores-back.jsonl")), Is.EqualTo(before));

        Refused(["convert", "--to", "sequence-classification", "--model", "model", "--out", "never"], "score.weight");
        Refused(["convert", "--from", "sequence-classification", "--model", "reward/final/member-0", "--out", "never"], "labels");
        Refused(["convert", "--to", "sequence-classification", "--out", "never"], "--model");
        Refused(["convert", "--model", "model", "--out", "never"], "--from or --to");
    }

    [Test]
    public void FineTuningAsInThePaper()
    {
        _workspace.Must(
            "sft", "--model", "model", "--data", "demonstrations.jsonl", "--pretrain-data", "text.txt", "--reward", "reward/final", "--eval-prompts", "prompts.jsonl",
            "--set", "steps=3", "--set", "batchSize=4", "--set", "pretrainRatio=0.25", "--set", "selectBy=reward", "--set", "responseLength=4", "--set", "evalEvery=1", "--out", "sft");
        var metrics = Metrics("sft");
        foreach (string key in (string[])["loss", "loss/sft", "loss/ptx", "eval/scores", "eval/score_std"]) Assert.That(metrics.TryGetProperty(key, out _), key);
        Assert.That(File.ReadAllText(_workspace.Path("sft/log.txt")), Does.Contain("final is the model of step"));

        string[] sft = ["sft", "--model", "model", "--data", "demonstrations.jsonl", "--out", "never"];
        Refused([.. sft, "--pretrain-data", "text.txt"], "pretrainRatio");
        Refused([.. sft, "--eval-prompts", "prompts.jsonl"], "--reward");
        Refused([.. sft, "--reward", "rule:words", "--eval-prompts", "prompts.jsonl", "--set", "responseLength=32"], "responseLength 32 leaves no room");
    }

    private JsonElement Metrics(string run) => Rows($"{run}/metrics.jsonl")[^1];

    private JsonElement[] Rows(string file) => [.. File.ReadAllLines(_workspace.Path(file)).Select(line => JsonDocument.Parse(line).RootElement)];

    private void Refused(string[] arguments, params string[] expected)
    {
        var result = _workspace.Run(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), $"{result.Output}\n{result.Error}");
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1), result.Error);
        foreach (string part in expected) Assert.That(result.ErrorLines[0], Does.Contain(part));
        Assert.That(Path.Exists(_workspace.Path("never")), Is.False);
    }
}
