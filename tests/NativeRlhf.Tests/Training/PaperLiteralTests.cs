using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>
/// Numbers that the literature gives for the losses. (Those for whitening, advantages, KL control and KL estimators are with the tests of
/// NativeRlhf.Rl.)
/// </summary>
public class PaperLiteralTests
{
    [Test]
    public void ThePpoGradientAtRatioOneIsThatOfReinforce()
    {
        var kernels = Device().Kernels;
        using var arena = Device().AllocateArena(1024);
        var logits = arena.Take(1, 4);
        var (logprob, lse, dLogprob, dLogits, advantage, statistics) =
            (arena.Take(1, 1), arena.Take(1, 1), arena.Take(1, 1), arena.Take(1, 4), arena.Take(1, 1), arena.Take(1, PpoLoss.PolicyStatisticsLength));
        using var action = Device().AllocateIndices(1);
        action.Set([1]);
        Device().Upload(logits, [1, 2, 1, 1]);
        Device().Upload(advantage, [1]);
        kernels.LogProb.Forward(logprob, lse, default, logits, action.View);
        kernels.PpoLoss.Policy(statistics, dLogprob, logprob, logprob, advantage, clipRange: 0.2f, scale: 1);
        kernels.LogProb.Backward(dLogits, dLogprob, lse, logits, action.View);
        // The objective is minus the loss.
        Assert.That(Values(dLogits).Select(gradient => -gradient), Is.EqualTo(new[] { -0.1749, 0.5246, -0.1749, -0.1749 }).Within(5e-5));
    }

    [Test]
    public void ThePairwiseLossAtEqualScoresIsLogTwoWhateverK([Range(2, 9)] int k)
    {
        using var folder = new TemporaryFolder();
        using var model = Random(Odd(), 3, hasScore: true);
        Device().Upload(model.Weights.Score, new float[Odd().Width]);
        RankedRow[] rows = [Ranking(k), Ranking(2)];
        using var directory = RunDirectory.Create(folder.File("run"));
        using var trainer = new RewardTrainer(ConfigurationLoader.Load<RewardConfiguration>(sets: ["steps=1", "batchSize=2"]), new TrainingRun(directory, 1, null), model, rows, []);
        Assert.That(trainer.Train()["loss"], Is.EqualTo(Math.Log(2)).Within(1e-6));

        static RankedRow Ranking(int k)
        {
            int[] ranks = [.. Enumerable.Range(1, k)];
            return new RankedRow([.. ranks.Select(i => new TokenRow(Tokens(new Random(i), 3 + i, 51), 2))], ranks, RowEncoder.Pairs(ranks));
        }
    }
}
