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

    [Test]
    public void AnswersOfSeveralModelsAreSampledRankedAndLearned()
    {
        _workspace.Must("compare", "--model", "model", "reward/final/member-0", "--prompts", "prompts.jsonl", "--answers", "5", "--max-new-tokens", "6", "--top-k", "50", "--out", "answers.jsonl");
        var rows = Rows("answers.jsonl");
        Assert.That(rows, Has.Length.EqualTo(8));
        for (int i = 0; i < 8; i++)
        {
            Assert.That(rows[i].GetProperty("prompt").GetString(), Is.EqualTo($"say {i}"));
            Assert.That(rows[i].GetProperty("id").GetInt32(), Is.EqualTo(i), "other fields of the prompt's row are kept");
            Assert.That(rows[i].GetProperty("completions").GetArrayLength(), Is.EqualTo(5));
            Assert.That(rows[i].GetProperty("completions").EnumerateArray().Select(text => text.GetString()).Distinct().Count(), Is.GreaterThan(1));
            Assert.That(rows[i].GetProperty("models").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(new[] { "model", "reward/final/member-0", "model", "reward/final/member-0", "model" }));
            Assert.That(rows[i].GetProperty("sampling").GetProperty("top_k").GetInt32(), Is.EqualTo(50));
        }

        Refused(["reward", "--model", "model", "--data", "answers.jsonl", "--out", "never"], "answers.jsonl:1", "no 'ranks'", "--rank-by");

        // RLAIF: a judge ranks, and a reward model learns from it.
        _workspace.Must("compare", "--model", "model", "--prompts", "prompts.jsonl", "--answers", "3", "--max-new-tokens", "6", "--rank-by", "rule:length", "--drop-duplicates", "--out", "ranked.jsonl");
        foreach (var row in Rows("ranked.jsonl"))
        {
            int[] lengths = [.. row.GetProperty("completions").EnumerateArray().Select(text => text.GetString()!.Length)];
            Assert.That(row.GetProperty("scores").EnumerateArray().Select(score => score.GetDouble()), Is.EqualTo(lengths));
            int[] ordered = [.. lengths.Distinct().OrderDescending()];
            Assert.That(row.GetProperty("ranks").EnumerateArray().Select(rank => rank.GetInt32()), Is.EqualTo(lengths.Select(length => Array.IndexOf(ordered, length) + 1)));
            Assert.That(row.GetProperty("labeler").GetString(), Is.EqualTo("rule:length"));
        }

        _workspace.Must("reward", "--model", "model", "--data", "ranked.jsonl", "--eval-data", "ranked.jsonl", "--set", "steps=1", "--set", "batchSize=4", "--out", "from-ranked");
        Assert.That(Metrics("from-ranked").TryGetProperty("eval/accuracy/rule:length", out _));
    }

    [Test]
    public void ModelsThatAreComparedAnswerAtOneLength()
    {
        _workspace.Write("short.json", """{"n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 20, "vocab_size": 270}""");
        _workspace.Must("init", "--config", "short.json", "--tokenizer", "tokenizer", "--out", "short");
        _workspace.Must("compare", "--model", "model", "short", "--prompts", "prompts.jsonl", "--answers", "2", "--out", "lengths.jsonl");
        Assert.That(Rows("lengths.jsonl").Select(row => row.GetProperty("sampling").GetProperty("max_new_tokens").GetInt32()), Is.All.EqualTo(10), "16 are the default of the longer one");
    }

    [Test]
    public void PromptsOfTokensGiveAnswersOfTokens()
    {
        _workspace.Write("ids.jsonl", "{\"prompt_tokens\": [1, 2, 3]}\n{\"prompt_tokens\": [4]}\n");
        _workspace.Must("compare", "--model", "model", "--prompts", "ids.jsonl", "--answers", "2", "--max-new-tokens", "4", "--rank-by", "reward/final", "--out", "ids-answers.jsonl");
        var rows = Rows("ids-answers.jsonl");
        Assert.That(rows[0].GetProperty("prompt_tokens").EnumerateArray().Select(id => id.GetInt32()), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(rows[0].GetProperty("completion_tokens")[1].GetArrayLength(), Is.InRange(1, 4));
        _workspace.Must("reward", "--model", "model", "--data", "ids-answers.jsonl", "--set", "steps=1", "--set", "batchSize=2", "--out", "from-ids");
        _workspace.Must("bestofn", "--model", "model", "--reward", "reward/final", "--prompts", "ids.jsonl", "--samples", "3", "--max-new-tokens", "4", "--out", "ids-best.jsonl");
        _workspace.Must("sft", "--model", "model", "--data", "ids-best.jsonl", "--set", "steps=1", "--set", "batchSize=2", "--out", "sft-from-ids");
    }

    [Test]
    public void TheBestOfNAnswersAreDemonstrations()
    {
        var said = _workspace.Must("bestofn", "--model", "model", "--reward", "rule:length", "--prompts", "prompts.jsonl", "--samples", "4", "--max-new-tokens", "6", "--out", "best.jsonl");
        Assert.That(said.Output, Does.Contain("8 best of 4").And.Contain("at most 0.636 nats"));
        foreach (var row in Rows("best.jsonl"))
        {
            double[] scores = [.. row.GetProperty("scores").EnumerateArray().Select(score => score.GetDouble())];
            Assert.That(scores, Has.Length.EqualTo(4));
            Assert.That(row.GetProperty("score").GetDouble(), Is.EqualTo(scores.Max()).And.EqualTo(row.GetProperty("completion").GetString()!.Length));
            Assert.That(row.GetProperty("model").GetString(), Is.EqualTo("model"));
        }

        _workspace.Must("sft", "--model", "model", "--data", "best.jsonl", "--set", "steps=1", "--set", "batchSize=4", "--out", "sft-best");
        _workspace.Must(
            "raft", "--model", "model", "--reward", "reward/final", "--prompts", "prompts.jsonl", "--set", "steps=2", "--set", "batchSize=8", "--set", "answersPerPrompt=4", "--set", "miniBatchSize=2",
            "--set", "responseLength=4", "--out", "raft");
        var metrics = Metrics("raft");
        foreach (string key in (string[])["loss", "objective/scores", "objective/scores_best", "objective/score_std", "response/length", "response/eos_fraction", "eval/scores", "time/rollout", "grad_norm"])
            Assert.That(metrics.TryGetProperty(key, out _), key);
        Assert.That(File.ReadAllLines(_workspace.Path("raft/samples.jsonl")), Has.Length.EqualTo(2));
    }

    [TestCase("compare", "--answers", "1", "at least 2")]
    [TestCase("compare", "--temperature", "0", "the same answer")]
    [TestCase("compare", "--rank-by", "rule:nice", "there is no such rule")]
    [TestCase("compare", "--max-new-tokens", "32", "leaves no room")]
    [TestCase("bestofn", "--samples", "0", "--samples")]
    [TestCase("bestofn", "--temperature", "0", "the same answer")]
    [TestCase("bestofn", "--top-p", "2", "--top-p")]
    [TestCase("bestofn", "--prompts", "gpt.json", "gpt.json")]
    [TestCase("raft", "--set", "answersPerPrompt=3", "answersPerPrompt is 3")]
    [TestCase("raft", "--set", "keepfraction=0.1", "keepFraction")]
    [TestCase("raft", "--set", "responseLength=32", "leaves no room")]
    public void WhatCannotBeSampledIsRefused(string command, string option, string value, string expected)
    {
        string[] prompts = option == "--prompts" ? [] : ["--prompts", "prompts.jsonl"];
        string[] reward = command == "compare" ? [] : ["--reward", "rule:words"];
        Refused([command, "--model", "model", .. prompts, .. reward, option, value, "--out", "never"], expected);
    }

    [Test]
    public void AnswersThatCannotBeScoredLeaveNoFile()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("the command of this test is for a POSIX shell");
        Refused(["compare", "--model", "model", "--prompts", "prompts.jsonl", "--max-new-tokens", "4", "--rank-by", "exec:read -r line; echo 1; read -r line; echo nonsense", "--out", "never"], "nonsense");
        _workspace.Write("precious.jsonl", "precious");
        var result = _workspace.Run("compare", "--model", "model", "--prompts", "prompts.jsonl", "--out", "precious.jsonl");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(File.ReadAllText(_workspace.Path("precious.jsonl")), Is.EqualTo("precious"));
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
