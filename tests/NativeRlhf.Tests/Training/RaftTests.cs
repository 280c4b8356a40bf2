using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>Reward-ranked fine-tuning: sample, keep the best, learn from them.</summary>
public class RaftTests : FolderTests
{
    private const int End = 19;

    private static readonly GptConfig Shape = new() { Layers = 1, Heads = 2, Width = 16, Positions = 16, VocabularySize = 20, Inner = 32, EosToken = End };

    private static readonly EncodedPrompt[] Prompts = [.. Enumerable.Range(0, 8).Select(i => new EncodedPrompt([i, i + 1], null, [], new RowPlace("prompts.jsonl", i + 1)))];

    [Test]
    public void APolicyLearnsWhatScores()
    {
        using var policy = new Gpt(Device(), Shape);
        Initialization.Initialize(policy, 1);
        Train(policy, ["steps=25", "batchSize=64", "answersPerPrompt=8", "miniBatchSize=8", "responseLength=6", "learningRate=0.01", "learningRateSchedule=constant"]);
        var lines = TinyRuns.Metrics(Folder.File("run"));
        double first = (double)lines[0]["objective/scores"]!, last = (double)lines[^1]["objective/scores"]!;
        // The reward is how many tokens of six are 7: by chance 0.3, at most 6.
        Assert.That(first, Is.LessThan(0.6));
        Assert.That(last, Is.GreaterThan(4.5));
        Assert.That((double)lines[^1]["eval/scores"]!, Is.GreaterThan(4.5));
        foreach (var line in lines) Assert.That((double)line["objective/scores_best"]!, Is.GreaterThanOrEqualTo((double)line["objective/scores"]!));
    }

    [Test]
    public void TheBestOfEachPromptAreKept([Values("0", "0.5", "0.3", "1")] string fraction)
    {
        int kept = fraction switch { "0" => 1, "0.5" or "0.3" => 2, _ => 4 };
        List<RewardRequest> asked = [];
        using var policy = Random(Shape, 3);
        // One update on what was kept, without a step: its loss is that of the kept answers alone.
        var reward = new RuleReward(request =>
        {
            asked.Add(request);
            return request.Tokens.Sum();
        });
        Train(policy, ["steps=1", "batchSize=16", "answersPerPrompt=4", "miniBatchSize=64", "responseLength=5", "learningRate=0", "shuffle=false", $"keepFraction={fraction}"], reward);
        var line = TinyRuns.Metrics(Folder.File("run"))[0];
        var groups = asked.Take(16).Chunk(4).ToList();
        foreach (var group in groups) Assert.That(group.Select(request => (request.Tokens[0], request.Tokens[1])).Distinct().Count(), Is.EqualTo(1));
        int[][] best = [.. groups.SelectMany(group => group.OrderByDescending(request => request.Tokens.Sum()).Take(kept)).Select(request => request.Tokens)];
        Assert.That((double)line["objective/scores"]!, Is.EqualTo(asked.Take(16).Average(request => request.Tokens.Sum())).Within(1e-9));
        Assert.That((double)line["objective/scores_best"]!, Is.EqualTo(best.Average(tokens => tokens.Sum())).Within(1e-9));
        double loss = 0;
        int counted = 0;
        foreach (int[] tokens in best)
        {
            float[][] logits = Logits(policy, tokens);
            for (int t = 2; t < tokens.Length; t++) loss -= LogSoftmax(logits[t - 1])[tokens[t]];
            counted += tokens.Length - 2;
        }

        Assert.That((double)line["loss"]!, Is.EqualTo(loss / counted).Within(1e-5), "the mean over the tokens of the answers kept");
    }

    [Test]
    public void APenaltyForAMissingEndCounts()
    {
        using var policy = Random(Shape, 3);
        Train(policy, ["steps=1", "batchSize=8", "answersPerPrompt=4", "responseLength=1", "learningRate=0", "missingEosPenalty=-3"]);
        var line = TinyRuns.Metrics(Folder.File("run"))[0];
        double ended = (double)line["response/eos_fraction"]!;
        Assert.That((double)line["objective/scores"]!, Is.EqualTo(-3 * (1 - ended)).Within(1e-9), "an end alone scores 0");
    }

    [Test]
    public void APromptThatLeavesNoRoomIsNamed()
    {
        using var policy = Random(Shape, 3);
        Assert.That(() => Train(policy, ["steps=1", "responseLength=15"]), Throws.TypeOf<InputException>().With.Message.StartsWith("prompts.jsonl:1: the prompt has 2 tokens"));
    }

    private void Train(Gpt policy, string[] settings, IReward? reward = null)
    {
        using var directory = RunDirectory.Create(Folder.File("run"));
        using var trainer = new RaftTrainer(
            ConfigurationLoader.Load<RaftConfiguration>(sets: settings), new TrainingRun(directory, 42, null), policy,
            reward ?? new RuleReward(request => request.Tokens.Skip(2).Count(token => token == 7)), Prompts);
        trainer.Train();
    }
}
