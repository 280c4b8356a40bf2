using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>What a reward model has besides its loss: members, normalisation, labelers, calibration.</summary>
public class RewardTrainerTests : FolderTests
{
    private static readonly GptConfig Shape = new() { Layers = 1, Heads = 2, Width = 16, Positions = 16, VocabularySize = 20, Inner = 32 };

    [Test]
    public void AMemberIsWhatARunOfItsOwnSeedTrains([Values(0, 2)] int loraRank)
    {
        string[] settings = ["steps=3", "batchSize=4", "microBatchSize=2", "learningRate=0.01", "dropout=0.1", $"loraRank={loraRank}"];
        Train("all", [.. settings, "ensemble=3"], seed: 42);
        for (int i = 0; i < 3; i++) Train($"alone-{i}", settings, seed: 42 + (ulong)i);
        var hashes = Enumerable.Range(0, 3).Select(i => Weights($"all/final/member-{i}")).ToList();
        Assert.That(hashes, Is.Unique);
        Assert.That(hashes, Is.EqualTo(Enumerable.Range(0, 3).Select(i => Weights($"alone-{i}/final"))));
        Assert.That(Line("all")["loss"]!.GetValue<double>(), Is.EqualTo(Enumerable.Range(0, 3).Average(i => Line($"alone-{i}")["loss"]!.GetValue<double>())).Within(1e-6));
        Assert.That(Line("all").ContainsKey("eval/score_std"));
        Assert.That(Line("alone-0").ContainsKey("eval/score_std"), Is.False);

        byte[] Weights(string model) => File.ReadAllBytes(Folder.File($"{model}/model.safetensors"));
    }

    [TestCase("bias", 0.75f)]
    [TestCase("unit", 0f)]
    [TestCase("unit", 0.75f)]
    public void ReferenceAnswersScoreWhereTheyBelong(string normalization, float biasBefore)
    {
        TokenRow[] references = [.. Enumerable.Range(50, 9).Select(i => new TokenRow(Tokens(new Random(i), 5 + (i % 4), 20), 2))];
        Train("run", ["steps=3", "batchSize=4", "learningRate=0.01", $"normalization={normalization}"], references: references, biasBefore: biasBefore);
        using var model = ModelDirectory.Load(Device(), Folder.File("run/final"), ScoreHead.Required);
        using var workspace = new Workspace(Device(), Shape, 64, forBackward: false);
        float[] scores = new SequenceScorer(workspace).Scores(model, [.. references.Select(row => row.Tokens)]);
        Assert.That(scores.Average(), Is.EqualTo(0).Within(1e-5));
        double deviation = Math.Sqrt(scores.Average(score => (double)score * score));
        var config = JsonNode.Parse(File.ReadAllText(Folder.File("run/final/config.json")))!;
        if (normalization == "unit") Assert.That(deviation, Is.EqualTo(1).Within(1e-5));
        else Assert.That((double)config["reward_scale"]!, Is.EqualTo(1));
        Assert.That((double)config["reward_bias"]!, Is.Not.Zero.And.Not.EqualTo(0.75));
        Assert.That(File.ReadAllText(Folder.File("run/log.txt")), Does.Contain("normalization by 9 reference answers"));
    }

    [Test]
    public void WithoutReferencesTheBestAnswersOfTheTrainingRowsCount()
    {
        Train("run", ["steps=2", "batchSize=4", "learningRate=0.01", "normalization=bias"]);
        using var model = ModelDirectory.Load(Device(), Folder.File("run/final"), ScoreHead.Required);
        using var workspace = new Workspace(Device(), Shape, 64, forBackward: false);
        int[][] best = [.. Rows().SelectMany(row => row.Answers.Where((_, k) => row.Ranks[k] == 1)).Select(row => row.Tokens)];
        Assert.That(new SequenceScorer(workspace).Scores(model, best).Average(), Is.EqualTo(0).Within(1e-5));
    }

    [Test]
    public void ReferencesThatAreAllTheSameCannotGiveAScale()
    {
        var row = new TokenRow([1, 2, 3], 1);
        Assert.That(() => Train("run", ["steps=1", "normalization=unit"], references: [row, row]), Throws.TypeOf<InputException>().With.Message.Contains("all reference answers are the same"));
    }

    [Test]
    public void EvaluationIsByLabelerWhereRowsNameOneAndCalibrated()
    {
        Train("run", ["steps=2", "batchSize=4", "learningRate=0.01"]);
        var line = Line("run");
        using var model = ModelDirectory.Load(Device(), Folder.File("run/final"), ScoreHead.Required);
        using var workspace = new Workspace(Device(), Shape, 64, forBackward: false);
        Dictionary<string, List<bool>> byLabeler = new() { ["ann"] = [], ["7"] = [], ["all"] = [] };
        var calibration = new PreferenceCalibration();
        foreach (var row in EvalRows())
        {
            float[] scores = new SequenceScorer(workspace).Scores(model, [.. row.Answers.Select(answer => answer.Tokens)]);
            foreach (var pair in row.Pairs)
            {
                bool right = scores[pair.Better] > scores[pair.Worse];
                byLabeler["all"].Add(right);
                if (row.Labeler is { } labeler) byLabeler[labeler].Add(right);
                calibration.Add((double)scores[pair.Better] - scores[pair.Worse]);
            }
        }

        Assert.Multiple(() =>
        {
            foreach (var (labeler, right) in byLabeler)
                Assert.That((double)line[labeler == "all" ? "eval/accuracy" : $"eval/accuracy/{labeler}"]!, Is.EqualTo(right.Average(r => r ? 1.0 : 0)).Within(1e-9), labeler);
            Assert.That(line.Count(entry => entry.Key.StartsWith("eval/accuracy/", StringComparison.Ordinal)), Is.EqualTo(2));
            Assert.That((double)line["eval/calibration_error"]!, Is.EqualTo(calibration.Error).Within(1e-6));
            var file = JsonNode.Parse(File.ReadAllText(Folder.File("run/calibration.json")))!;
            Assert.That((int)file["step"]!, Is.EqualTo(2));
            Assert.That((long)file["pairs"]!, Is.EqualTo(calibration.Pairs));
            Assert.That(file["bins"]!.AsArray().Sum(bin => (long)bin!["pairs"]!), Is.EqualTo(calibration.Pairs));
        });
    }

    [Test]
    public void AnswersThatScoreTheSameAreRightByHalf()
    {
        var answer = new TokenRow([1, 2, 3], 1);
        Train("run", ["steps=1", "batchSize=4"], evalRows: [new RankedRow([answer, answer], [1, 2], [new AnswerPair(0, 1)], "ann")]);
        Assert.That(((double)Line("run")["eval/accuracy"]!, (double)Line("run")["eval/accuracy/ann"]!), Is.EqualTo((0.5, 0.5)), "as the accuracy of a training step counts them");
    }

    [Test]
    public void AnEnsembleThatIsInterruptedResumesToTheSameBits()
    {
        string[] settings = ["steps=4", "batchSize=4", "learningRate=0.01", "ensemble=2", "normalization=unit"];
        Train("whole", settings);
        using var cancel = new CancellationTokenSource();
        Assert.That(() => Train("parts", settings, onStep: report => { if (report.Step == 3) cancel.Cancel(); }, cancel: cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Train("parts", settings, resume: true);
        Directory.Delete(Folder.File("parts/checkpoints"), recursive: true);
        var (parts, whole) = (TinyRuns.Result(Folder.File("parts")), TinyRuns.Result(Folder.File("whole")));
        Assert.That(whole.Keys, Does.Contain("final/member-1/model.safetensors").And.Contains("calibration.json"));
        Assert.That(parts, Is.EqualTo(whole));
    }

    [TestCase(0f, 1f)]
    [TestCase(-0.5f, 1f)]
    [TestCase(0.25f, 3f)]
    public void APublicClassifierReadsBackWithTheSameScores(float bias, float scale)
    {
        // An untied vocabulary head, which a classifier does not have.
        var config = Shape with { TieWordEmbeddings = false, LmHeadBias = true, RewardBias = bias, RewardScale = scale, EosToken = 19, Other = new JsonObject { ["note"] = "kept" } };
        using (var model = Random(config, 3, hasScore: true)) ModelDirectory.Save(Folder.File("model"), model, null);
        using var before = ModelDirectory.Load(Device(), Folder.File("model"), ScoreHead.Required);
        SequenceClassification.Save(Folder.File("classifier"), before, null, padToken: 18);

        var json = JsonNode.Parse(File.ReadAllText(Folder.File("classifier/config.json")))!;
        using (var tensors = SafeTensorsSet.Open(Folder.File("classifier")))
        {
            Assert.Multiple(() =>
            {
                Assert.That(tensors.Tensors.Select(tensor => tensor.Name).Where(name => !name.StartsWith("transformer.", StringComparison.Ordinal)), Is.EqualTo(new[] { "score.weight" }));
                Assert.That(tensors.Tensors.Select(tensor => tensor.Name), Does.Contain("transformer.h.0.attn.c_attn.weight").And.Not.Contains("transformer.lm_head.weight"));
                Assert.That(json["architectures"]!.ToJsonString(), Is.EqualTo("""["GPT2ForSequenceClassification"]"""));
                Assert.That(json["id2label"]!.AsObject(), Has.Count.EqualTo(1));
                Assert.That((int)json["num_labels"]!, Is.EqualTo(1));
                Assert.That((int)json["pad_token_id"]!, Is.EqualTo(18));
                Assert.That((string)json["note"]!, Is.EqualTo("kept"));
            });
        }

        using (var loaded = SequenceClassification.Load(Device(), Folder.File("classifier")))
        {
            Assert.That(loaded.Config.Other.Select(entry => entry.Key), Is.EqualTo(new[] { "note" }));
            ModelDirectory.Save(Folder.File("back"), loaded, null);
        }

        using var back = ModelDirectory.Load(Device(), Folder.File("back"), ScoreHead.Required);
        using var workspace = new Workspace(Device(), Shape, 64, forBackward: false);
        int[][] rows = [.. Enumerable.Range(0, 6).Select(i => Tokens(new Random(i), 3 + i, 20))];
        float[] expected = new SequenceScorer(workspace).Scores(before, rows);
        Assert.That(new SequenceScorer(workspace).Scores(back, rows), Is.EqualTo(expected));
        // What others make of it: their class knows no bias.
        using var score = SafeTensorsSet.Open(Folder.File("classifier"));
        float[] stored = new float[16];
        score.ReadFloats("score.weight", stored);
        Assert.That(stored, Is.EqualTo(Values(before.Weights.Score)));
    }

    [Test]
    public void WhatIsNoClassifierOfOneLabelIsRefused()
    {
        using var model = Random(Shape with { EosToken = 19 }, 3, hasScore: true);
        using var plain = Random(Shape, 3);
        Assert.That(() => SequenceClassification.Save(Folder.File("x"), plain, null, null), Throws.TypeOf<InputException>().With.Message.Contains("score.weight"));
        Assert.That(() => SequenceClassification.Save(Folder.File("x"), model, null, 19), Throws.TypeOf<InputException>().With.Message.Contains("end-of-text"));
        Assert.That(() => SequenceClassification.Save(Folder.File("x"), model, null, 20), Throws.TypeOf<InputException>().With.Message.Contains("0 to 19"));
        SequenceClassification.Save(Folder.File("x"), model, null, null);
        string file = Folder.File("x/config.json"), text = File.ReadAllText(file);
        Change("GPT2LMHeadModel", json => json["architectures"]!.AsArray()[0] = "GPT2LMHeadModel");
        Change("2 labels", json => json["id2label"]!["1"] = "other");
        Change("2 labels", json => { json.Remove("id2label"); json.Remove("num_labels"); });

        void Change(string expected, Action<JsonObject> change)
        {
            var json = JsonNode.Parse(text)!.AsObject();
            change(json);
            File.WriteAllText(file, json.ToJsonString());
            Assert.That(() => SequenceClassification.Load(Device(), Folder.File("x")), Throws.TypeOf<InputException>().With.Message.Contains(expected));
        }
    }

    private JsonObject Line(string run) => TinyRuns.Metrics(Folder.File(run))[^1];

    private static List<RankedRow> Rows() => [.. Enumerable.Range(0, 12).Select(i => Row(i, null))];

    private static List<RankedRow> EvalRows() => [.. Enumerable.Range(100, 9).Select(i => Row(i, (i % 3) switch { 0 => "ann", 1 => "7", _ => null }))];

    private static RankedRow Row(int seed, string? labeler)
    {
        var random = new Random(seed);
        int[] prompt = Tokens(random, 3, 20), ranks = [1, 2, 2, 3];
        return new RankedRow([.. ranks.Select(_ => new TokenRow([.. prompt, .. Tokens(random, 2 + random.Next(4), 20)], 3))], ranks, RowEncoder.Pairs(ranks), labeler);
    }

    private void Train(
        string name, string[] settings, ulong seed = 42, TokenRow[]? references = null, float biasBefore = 0, bool resume = false, Action<StepReport>? onStep = null, CancellationToken cancel = default,
        IReadOnlyList<RankedRow>? evalRows = null)
    {
        var configuration = ConfigurationLoader.Load<RewardConfiguration>(sets: settings);
        List<Gpt> members = [];
        for (int i = 0; i < configuration.Ensemble; i++)
        {
            members.Add(new Gpt(Device(), Shape with { RewardBias = biasBefore }, hasScore: true));
            Initialization.Initialize(members[i], 7);
            Initialization.InitializeScore(members[i], seed + (ulong)i);
        }

        using var directory = RunDirectory.Open(Folder.File(name), resume);
        if (!resume) directory.WriteConfiguration([]);
        using var trainer = new RewardTrainer(configuration, new TrainingRun(directory, seed, null, resume, onStep, cancel), members, Rows(), evalRows ?? EvalRows(), references ?? []);
        trainer.Train();
        foreach (var member in members) member.Dispose();
    }
}
