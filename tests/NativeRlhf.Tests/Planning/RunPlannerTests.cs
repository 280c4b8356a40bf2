using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Planning;

/// <summary>What is planned is what real runs take, part for part.</summary>
public class RunPlannerTests
{
    private static readonly GptConfig Small = Shape(2, 32, 61), Large = Shape(3, 96, 500);

    private static readonly string[][] Settings =
    [
        [], ["microBatchSize=1"], ["microBatchSize=3", "recompute=true", "dropout=0.1"], ["loraRank=4"], ["loraRank=4", "loraTargets=c_attn", "recompute=true", "microBatchSize=2"],
    ];

    public static IEnumerable<TestCaseData> Runs() =>
        from size in (string[])["small", "large"]
        from settings in Settings
        select new TestCaseData(size == "small" ? Small : Large, settings).SetArgDisplayNames(size, string.Join(' ', settings));

    [TestCaseSource(nameof(Runs))]
    public void Sft(GptConfig shape, string[] settings)
    {
        var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: ["steps=2", "batchSize=6", "warmupSteps=0", .. settings]);
        TokenRow[] rows = [.. new[] { 17, 5, 30, 9, 2, 30 }.Select(length => new TokenRow(new int[length], 1))];
        AssertTaken(RunPlanner.LanguageModel(configuration, shape, rows, rows[..2]).Plan(), (device, run) =>
        {
            using var model = new Gpt(device, shape);
            Initialization.Initialize(model, 1);
            using var trainer = new LanguageModelTrainer(configuration, run, model, rows, rows[..2]);
            trainer.Train();
        });
    }

    [TestCaseSource(nameof(Runs))]
    public void Reward(GptConfig shape, string[] settings)
    {
        var configuration = ConfigurationLoader.Load<RewardConfiguration>(sets: ["steps=2", "batchSize=6", "warmupSteps=0", .. settings]);
        RankedRow[] rows = [.. LongestRows.Rankings(3, 4, 12), .. LongestRows.Rankings(4, 3, 7)];
        AssertTaken(RunPlanner.Reward(configuration, shape, rows, [], []).Plan(), (device, run) =>
        {
            using var model = new Gpt(device, shape, hasScore: true);
            Initialization.Initialize(model, 1);
            using var trainer = new RewardTrainer(configuration, run, model, rows, []);
            trainer.Train();
        });
    }

    [Test]
    public void AnEnsemble()
    {
        var configuration = ConfigurationLoader.Load<RewardConfiguration>(sets: ["steps=2", "batchSize=4", "warmupSteps=0", "ensemble=3"]);
        var rows = LongestRows.Rankings(4, 3, 7);
        AssertTaken(RunPlanner.Reward(configuration, Small, rows, [], []).Plan(), (device, run) =>
        {
            Gpt[] members = [.. Enumerable.Range(0, 3).Select(_ => new Gpt(device, Small, hasScore: true))];
            using (var trainer = new RewardTrainer(configuration, run, members, rows, [], [])) trainer.Train();
            foreach (var member in members) member.Dispose();
        });
    }

    [TestCaseSource(nameof(Runs))]
    public void Dpo(GptConfig shape, string[] settings)
    {
        var configuration = ConfigurationLoader.Load<DpoConfiguration>(sets: ["steps=2", "batchSize=6", "warmupSteps=0", .. settings]);
        var rows = LongestRows.Rankings(7, 2, 12);
        AssertTaken(RunPlanner.Dpo(configuration, shape, rows, []).Plan(), (device, run) =>
        {
            using var model = new Gpt(device, shape);
            Initialization.Initialize(model, 1);
            using var trainer = new DpoTrainer(configuration, run, model, model, rows, []);
            trainer.Train();
        });
    }

    [TestCaseSource(nameof(Runs))]
    public void Ppo(GptConfig shape, string[] settings)
    {
        var configuration = ConfigurationLoader.Load<PpoConfiguration>(sets: ["steps=2", "batchSize=6", "miniBatchSize=3", "responseLength=8", "warmupSteps=0", "emaDecay=0.5", .. settings]);
        var prompts = LongestRows.Prompts(9, 10);
        bool shares = configuration.LoraRank > 0;
        // The reward model and with it the value function have another shape, and another workspace.
        var other = Shape(1, 64, shape.VocabularySize);
        AssertTaken(RunPlanner.Ppo(configuration, new PpoShapes(shape, other, [other], SharesReference: shares), prompts, []).Plan(), (device, run) =>
        {
            using var policy = new Gpt(device, shape);
            Initialization.Initialize(policy, 1);
            using var workspace = PpoTrainer.PlanWorkspace(device, shape, configuration, prompts, []);
            using var reference = shares ? policy.Snapshot() : new Gpt(device, shape);
            using var value = new Gpt(device, other, hasScore: true);
            Initialization.Initialize(value, 2);
            var rewardModel = new Gpt(device, other, hasScore: true);
            Initialization.Initialize(rewardModel, 3);
            var own = new Workspace(device, other, workspace.Capacity, forBackward: false);
            using var reward = new RewardModel(rewardModel, new SequenceScorer(own), own);
            using var trainer = new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, [], workspace);
            trainer.Train();
        });
    }

    [Test]
    public void WithAnAdapterTheReferenceAndAValueFunctionLikeThePolicyHaveNoWeights()
    {
        var configuration = ConfigurationLoader.Load<PpoConfiguration>(sets: ["batchSize=6", "miniBatchSize=3", "responseLength=8", "loraRank=2"]);
        var prompts = LongestRows.Prompts(6, 10);
        long one = RunPlanner.LanguageModel(ConfigurationLoader.Load<SftConfiguration>(sets: ["batchSize=6"]), Large, LongestRows.Sequences(6, 10), []).Plan().BytesByPurpose["weights"];
        Assert.That(Weights(new PpoShapes(Large, null, [], SharesReference: true, SharesValue: true)), Is.EqualTo(one));
        Assert.That(Weights(new PpoShapes(Large, Large, [], SharesReference: false)), Is.GreaterThan(2.99 * one));

        long Weights(PpoShapes shapes) => RunPlanner.Ppo(configuration, shapes, prompts, []).Plan().BytesByPurpose["weights"];
    }

    /// <summary>With N tokens, P elements in the layers' matrices, M counted tokens: 6·N·P, 6·M·V·C, and attention.</summary>
    [Test]
    public void TheOperationsOfAStepAreThoseOfTheFormula()
    {
        TokenRow[] rows = [new(new int[11], 1), new(new int[6], 3)];
        var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: ["batchSize=2", "shuffle=false", "dropout=0"]);
        double n = 10 + 5, counted = 10 + 3, c = Large.Width, matrices = Large.Layers * 12.0 * c * c, pairs = (10 * 11 / 2) + (5 * 6 / 2);
        var plan = RunPlanner.LanguageModel(configuration, Large, rows, []).Plan();
        Assert.That(plan.Flops, Is.EqualTo((6 * n * matrices) + (6 * counted * Large.VocabularySize * c) + (Large.Layers * 14 * c * pairs)));
        Assert.That(plan.Traffic, Is.GreaterThan(4.0 * 11 * plan.Parameters), "weights are read thrice, gradients zeroed, added to, squared, and AdamW passes over all four");
        Assert.That(plan.Parameters, Is.EqualTo(plan.TrainedParameters));

        // Without gradients of the frozen matrices a third of their operations is gone.
        var adapted = RunPlanner.LanguageModel(configuration with { LoraRank = 1 }, Large, rows, []).Plan();
        Assert.That(adapted.Flops / plan.Flops, Is.InRange(0.6, 0.75));
        Assert.That(adapted.TrainedParameters, Is.EqualTo(Large.Layers * 16 * Large.Width));
    }

    [Test]
    public void TheLargestMicroBatchFitsAndTheNextDoesNot()
    {
        var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: ["batchSize=50"]);
        var rows = LongestRows.Sequences(50, 30);
        var planner = RunPlanner.LanguageModel(configuration, Small, rows, []);
        Assert.That(planner.LargestMicroBatch((Bytes(17) + Bytes(18)) / 2), Is.EqualTo(17));
        Assert.That(planner.LargestMicroBatch((Bytes(16) + Bytes(17)) / 2), Is.EqualTo(16));
        Assert.That(planner.LargestMicroBatch(long.MaxValue), Is.EqualTo(50));
        Assert.That(planner.LargestMicroBatch(1000), Is.Zero);

        long Bytes(int microBatch) => RunPlanner.LanguageModel(configuration with { MicroBatchSize = microBatch }, Small, rows, []).Plan().Bytes;
    }

    [TestCase("gpt2", 124_439_808)]
    [TestCase("gpt2-medium", 354_823_168)]
    [TestCase("gpt2-large", 774_030_080)]
    [TestCase("gpt2-xl", 1_557_611_200)]
    public void Gpt2sSizesHaveThePublishedParameters(string name, long parameters) =>
        Assert.That(ModelSizes.Named(name).Specs(hasScore: false).Sum(spec => spec.Length), Is.EqualTo(parameters));

    [TestCase("gpt3-125m", 125e6)]
    [TestCase("gpt3-350m", 356e6)]
    [TestCase("gpt3-760m", 760e6)]
    [TestCase("gpt3-1.3b", 1.32e9)]
    [TestCase("gpt3-2.7b", 2.65e9)]
    [TestCase("gpt3-6.7b", 6.66e9)]
    [TestCase("gpt3-13b", 12.85e9)]
    [TestCase("gpt3-175b", 174.6e9)]
    public void Gpt3sSizesHaveTheParametersOfTheirNames(string name, double parameters) =>
        Assert.That(ModelSizes.Named(name).Specs(hasScore: false).Sum(spec => spec.Length), Is.EqualTo(parameters).Within(1).Percent);

    [Test]
    public void AnUnknownSizeIsOneLine() =>
        Assert.That(() => ModelSizes.Named("gpt5"), Throws.TypeOf<InputException>().With.Message.Contains("gpt3-175b"));

    /// <summary>What no machine here holds is planned all the same.</summary>
    [Test]
    public void TheLargestSizeIsPlannedInATrice()
    {
        var configuration = ConfigurationLoader.Load<PretrainConfiguration>(sets: ["batchSize=2", "microBatchSize=1"]);
        var plan = RunPlanner.LanguageModel(configuration, ModelSizes.Named("gpt3-175b"), LongestRows.Sequences(2, 2048), []).Plan();
        Assert.That(plan.Bytes, Is.GreaterThan(16.0 * plan.Parameters));
        Assert.That(plan.Flops, Is.EqualTo(6.0 * plan.Parameters * 2 * 2047).Within(5).Percent);
    }

    private static void AssertTaken(RunPlan plan, Action<ComputeDevice, TrainingRun> train)
    {
        using var folder = new TemporaryFolder();
        using var directory = RunDirectory.Create(folder.File("run"));
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        train(device, new TrainingRun(directory, 42, null));
        Assert.That(plan.Bytes, Is.EqualTo(device.Memory.Peak).Within(1).Percent);
        var parts = plan.BytesByPurpose.Where(part => part.Key != "indices");
        Assert.That(parts, Is.EquivalentTo(device.Memory.AtPeak.Where(part => part.Key != "indices")));
        Assert.That(device.Memory.Current, Is.Zero, "everything was given back");
    }

    private static GptConfig Shape(int layers, int width, int vocabulary) => new()
    {
        Layers = layers,
        Heads = 4,
        Width = width,
        Positions = 40,
        VocabularySize = vocabulary,
        Inner = 4 * width,
    };
}
