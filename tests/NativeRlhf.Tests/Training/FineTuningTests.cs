using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>Supervised fine-tuning as in the paper: pretraining text mixed in, the model chosen by what it scores, packed micro-batches.</summary>
public class FineTuningTests : FolderTests
{
    private static readonly GptConfig Shape = new() { Layers = 1, Heads = 2, Width = 16, Positions = 16, VocabularySize = 20, Inner = 32 };

    // Every demonstration runs 4 tokens and every window of text 9, so that the tokens of a step tell what was in it.
    private static readonly TokenRow[] Demonstrations = [.. Enumerable.Range(0, 13).Select(i => new TokenRow(Tokens(new Random(i), 5, 20), 2))];

    private static readonly TokenRow[] Texts = [.. Enumerable.Range(0, 7).Select(i => new TokenRow(Tokens(new Random(100 + i), 10, 20), 1))];

    [Test]
    public void PretrainingTextHasItsShareOfTheRows()
    {
        using var model = Random(Shape, 3);
        Train(model, "run", ["steps=8", "batchSize=5", "pretrainRatio=0.3", "learningRate=0", "shuffle=false"]);
        var lines = TinyRuns.Metrics(Folder.File("run"));
        // 1.5 rows a step: 2, 1, 2, 1, … of 5, and 12 of 40 in all.
        long[] tokens = [.. lines.Select(line => (long)line["tokens"]!)];
        int[] mixed = [.. tokens.Select((sum, i) => (int)((sum - (i > 0 ? tokens[i - 1] : 0) - (5 * 4)) / 5))];
        Assert.That(mixed, Is.EqualTo(new[] { 2, 1, 2, 1, 2, 1, 2, 1 }));

        // In file order: demonstrations go on where they were, whatever was mixed in between.
        using var workspace = new Workspace(Device(), Shape, 256, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        double sft = scorer.Loss(model, [.. Enumerable.Range(3, 4).Select(i => Demonstrations[i])]), ptx = scorer.Loss(model, [Texts[2]]);
        Assert.Multiple(() =>
        {
            Assert.That((double)lines[1]["loss/sft"]!, Is.EqualTo(sft).Within(1e-5));
            Assert.That((double)lines[1]["loss/ptx"]!, Is.EqualTo(ptx).Within(1e-5));
            Assert.That((double)lines[1]["loss"]!, Is.EqualTo(((4 * 3 * sft) + (9 * ptx)) / 21).Within(1e-5), "the mean over all counted tokens");
        });
    }

    [Test]
    public void DemonstrationsAloneMakeUpAnEpoch()
    {
        Assert.That(new SftConfiguration { Epochs = 2, BatchSize = 32, PretrainRatio = 0.1 }.TotalSteps(1440), Is.EqualTo(100));
        Assert.That(new SftConfiguration { Epochs = 2, BatchSize = 32 }.TotalSteps(1440), Is.EqualTo(90));
        Assert.That(new SftConfiguration { Steps = 7, PretrainRatio = 0.5 }.TotalSteps(1440), Is.EqualTo(7));
    }

    [TestCase("loss", "eval/loss", -1)]
    [TestCase("reward", "eval/scores", 1)]
    public void TheBestModelThatWasEvaluatedIsTheFinalOne(string selectBy, string metric, int sign)
    {
        // Twelve rows are learned by heart in few steps: the held-out loss soon rises again.
        using var model = Random(Shape, 5);
        Train(model, "run", ["steps=12", "batchSize=4", "learningRate=0.02", "learningRateSchedule=constant", "evalEvery=1", "checkpointEvery=1", "keepCheckpoints=20", $"selectBy={selectBy}"]);
        var lines = TinyRuns.Metrics(Folder.File("run"));
        int best = 1 + Enumerable.Range(0, 12).MaxBy(i => sign * (double)lines[i][metric]!);
        Assert.That(best, Is.LessThan(12), "the last model is not the best one, so that there is a choice");
        Assert.That(
            File.ReadAllBytes(Folder.File("run/final/model.safetensors")),
            Is.EqualTo(File.ReadAllBytes(Folder.File($"run/checkpoints/step-{best:D6}/model.safetensors"))));
        Assert.That(File.ReadAllText(Folder.File("run/log.txt")), Does.Contain($"final is the model of step {best}, with {metric}"));
    }

    [Test]
    public void ARunThatIsInterruptedRemembersItsBest([Values(2, 7, 11)] int steps, [Values(0, 2)] int loraRank)
    {
        string[] settings = ["steps=12", "batchSize=4", "learningRate=0.02", "evalEvery=3", "checkpointEvery=5", "selectBy=loss", "pretrainRatio=0.3", $"loraRank={loraRank}"];
        using (var model = Random(Shape, 5)) Train(model, "whole", settings);
        using var cancel = new CancellationTokenSource();
        using (var model = Random(Shape, 5))
        {
            Assert.That(() => Train(model, "parts", settings, report => { if (report.Step == steps) cancel.Cancel(); }, cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        }

        using (var model = Random(Shape, 5)) Train(model, "parts", settings, resume: true);
        Directory.Delete(Folder.File("parts/checkpoints"), recursive: true);
        Directory.Delete(Folder.File("whole/checkpoints"), recursive: true);
        Assert.That(TinyRuns.Result(Folder.File("parts")), Is.EqualTo(TinyRuns.Result(Folder.File("whole"))));
    }

    [Test]
    public void ABudgetOfTokensDecidesMemoryAndNotTheResult()
    {
        var whole = new SftConfiguration { BatchSize = 8, MicroBatchTokens = 100 };
        Assert.That(whole.PlanMicroBatches(longestRow: 9, mostRows: 8), Is.EqualTo(new MicroBatches(0, 72)), "no more than a batch can have");
        Assert.That((whole with { MicroBatchTokens = 20 }).PlanMicroBatches(9, 8), Is.EqualTo(new MicroBatches(0, 20)));
        Assert.That((whole with { MicroBatchTokens = 5 }).PlanMicroBatches(9, 8), Is.EqualTo(new MicroBatches(0, 9)), "a longer row is run alone");
        Assert.That((whole with { MicroBatchTokens = 20, MicroBatchSize = 4 }).PlanMicroBatches(9, 8), Is.EqualTo(new MicroBatches(4, 20)));
        Assert.That((whole with { MicroBatchTokens = null, MicroBatchSize = 4 }).PlanMicroBatches(9, 8), Is.EqualTo(new MicroBatches(4, 36)));

        using Gpt one = Random(Shape, 3), other = Random(Shape, 3);
        string[] settings = ["steps=3", "batchSize=8", "pretrainRatio=0.5", "learningRate=0.01", "epsilon=1e-4"];
        Train(one, "one", [.. settings, "microBatchTokens=72"]);
        Train(other, "other", [.. settings, "microBatchTokens=1"]);
        AssertClose(other.Weights, one.Weights, 1e-5);
    }

    [TestCase("pretrainRatio=0.1", "--pretrain-data")]
    [TestCase("selectBy=loss", "--eval-data")]
    [TestCase("selectBy=reward", "--eval-prompts")]
    public void WhatIsAskedForMustBeThere(string setting, string expected)
    {
        using var model = Random(Shape, 3);
        using var directory = RunDirectory.Open(Folder.File("run"), resume: false);
        var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: [setting]);
        Assert.That(
            () => new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, Demonstrations, []),
            Throws.TypeOf<InputException>().With.Message.Contains(setting.Split('=')[0]).And.Message.Contains(expected));
    }

    private void Train(Gpt model, string name, string[] settings, Action<StepReport>? onStep = null, CancellationToken cancel = default, bool resume = false)
    {
        var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: ["responseLength=4", .. settings]);
        using var directory = RunDirectory.Open(Folder.File(name), resume);
        if (!resume) directory.WriteConfiguration([]);
        EncodedPrompt[] prompts = [.. Demonstrations.Select(row => new EncodedPrompt(row.Tokens[..2], null, [], default))];
        using var reward = new RuleReward(request => request.Tokens.Count(token => token % 3 == 0));
        using var trainer = new LanguageModelTrainer(
            configuration, new TrainingRun(directory, 42, null, resume, onStep, cancel), model, Demonstrations,
            [.. Enumerable.Range(50, 9).Select(i => new TokenRow(Tokens(new Random(i), 5, 20), 2))], new FineTuning(configuration.PretrainRatio > 0 ? Texts : [], prompts, reward));
        trainer.Train();
    }
}
