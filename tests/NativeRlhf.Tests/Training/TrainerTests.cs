using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>Each trainer learns what it is there to learn, on a model of 2 layers × 32 and rows of token ids.</summary>
public class TrainerTests : FolderTests
{
    private const int Vocabulary = 24, End = 23;

    private static readonly GptConfig Shape = new()
    {
        Layers = 2,
        Heads = 4,
        Width = 32,
        Positions = 24,
        VocabularySize = Vocabulary,
        Inner = 64,
        EosToken = End,
    };

    private static readonly string[] Always = ["step", "wall_seconds", "tokens", "tokens_per_second", "learning_rate", "grad_norm"];

    [Test]
    public void PretrainingLearnsTheRuleOfItsText()
    {
        using var model = NewModel();
        // Every token but the first of a row follows from the one before it.
        TokenRow[] rows = [.. Enumerable.Range(0, 200).Select(i => new TokenRow(Chain(i, 12), 1))];
        var configuration = Load<PretrainConfiguration>("steps=160", "batchSize=16", "learningRate=0.01", "warmupSteps=5", "evalEvery=80");
        using (var directory = Create())
        {
            using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, rows[20..], rows[..20]);
            trainer.Train();
        }

        var lines = AssertMetrics(160, [.. Always, "loss"]);
        Assert.That((double)lines[0]["loss"]!, Is.EqualTo(Math.Log(Vocabulary)).Within(0.2), "a new model knows nothing");
        Assert.That((double)lines[^1]["loss"]!, Is.LessThan(0.3));
        Assert.That(lines.Where(line => line.ContainsKey("eval/loss")).Select(line => (int)line["step"]!), Is.EqualTo(new[] { 80, 160 }));
        Assert.That((double)lines[^1]["eval/loss"]!, Is.LessThan(0.3));
        Assert.That(lines.Select(line => (long)line["tokens"]!), Is.EqualTo(Enumerable.Range(1, 160).Select(step => step * 16L * 11)));
        using var final = ModelDirectory.Load(Device(), Path.Combine(Run, "final"));
        AssertClose(final.Weights, model.Weights, 1e-30);
    }

    [Test]
    public void FineTuningCountsTheCompletionAlone()
    {
        var random = new Random(3);
        // The mean is over the counted tokens of the batch, not over rows: 2 and 11 of them here.
        TokenRow[] rows = [new(Tokens(random, 9, Vocabulary), 7), new(Tokens(random, 14, Vocabulary), 3)];
        using var model = Random(Shape, 4);
        double expected = 0;
        foreach (var row in rows)
        {
            float[][] logits = Logits(model, row.Tokens);
            for (int t = row.CountedFrom; t < row.Tokens.Length; t++) expected -= LogSoftmax(logits[t - 1])[row.Tokens[t]] / 13;
        }

        var configuration = Load<SftConfiguration>("steps=1", "batchSize=2", "learningRate=0", "shuffle=false");
        using var directory = Create();
        using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, rows, []);
        Assert.That(trainer.Train()["loss"], Is.EqualTo(expected).Within(1e-5));
    }

    [Test]
    public void FineTuningLearnsToAnswer()
    {
        using var model = NewModel();
        // The answer to any five tokens is the same five backwards and an end; the prompts themselves are noise.
        TokenRow[] rows = [.. Enumerable.Range(0, 300).Select(i => Reversal(i))];
        var configuration = Load<SftConfiguration>("steps=130", "batchSize=32", "learningRate=0.01", "warmupSteps=10", "learningRateSchedule=cosine");
        using (var directory = Create())
        {
            using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, rows, [.. Enumerable.Range(1000, 30).Select(Reversal)]);
            trainer.Train();
        }

        var lines = AssertMetrics(130, [.. Always, "loss"]);
        Assert.That((double)lines[^1]["eval/loss"]!, Is.LessThan(0.25));
        Assert.That((double)lines[^1]["loss"]!, Is.LessThan((double)lines[0]["loss"]! / 5));

        static TokenRow Reversal(int seed)
        {
            int[] prompt = Tokens(new Random(seed), 4, 8);
            return new TokenRow([.. prompt, 20, .. prompt.Reverse(), End], 5);
        }
    }

    [Test]
    public void ARewardModelLearnsRankings()
    {
        using var model = NewModel(hasScore: true);
        // The better answer has more of token 5; K = 4, and ties where the counts are equal.
        RankedRow[] rows = [.. Enumerable.Range(0, 160).Select(Ranking)];
        Assert.That(rows.Any(row => row.Pairs.Length < 6), "some answers are tied");
        var configuration = Load<RewardConfiguration>("steps=50", "batchSize=16", "microBatchSize=8", "learningRate=0.005", "warmupSteps=5", "evalEvery=20");
        using (var directory = Create())
        {
            using var trainer = new RewardTrainer(configuration, new TrainingRun(directory, 1, null), model, rows, [.. Enumerable.Range(1000, 40).Select(Ranking)]);
            trainer.Train();
        }

        var lines = AssertMetrics(50, [.. Always, "loss", "accuracy", "margin"]);
        var last = lines[^1];
        Assert.Multiple(() =>
        {
            Assert.That((double)lines[0]["loss"]!, Is.EqualTo(Math.Log(2)).Within(0.4));
            Assert.That((double)last["loss"]!, Is.LessThan(0.3));
            Assert.That((double)last["accuracy"]!, Is.GreaterThan(0.9));
            Assert.That((double)last["margin"]!, Is.GreaterThan(1));
            Assert.That((double)last["eval/accuracy"]!, Is.GreaterThan(0.9));
            Assert.That((double)last["eval/loss"]!, Is.LessThan(0.4));
            Assert.That(lines[18].ContainsKey("eval/loss"), Is.False);
            Assert.That(lines[19].ContainsKey("eval/accuracy"), Is.True);
        });
        using var final = ModelDirectory.Load(Device(), Path.Combine(Run, "final"), ScoreHead.Required);
        AssertClose(final.Weights, model.Weights, 1e-30);
    }

    [Test]
    public void TheRankingLossIsTheMeanOverPromptsOfTheMeanOverTheirPairs()
    {
        using var model = Random(Shape, 6, hasScore: true);
        RankedRow[] rows = [Ranking(1), Pair(2), Ranking(3)];
        using var workspace = new Workspace(Device(), Shape, 200, forBackward: false);
        double loss = 0, correct = 0, margin = 0;
        int pairs = 0;
        foreach (var row in rows)
        {
            float[] scores = new SequenceScorer(workspace).Scores(model, [.. row.Answers.Select(answer => answer.Tokens)]);
            foreach (var pair in row.Pairs)
            {
                double d = (double)scores[pair.Better] - scores[pair.Worse];
                loss += Math.Log(1 + Math.Exp(-d)) / row.Pairs.Length / rows.Length;
                correct += d > 0 ? 1 : 0;
                margin += d;
                pairs++;
            }
        }

        var configuration = Load<RewardConfiguration>("steps=1", "batchSize=3", "microBatchSize=2", "learningRate=0", "shuffle=false");
        using var directory = Create();
        using var trainer = new RewardTrainer(configuration, new TrainingRun(directory, 1, null), model, rows, []);
        var metrics = trainer.Train();
        Assert.Multiple(() =>
        {
            Assert.That(metrics["loss"], Is.EqualTo(loss).Within(1e-5));
            Assert.That(metrics["accuracy"], Is.EqualTo(correct / pairs).Within(1e-6));
            Assert.That(metrics["margin"], Is.EqualTo(margin / pairs).Within(1e-4));
        });
    }

    [TestCase("whitenAdvantages=true")]
    [TestCase("whitenAdvantages=false", "valueClipRange=null")]
    [TestCase("whitenRewards=true", "scoreClip=5", "klController=adaptive", "klHorizon=1000", "missingEosPenalty=-1")]
    [TestCase("advantages=grpo", "answersPerPrompt=4", "lossMean=answer", "klPenalty=loss")]
    [TestCase("advantages=rloo", "answersPerPrompt=4")]
    [TestCase("klPenalty=loss")]
    public void PpoRaisesTheScoreOfARule(params string[] settings)
    {
        bool hasValue = !settings.Any(setting => setting is "advantages=grpo" or "advantages=rloo");
        string[] keys =
        [
            .. Always, .. hasValue ? new[] { "loss/value", "value/clipfrac" } : [], .. settings.Contains("klPenalty=loss") ? new[] { "loss/kl" } : [],
            "objective/scores", "objective/kl", "objective/kl_k3", "objective/rlhf_reward", "objective/entropy", "objective/kl_coef", "policy/approxkl", "policy/clipfrac",
            "policy/ratio", "policy/ratio_first", "loss/policy", "response/length", "response/eos_fraction", "time/rollout", "time/score", "time/update",
        ];
        Ppo(["steps=25", .. settings]);
        var lines = AssertMetrics(25, keys);
        Assert.That(lines[0].ContainsKey("loss/value"), Is.EqualTo(hasValue));
        Assert.That(lines.Select(line => (double)line["objective/kl_k3"]!), Is.All.GreaterThanOrEqualTo(0));
        Assert.Multiple(() =>
        {
            Assert.That(Mean(lines[..3], "objective/scores"), Is.LessThan(1));
            Assert.That(Mean(lines[^3..], "objective/scores"), Is.GreaterThan(Mean(lines[..3], "objective/scores") + 1));
            Assert.That((double)lines[^1]["eval/scores"]!, Is.GreaterThan(Mean(lines[..3], "objective/scores") + 1));
            Assert.That((double)lines[0]["objective/kl"]!, Is.EqualTo(0).Within(1e-3), "the policy is the reference at first");
            Assert.That((double)lines[^1]["objective/kl"]!, Is.GreaterThan(0.1));
            Assert.That((double)lines[^1]["objective/entropy"]!, Is.LessThan((double)lines[0]["objective/entropy"]!));
            Assert.That(lines.Max(line => (double)line["policy/ratio_first"]!), Is.LessThan(1e-4));
            Assert.That(lines.Max(line => (double)line["policy/approxkl"]!), Is.GreaterThan(0));
            Assert.That(lines.Average(line => (double)line["policy/ratio"]!), Is.EqualTo(1).Within(0.1));
            Assert.That(lines.Select(line => (double)line["response/length"]!), Is.All.InRange(1, 8));
            Assert.That(lines.Select(line => (double)line["objective/rlhf_reward"]!), Is.EqualTo(
                lines.Select(line => (double)line["objective/scores"]! - ((double)line["objective/kl_coef"]! * (double)line["objective/kl"]!))).Within(1e-9));
        });
        var samples = File.ReadLines(Path.Combine(Run, "samples.jsonl")).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.That(samples.Select(sample => (int)sample["step"]!).Distinct(), Is.EqualTo(Enumerable.Range(1, 25)));
    }

    [Test]
    public void PretrainingMixKeepsWhatThePolicyKnew()
    {
        TokenRow[] text = [.. Enumerable.Range(0, 60).Select(i => new TokenRow(Chain(i, 10), 1))];
        Gpt Known()
        {
            var model = NewModel();
            using var directory = RunDirectory.Create(Folder.File($"base{Directory.GetDirectories(Folder.Path).Length}"));
            using var trainer = new LanguageModelTrainer(Load<PretrainConfiguration>("steps=40", "batchSize=16", "learningRate=0.01"), new TrainingRun(directory, 1, null), model, text, []);
            trainer.Train();
            return model;
        }

        using var alone = Known();
        using var mixed = Known();
        string[] settings = ["steps=15", "klCoef=0"];
        Ppo(settings, alone, path: "alone");
        Ppo([.. settings, "ptxCoef=2", "ptxRatio=0.5"], mixed, text, "mixed");
        using var workspace = new Workspace(Device(), Shape, 600, forBackward: false);
        double lossAlone = new SequenceScorer(workspace).Loss(alone, text), lossMixed = new SequenceScorer(workspace).Loss(mixed, text);
        var lines = TinyRuns.Metrics(Folder.File("mixed"));
        Assert.Multiple(() =>
        {
            Assert.That(lossMixed, Is.LessThan(0.6 * lossAlone));
            Assert.That(lines.Select(line => (double)line["loss/ptx"]!), Is.All.InRange(0, 5));
            Assert.That(Mean(lines[^3..], "objective/scores"), Is.GreaterThan(Mean(lines[..3], "objective/scores")));
            Assert.That(TinyRuns.Metrics(Folder.File("alone"))[0].ContainsKey("loss/ptx"), Is.False);
        });
    }

    [TestCase("reward")]
    [TestCase("loss")]
    public void TheKlPenaltyKeepsThePolicyAtItsReference(string place)
    {
        Ppo(["steps=15", "klCoef=0", $"klPenalty={place}"], path: "free");
        Ppo(["steps=15", "klCoef=2", $"klPenalty={place}"], path: "held");
        Assert.That(Last("held"), Is.LessThan(Last("free") / 3));

        double Last(string path) => Mean(TinyRuns.Metrics(Folder.File(path))[^3..], "objective/kl");
    }

    [Test]
    public void TheValueFunctionLearnsWhereThePolicyRests()
    {
        using var policy = NewModel();
        using var same = NewModel();
        Ppo(["steps=15", "learningRate=0", "valueLearningRate=0.003"], policy);
        AssertClose(policy.Weights, same.Weights, 1e-30);
        var lines = TinyRuns.Metrics(Run);
        Assert.That(Mean(lines[^3..], "loss/value"), Is.LessThan(Mean(lines[..3], "loss/value") / 1.5));
    }

    [Test]
    public void TheReferenceMayHaveAShapeOfItsOwn()
    {
        using var policy = NewModel();
        var smaller = Shape with { Layers = 1, Width = 16, Inner = 32 };
        using var reference = Random(smaller, 3);
        Ppo(["steps=1", "klCoef=0.1"], policy, reference: reference);
        var sample = JsonNode.Parse(File.ReadLines(Path.Combine(Run, "samples.jsonl")).First())!;
        var row = new TokenRow([.. sample["tokens"]!.AsArray().Select(token => (int)token!)], 3);
        using var first = NewModel();
        Assert.That((double)sample["kl"]!, Is.EqualTo(Sum(first) - Sum(reference)).Within(1e-4));

        double Sum(Gpt model)
        {
            using var workspace = new Workspace(Device(), model.Config, 24, forBackward: false);
            return new SequenceScorer(workspace).LogProbs(model, [row])[0].Sum(logprob => (double)logprob);
        }
    }

    [TestCase(10, Vocabulary, "10 positions")]
    [TestCase(24, Vocabulary + 2, "26 tokens")]
    public void AReferenceOrValueFunctionThatDoesNotFitIsNamedBeforeTheFirstStep(int positions, int vocabulary, string expected)
    {
        using var other = Random(Shape with { Positions = positions, VocabularySize = vocabulary }, 3, hasScore: true);
        Assert.That(() => Ppo(["steps=1"], reference: other), Throws.TypeOf<InputException>().With.Message.StartsWith("the reference").And.Message.Contains(expected));
        Assert.That(() => Ppo(["steps=1"], path: "second", value: other), Throws.TypeOf<InputException>().With.Message.StartsWith("the value function").And.Message.Contains(expected));
    }

    [Test]
    public void PretrainingMixWithoutTextIsAnError() =>
        Assert.That(() => Ppo(["steps=1", "ptxCoef=1"]), Throws.TypeOf<InputException>().With.Message.Contains("ptxCoef"));

    [Test]
    public void TheFinalPolicyIsTheMovingAverage()
    {
        using var first = NewModel();
        using var policy = NewModel();
        Ppo(["steps=1", "emaDecay=0.75"], policy);
        using var final = ModelDirectory.Load(Device(), Path.Combine(Run, "final"));
        // One step: ¾ of what it began with and ¼ of what it became.
        using var expected = new GptParameters(Device(), Shape, hasScore: false);
        Device().Kernels.Elementwise.Combine(expected.All, 0.75f, first.Weights.All, 0);
        Device().Kernels.Elementwise.Combine(expected.All, 0.25f, policy.Weights.All, 1);
        AssertClose(final.Weights, expected, 1e-6);
        Assert.That(RelativeError(Values(final.Weights.TokenEmbedding), Values(policy.Weights.TokenEmbedding)), Is.GreaterThan(1e-4));
        using var beside = ModelDirectory.Load(Device(), Path.Combine(Run, "final", "policy"));
        AssertClose(beside.Weights, policy.Weights, 1e-30);
    }

    [Test]
    public void OrThePolicyWithTheMovingAverageBesideIt()
    {
        using var policy = NewModel();
        Ppo(["steps=1", "emaDecay=0.75", "emaFinal=false"], policy);
        using var final = ModelDirectory.Load(Device(), Path.Combine(Run, "final"));
        using var average = ModelDirectory.Load(Device(), Path.Combine(Run, "final", "average"));
        AssertClose(final.Weights, policy.Weights, 1e-30);
        Assert.That(RelativeError(Values(average.Weights.TokenEmbedding), Values(policy.Weights.TokenEmbedding)), Is.GreaterThan(1e-4));
    }

    [Test]
    public void ARunWritesTheFilesThatTheContractNames([Values] Kind kind)
    {
        TinyRuns.Run(kind, Run, [.. TinyRuns.Base(kind), "steps=7", "checkpointEvery=2", "keepCheckpoints=2"]);
        Assert.That(File.Exists(Path.Combine(Run, "config.json")));
        Assert.That(Directory.GetDirectories(Path.Combine(Run, "checkpoints")).Select(Path.GetFileName).Order(), Is.EqualTo(new[] { "step-000004", "step-000006" }));
        using var final = ModelDirectory.Load(Device(), Path.Combine(Run, "final"), kind == Kind.Reward ? ScoreHead.Required : ScoreHead.AsStored);
        Assert.That(NativeRlhf.Tokenization.TextTokenizer.TryLoad(Path.Combine(Run, "final")), Is.Not.Null);
        using var checkpoint = ModelDirectory.Load(Device(), Path.Combine(Run, "checkpoints/step-000006"));
        Assert.That(File.Exists(Path.Combine(Run, "samples.jsonl")), Is.EqualTo(kind is Kind.Ppo or Kind.Raft));
        Assert.That(Directory.GetFiles(Run, "*.tmp", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public void LearningRatesFollowTheSchedule()
    {
        TinyRuns.Run(Kind.Pretrain, Run, ["steps=6", "batchSize=2", "learningRate=0.01", "warmupSteps=2", "learningRateSchedule=cosine", "finalLearningRateFraction=0.2"]);
        double[] expected = [0.005, 0.01, .. Enumerable.Range(0, 4).Select(i => 0.01 * (0.2 + (0.8 * 0.5 * (1 + Math.Cos(Math.PI * i / 4)))))];
        Assert.That(TinyRuns.Metrics(Run).Select(line => (double)line["learning_rate"]!), Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void DivergenceStopsTheRun()
    {
        using var model = NewModel();
        float[] weights = Values(model.Weights.TokenEmbedding);
        weights[0] = float.NaN;
        Device().Upload(model.Weights.TokenEmbedding, weights);
        using var directory = Create();
        using var trainer = new LanguageModelTrainer(Load<PretrainConfiguration>("steps=3", "batchSize=2"), new TrainingRun(directory, 1, null), model, [new([0, 1, 2], 1)], []);
        Assert.That(trainer.Train, Throws.TypeOf<NotFiniteNumberException>().With.Message.Contains("step 1"));
        Assert.That(Directory.Exists(Path.Combine(Run, "final")), Is.False);
    }

    [Test]
    public void WhatATrainerDoesNotTrainStaysAsItIs()
    {
        using var model = Random(Shape, 8, hasScore: true);
        float[] score = Values(model.Weights.Score);
        using (var directory = Create())
        {
            var configuration = Load<PretrainConfiguration>("steps=2", "batchSize=2", "weightDecay=0.5", "learningRate=0.01");
            using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, [new([1, 2, 3], 1)], []);
            trainer.Train();
        }

        Assert.That(Values(model.Weights.Score), Is.EqualTo(score), "pretraining knows no score");
        using var policy = Random(Shape, 9, hasScore: true);
        score = Values(policy.Weights.Score);
        Ppo(["steps=1", "weightDecay=0.5"], policy, path: "ppo");
        Assert.That(Values(policy.Weights.Score), Is.EqualTo(score), "nor does a policy");
    }

    [Test]
    public void PromptsThatLeaveNoRoomForAnAnswerAreNamedBeforeTheFirstStep()
    {
        EncodedPrompt[] prompts = [Prompt(1), new(new int[20], null, [], new RowPlace("prompts.jsonl", 7))];
        Assert.That(() => Ppo(["steps=1", "responseLength=5"], prompts: prompts),
            Throws.TypeOf<InputException>().With.Message.StartsWith("prompts.jsonl:7").And.Message.Contains("20").And.Message.Contains("24"));
    }

    [Test]
    public void GradientNormIsTheOneBeforeClipping()
    {
        using var model = Random(Shape, 3);
        TokenRow[] rows = [new([1, 2, 3, 4, 5, 6], 1)];
        var (_, gradients) = LossAndGradients(model, [rows]);
        using (gradients)
        {
            double norm = Math.Sqrt(Values(gradients.All).Sum(g => (double)g * g));
            using var directory = Create();
            using var trainer = new LanguageModelTrainer(Load<PretrainConfiguration>("steps=1", "batchSize=1", "gradientClip=0.01"), new TrainingRun(directory, 1, null), model, rows, []);
            Assert.That(trainer.Train()["grad_norm"], Is.EqualTo(norm).Within(1e-3).Percent);
        }
    }

    private string Run => Folder.File("run");

    /// <summary>PPO with the count of token 5 in the answer as its reward.</summary>
    private void Ppo(string[] settings, Gpt? policy = null, TokenRow[]? text = null, string path = "run", EncodedPrompt[]? prompts = null, Gpt? reference = null, Gpt? value = null)
    {
        var configuration = Load<PpoConfiguration>([
            "batchSize=32", "miniBatchSize=16", "innerEpochs=2", "responseLength=8", "learningRate=0.003", "valueCoef=0.5", "learningRateSchedule=constant", "maxLength=24", .. settings]);
        prompts ??= [.. Enumerable.Range(0, 40).Select(Prompt)];
        text ??= [];
        using var own = policy is null ? NewModel() : null;
        policy ??= own!;
        using var before = new Gpt(Device(), Shape, policy.Weights.HasScore);
        Device().Kernels.Elementwise.Copy(before.Weights.All, policy.Weights.All);
        using var newValue = NewModel(hasScore: true);
        using var reward = new RuleReward(request => request.Tokens.Skip(3).Count(token => token == 5));
        using var workspace = PpoTrainer.PlanWorkspace(Device(), Shape, configuration, prompts, text);
        using var directory = RunDirectory.Create(Folder.File(path));
        using var trainer = new PpoTrainer(configuration, new TrainingRun(directory, 1, null), new PpoModels(policy, reference ?? before, value ?? newValue, reward), prompts, text, workspace);
        trainer.Train();
    }

    private RunDirectory Create() => RunDirectory.Create(Run);

    private static T Load<T>(params string[] settings)
        where T : TrainerConfiguration, new() => ConfigurationLoader.Load<T>(sets: settings);

    private static Gpt NewModel(bool hasScore = false)
    {
        var model = new Gpt(Device(), Shape, hasScore);
        Initialization.Initialize(model, 42);
        return model;
    }

    /// <summary>Metrics of so many steps, each with all the keys and every value finite.</summary>
    private List<JsonObject> AssertMetrics(int steps, string[] keys)
    {
        var lines = TinyRuns.Metrics(Run);
        Assert.That(lines.Select(line => (int)line["step"]!), Is.EqualTo(Enumerable.Range(1, steps)));
        foreach (var line in lines)
        {
            Assert.That(keys, Is.SubsetOf(line.Select(entry => entry.Key)));
            foreach (var (key, value) in line) Assert.That(double.IsFinite((double)value!), key);
        }

        return lines;
    }

    private static double Mean(IEnumerable<JsonObject> lines, string key) => lines.Average(line => (double)line[key]!);

    /// <summary>A row in which each token gives the next.</summary>
    private static int[] Chain(int first, int length)
    {
        int[] tokens = new int[length];
        tokens[0] = first % 20;
        for (int i = 1; i < length; i++) tokens[i] = ((7 * tokens[i - 1]) + 3) % 20;
        return tokens;
    }

    private static EncodedPrompt Prompt(int seed) => new(Tokens(new Random(seed), 3, 20), null, [], default);

    private static RankedRow Ranking(int seed)
    {
        var random = new Random(seed);
        int[] prompt = Tokens(random, 3, 20);
        TokenRow[] answers = [.. Enumerable.Range(0, 4).Select(_ => new TokenRow([.. prompt, .. Enumerable.Range(0, 5).Select(_ => random.Next(4) == 0 ? 5 : random.Next(6, 20)), End], 3))];
        int[] ranks = [.. answers.Select(answer => 1 + answers.Count(other => Count(other) > Count(answer)))];
        var pairs = RowEncoder.Pairs(ranks);
        return pairs.Length > 0 ? new RankedRow(answers, ranks, pairs) : Ranking(seed + 100_000);

        static int Count(TokenRow row) => row.Tokens.AsSpan(3).Count(5);
    }

    private static RankedRow Pair(int seed)
    {
        var random = new Random(seed);
        return new RankedRow([new(Tokens(random, 6, 20), 3), new(Tokens(random, 9, 20), 3)], [2, 1], [new AnswerPair(1, 0)]);
    }
}
