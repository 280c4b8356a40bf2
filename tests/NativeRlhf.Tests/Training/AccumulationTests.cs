using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>
/// Gradients accumulated over micro-batches of one row are those of the whole batch, whatever the rows' lengths: after ten steps
/// max|Δw| / max|w| over all weights is below 1e-6.
/// </summary>
/// <remarks>
/// With ε = 1e-4. Adam divides a gradient by its own size, so that with ε = 1e-8 what moves a parameter whose true gradient is zero is
/// rounding alone: the biases of attention's keys, to which softmax is invariant, and the last bias of a reward model, which cancels in
/// differences. They differ by 1e-3 then, to no effect; for SFT and DPO everything else stays below 4e-7 with ε = 1e-8 too.
/// </remarks>
public class AccumulationTests : FolderTests
{
    private const int Vocabulary = 51, Positions = 64, BatchSize = 8;

    private static readonly GptConfig Shape = Odd() with { Positions = Positions, EosToken = 0 };

    [Test]
    public void MicroBatchesOfOneAndOfTheWholeBatchGiveTheSameWeights([Values(Kind.Sft, Kind.Reward, Kind.Ppo, Kind.Dpo)] Kind kind)
    {
        var one = Weights(kind, 1);
        var whole = Weights(kind, BatchSize);
        double largest = 0, difference = 0;
        foreach (var (name, values) in whole)
        {
            for (int i = 0; i < values.Length; i++)
            {
                largest = Math.Max(largest, Math.Abs(values[i]));
                difference = Math.Max(difference, Math.Abs(values[i] - one[name][i]));
            }
        }

        TestContext.Out.WriteLine($"{kind}: {difference / largest:0.0e0}");
        Assert.That(difference, Is.Positive, "the two runs add in different orders");
        Assert.That(difference / largest, Is.LessThan(1e-6));
    }

    /// <summary>The weights after ten steps: of all models that the trainer trains.</summary>
    private Dictionary<string, float[]> Weights(Kind kind, int microBatchSize)
    {
        string[] settings = ["steps=10", $"batchSize={BatchSize}", $"microBatchSize={microBatchSize}", "learningRate=0.003", "weightDecay=0.1", "epsilon=1e-4"];
        using var directory = RunDirectory.Create(Folder.File(Guid.NewGuid().ToString("N")));
        var run = new TrainingRun(directory, 1, null);
        using var model = Random(Shape, 4, hasScore: kind == Kind.Reward);
        using var value = Random(Shape, 5, hasScore: true);
        using var reference = Random(Shape, 6);
        using var reward = new RuleReward(request => request.Tokens.Count(token => token > 25));
        EncodedPrompt[] prompts = [.. Enumerable.Range(0, 20).Select(i => new EncodedPrompt(Tokens(new Random(i), Length(i) - 12, Vocabulary), null, [], default))];
        using var workspace = PpoTrainer.PlanWorkspace(Device(), Shape, ConfigurationLoader.Load<PpoConfiguration>(sets: [.. settings, $"miniBatchSize={BatchSize}", "responseLength=12"]), prompts, []);
        using Trainer trainer = kind switch
        {
            Kind.Sft => new LanguageModelTrainer(ConfigurationLoader.Load<SftConfiguration>(sets: settings), run, model, [.. Enumerable.Range(0, 20).Select(i => Row(i, 1 + (i % 3)))], []),
            Kind.Reward => new RewardTrainer(ConfigurationLoader.Load<RewardConfiguration>(sets: settings), run, model, [.. Enumerable.Range(0, 20).Select(Ranking)], []),
            Kind.Dpo => new DpoTrainer(ConfigurationLoader.Load<DpoConfiguration>(sets: settings), run, model, reference, [.. Enumerable.Range(0, 20).Select(Ranking)], []),
            _ => new PpoTrainer(
                ConfigurationLoader.Load<PpoConfiguration>(sets: [.. settings, $"miniBatchSize={BatchSize}", "innerEpochs=2", "responseLength=12"]), run,
                new PpoModels(model, reference, value, reward), prompts, [], workspace),
        };
        trainer.Train();
        return model.Weights.Specs.Select(spec => (spec.Name, Values(model.Weights[spec.Name])))
            .Concat(value.Weights.Specs.Select(spec => ($"value {spec.Name}", Values(value.Weights[spec.Name])))).ToDictionary();
    }

    /// <summary>Lengths from 13 to 64: most rows are short, every fifth is long.</summary>
    private static int Length(int i) => i % 5 == 0 ? Positions - (i % 20) : 13 + (i % 7);

    private static TokenRow Row(int seed, int countedFrom) => new(Tokens(new Random(seed), Length(seed), Vocabulary), countedFrom);

    /// <summary>Four answers, from 3 to 59 tokens long, two of them tied.</summary>
    private static RankedRow Ranking(int seed)
    {
        int[] ranks = [1 + (seed % 3), 2, 3, 2];
        TokenRow[] answers = [.. Enumerable.Range(0, 4).Select(i => Row((4 * seed) + i, 5))];
        answers[1] = new TokenRow(answers[1].Tokens[..8], 5);
        return new RankedRow(answers, ranks, RowEncoder.Pairs(ranks));
    }
}
