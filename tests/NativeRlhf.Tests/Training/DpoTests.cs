using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>Direct preference optimization beyond what PyTorch's golden values say.</summary>
public class DpoTests : FolderTests
{
    [Test]
    public void LossOfAPair([Values(-800, -30, -1.5, 0, 1e-9, 0.7, 30, 800)] double margin, [Values(0, 0.1, 0.4)] double smoothing)
    {
        var (loss, gradient) = DpoTrainer.PairLoss(margin, smoothing);
        Assert.That(double.IsFinite(loss) && loss >= 0);
        if (Math.Abs(margin) > 100) return;
        Assert.That(loss, Is.EqualTo(((1 - smoothing) * Math.Log(1 + Math.Exp(-margin))) + (smoothing * Math.Log(1 + Math.Exp(margin)))).Within(1e-12));
        const double H = 1e-5;
        double difference = (DpoTrainer.PairLoss(margin + H, smoothing).Loss - DpoTrainer.PairLoss(margin - H, smoothing).Loss) / (2 * H);
        Assert.That(gradient, Is.EqualTo(difference).Within(1e-9));
    }

    [Test]
    public void APolicyThatIsItsReferenceBeginsAtLogTwo([Values(0, 0.2)] double smoothing)
    {
        using var model = Random(Odd(), 3);
        var metrics = Train(model, model, ["steps=1", $"labelSmoothing={smoothing}"], [Ranking(1), Ranking(2), Ranking(3), Ranking(4)]);
        Assert.Multiple(() =>
        {
            Assert.That(metrics["loss"], Is.EqualTo(Math.Log(2)).Within(1e-6), "whatever K, and whatever the smoothing");
            Assert.That(metrics["rewards/chosen"], Is.Zero.Within(1e-5));
            Assert.That(metrics["rewards/rejected"], Is.Zero.Within(1e-5));
        });
    }

    [Test]
    public void RewardsGrowApartAndTheReferenceStays()
    {
        using var model = Random(Odd(), 3);
        RankedRow[] rows = [.. Enumerable.Range(0, 24).Select(Ranking)], held = [.. Enumerable.Range(100, 12).Select(Ranking)];
        var metrics = Train(model, model, ["steps=40", "batchSize=8", "learningRate=0.003"], rows, held);
        Assert.Multiple(() =>
        {
            Assert.That(metrics["loss"], Is.LessThan(0.4));
            Assert.That(metrics["rewards/accuracies"], Is.GreaterThan(0.9));
            Assert.That(metrics["rewards/margins"], Is.GreaterThan(1).And.EqualTo(metrics["rewards/chosen"] - metrics["rewards/rejected"]).Within(1e-9));
            Assert.That(metrics["logps/chosen"], Is.GreaterThan(metrics["logps/rejected"]));
            Assert.That(metrics["eval/rewards/accuracies"], Is.GreaterThan(0.8), "what is better has a rule");
            Assert.That(metrics["eval/loss"], Is.LessThan(Math.Log(2)));
            Assert.That(metrics["eval/rewards/margins"], Is.Positive);
        });
        // The rewards are against the policy that the run began with.
        using var before = Random(Odd(), 3);
        using var workspace = new Workspace(Device(), model.Config, 400, forBackward: false);
        var scorer = new SequenceScorer(workspace);
        double reward = 0;
        int pairs = 0;
        foreach (var row in held)
        {
            float[][] now = scorer.LogProbs(model, row.Answers), then = scorer.LogProbs(before, row.Answers);
            foreach (var (better, worse) in row.Pairs)
            {
                reward += 0.1 * (Reward(better) - Reward(worse));
                pairs++;
            }

            double Reward(int answer) => now[answer].Sum(x => (double)x) - then[answer].Sum(x => (double)x);
        }

        Assert.That(metrics["eval/rewards/margins"], Is.EqualTo(reward / pairs).Within(1e-4));
    }

    [Test]
    public void AReferenceOfAnotherVocabularyIsRefused()
    {
        using var model = Random(Odd(), 3);
        using var other = Random(Odd() with { VocabularySize = 50 }, 3);
        Assert.That(() => Train(model, other, ["steps=1"], [Ranking(1)]), Throws.TypeOf<InputException>().With.Message.Contains("50").And.Message.Contains("51"));
        using var shorter = Random(Odd() with { Positions = 6 }, 3);
        Assert.That(() => Train(model, shorter, ["steps=1"], [Ranking(1)]), Throws.TypeOf<InputException>().With.Message.Contains("6 positions"));
    }

    private Metrics Train(Gpt model, Gpt reference, string[] settings, RankedRow[] rows, RankedRow[]? evalRows = null)
    {
        var configuration = ConfigurationLoader.Load<DpoConfiguration>(sets: ["batchSize=4", "learningRateSchedule=constant", .. settings]);
        using var directory = RunDirectory.Create(Folder.File(Guid.NewGuid().ToString("N")));
        using var trainer = new DpoTrainer(configuration, new TrainingRun(directory, 1, null), model, reference, rows, evalRows ?? []);
        return trainer.Train();
    }

    /// <summary>Two to four answers of different length; the one with more of token 5 is better.</summary>
    private static RankedRow Ranking(int seed)
    {
        var random = new Random(seed);
        int[] prompt = Tokens(random, 3, 51);
        int k = 2 + (seed % 3);
        TokenRow[] answers = [.. Enumerable.Range(0, k).Select(i => new TokenRow([.. prompt, .. Enumerable.Repeat(5, i), .. Enumerable.Range(0, 1 + random.Next(9)).Select(_ => random.Next(6, 51))], 3))];
        int[] ranks = [.. Enumerable.Range(0, k).Select(i => i == 3 ? k - 2 : k - i)];
        return new RankedRow(answers, ranks, RowEncoder.Pairs(ranks));
    }
}
