using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>
/// A number that is not finite ends a run before it reaches a weight, and the message says where it came from: runs whose models are
/// poisoned after the third step, between checkpoints.
/// </summary>
public class NumericalSafetyTests : FolderTests
{
    private static readonly GptConfig Shape = Odd() with { EosToken = 0 };

    [Test]
    public void AWeightThatOverflowsIsFoundInTheForwardPass([Values(Kind.Pretrain, Kind.Reward, Kind.Dpo)] Kind kind, [Values] bool recompute)
    {
        // 3e38 times anything above 1.13 is infinite.
        string message = Poisoned(kind, "h.1.mlp.c_fc.weight", 3e38f, recompute);
        Assert.That(message, Does.StartWith("step 4: ").And.Match(@"in a replay MatMul\.Forward at h\.1\.mlp\.c_fc\.weight wrote -?Infinity to y = h\.[1*]\.mlp\.c_fc \(\d+, 70\), row \d+, column 3\."));
    }

    [TestCase("wpe.weight", "Embedding.Forward wrote NaN to y = embedding")]
    [TestCase("h.0.ln_1.weight", "LayerNorm.Forward at h.0.ln_1.weight wrote NaN to y = h.0.ln_1")]
    [TestCase("h.0.attn.c_proj.bias", "MatMul.Forward at h.0.attn.c_proj.weight wrote NaN to y = h.0.attn.c_proj + residual")]
    [TestCase("ln_f.bias", "LayerNorm.Forward at ln_f.weight wrote NaN to y = ln_f")]
    public void NotANumberIsFoundWhereItEnters(string parameter, string expected) =>
        Assert.That(Poisoned(Kind.Pretrain, parameter, float.NaN), Does.Contain(expected));

    [Test]
    public void AGradientThatOverflowsIsFoundInTheBackwardPass()
    {
        // Queries that grow and keys that shrink leave the scores as they are; the gradient of the keys grows.
        string message = Poisoned(Kind.Pretrain, model =>
        {
            float[] weights = Values(model.Weights["h.1.attn.c_attn.weight"]), bias = Values(model.Weights["h.1.attn.c_attn.bias"]);
            for (int i = 0; i < weights.Length; i++) Scale(ref weights[i], i % 99);
            for (int i = 0; i < bias.Length; i++) Scale(ref bias[i], i);
            Device().Upload(model.Weights["h.1.attn.c_attn.weight"], weights);
            Device().Upload(model.Weights["h.1.attn.c_attn.bias"], bias);

            static void Scale(ref float value, int column) => value *= column < 33 ? 1e37f : column < 66 ? 1e-37f : 1;
        });
        Assert.That(message, Does.Match(@"step 4: the norm of the gradient is (NaN|Infinity); in a replay \w+\.\w*(Backward|SumOfSquares)\w*"));
    }

    [TestCase("policy", @"^step 4: the logits of answer 1, token 1, are not finite; in a replay MatMul\.Forward at h\.1\.mlp\.c_fc\.weight wrote -?Infinity to activated = h\.[1*]\.mlp\.act")]
    [TestCase("value", @"in a replay MatMul\.Forward at h\.1\.mlp\.c_fc\.weight wrote -?Infinity to y = h\.[1*]\.mlp\.c_fc")]
    public void PpoFindsItInPolicyAndValueFunction(string which, string expected)
    {
        using var policy = Random(Shape, 4);
        using var value = Random(Shape, 5, hasScore: true);
        using var reference = Random(Shape, 4);
        using var reward = new RuleReward(request => request.Tokens.Count(token => token > 25));
        var configuration = ConfigurationLoader.Load<PpoConfiguration>(sets: ["steps=6", "batchSize=4", "miniBatchSize=2", "responseLength=6", "checkpointEvery=2"]);
        EncodedPrompt[] prompts = [.. Enumerable.Range(0, 8).Select(i => new EncodedPrompt(Tokens(new Random(i), 4, 51), null, [], default))];
        using var workspace = PpoTrainer.PlanWorkspace(Device(), Shape, configuration, prompts, []);
        var models = new[] { policy, value };
        AssertStops(models, which == "policy" ? policy : value, Overflow, run => new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, [], workspace), expected);

        static void Overflow(Gpt model) => Poison(model, "h.1.mlp.c_fc.weight", 3e38f);
    }

    [Test]
    public void PpoFindsItInTheMiddleOfItsUpdates()
    {
        // Weight decay multiplies every matrix by −1e29 in the first update; the second one meets what comes of it.
        using var policy = Random(Shape, 4);
        using var value = Random(Shape, 5, hasScore: true);
        using var reference = Random(Shape, 4);
        using var reward = new RuleReward(request => request.Tokens.Count(token => token > 25));
        var configuration = ConfigurationLoader.Load<PpoConfiguration>(sets: ["steps=4", "batchSize=4", "miniBatchSize=2", "responseLength=6", "weightDecay=1e30", "learningRate=0.1", "learningRateSchedule=constant"]);
        EncodedPrompt[] prompts = [.. Enumerable.Range(0, 8).Select(i => new EncodedPrompt(Tokens(new Random(i), 4, 51), null, [], default))];
        using var workspace = PpoTrainer.PlanWorkspace(Device(), Shape, configuration, prompts, []);
        using var directory = RunDirectory.Create(Folder.File("run"));
        using var trainer = new PpoTrainer(configuration, new TrainingRun(directory, 1, null), new PpoModels(policy, reference, value, reward), prompts, [], workspace);
        Assert.That(trainer.Train, Throws.TypeOf<NotFiniteNumberException>().With.Message.Match(@"step 1: the norm of the policy's gradient is (NaN|Infinity); in a replay \w+\.\w+ at \S+ wrote"));
    }

    [Test]
    public void AnEvaluationThatIsNotFiniteIsReplayedToo()
    {
        using var model = Random(Shape, 4);
        using var directory = RunDirectory.Create(Folder.File("run"));
        // Row 7 of the embedding is in the held-out row alone.
        float[] embedding = Values(model.Weights.TokenEmbedding);
        embedding[7 * Shape.Width] = float.PositiveInfinity;
        using var untied = new Gpt(Device(), Shape with { TieWordEmbeddings = false });
        foreach (var spec in model.Weights.Specs) Device().Kernels.Elementwise.Copy(untied.Weights[spec.Name], model.Weights[spec.Name]);
        Device().Upload(untied.Weights.TokenEmbedding, embedding);
        var configuration = ConfigurationLoader.Load<PretrainConfiguration>(sets: ["steps=2", "batchSize=2"]);
        using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), untied, [new([1, 2, 3], 1)], [new([4, 7, 5], 1)]);
        Assert.That(trainer.Train, Throws.TypeOf<NotFiniteNumberException>().With.Message.Match(@"step 2: eval/loss is NaN; in a replay Embedding\.Forward wrote Infinity to y = embedding \(2, 33\), row 1, column 0"));
    }

    private string Poisoned(Kind kind, string parameter, float value, bool recompute = false) => Poisoned(kind, model => Poison(model, parameter, value), recompute);

    private string Poisoned(Kind kind, Action<Gpt> poison, bool recompute = false)
    {
        using var model = Random(Shape, 4, hasScore: kind == Kind.Reward);
        string[] settings = ["steps=6", "batchSize=2", "checkpointEvery=2", "learningRate=0.001", $"recompute={(recompute ? "true" : "false")}"];
        TokenRow[] rows = [.. Enumerable.Range(0, 8).Select(i => new TokenRow(Tokens(new Random(i), 7 + i, 51), 2))];
        RankedRow[] rankings = [.. rows.Chunk(2).Select(pair => new RankedRow(pair, [1, 2], [new AnswerPair(0, 1)]))];
        return AssertStops([model], model, poison, run => kind switch
        {
            Kind.Reward => new RewardTrainer(ConfigurationLoader.Load<RewardConfiguration>(sets: settings), run, model, rankings, []),
            Kind.Dpo => new DpoTrainer(ConfigurationLoader.Load<DpoConfiguration>(sets: settings), run, model, model, rankings, []),
            _ => new LanguageModelTrainer(ConfigurationLoader.Load<PretrainConfiguration>(sets: settings), run, model, rows, []),
        });
    }

    private string AssertStops(Gpt[] models, Gpt victim, Action<Gpt> poison, Func<TrainingRun, Trainer> create, string expected = "")
    {
        using var directory = RunDirectory.Create(Folder.File("run"));
        List<float[]> before = [];
        using var trainer = create(new TrainingRun(directory, 1, null, OnStep: report =>
        {
            if (report.Step != 3) return;
            poison(victim);
            before.AddRange(models.Select(model => Values(model.Weights.All)));
        }));
        string message = Assert.Throws<NotFiniteNumberException>(() => trainer.Train())!.Message;
        Assert.Multiple(() =>
        {
            Assert.That(message, Does.Match(expected).And.Contain("step-000002").And.Not.Contain("\n"));
            Assert.That(models.Select(model => Values(model.Weights.All)), Is.EqualTo(before), "no weight was touched");
            Assert.That(File.ReadAllText(Folder.File("run/log.txt")), Does.Contain(message));
            Assert.That(File.ReadLines(Folder.File("run/metrics.jsonl")).Count(), Is.EqualTo(3));
            Assert.That(Directory.Exists(Folder.File("run/final")), Is.False);
        });
        using var checkpoint = NativeRlhf.Checkpoints.ModelDirectory.Load(Device(), Folder.File("run/checkpoints/step-000002"));
        Assert.That(Values(checkpoint.Weights.All), Is.All.Matches<float>(float.IsFinite));
        return message;
    }

    /// <summary>Sets element (0, 3) of a matrix, or element 3 of a vector; of a large value the whole column.</summary>
    private static void Poison(Gpt model, string parameter, float value)
    {
        var tensor = model.Weights[parameter];
        float[] weights = Values(tensor);
        if (float.IsNaN(value)) weights[3] = value;
        else for (int row = 0; row < tensor.Rows; row++) weights[(row * tensor.Cols) + 3] = value;
        Device().Upload(tensor, weights);
    }
}
