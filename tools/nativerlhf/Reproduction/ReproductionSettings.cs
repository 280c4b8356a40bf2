using NativeRlhf.Configuration;
using NativeRlhf.Miniature;
using NativeRlhf.Optimization;
using NativeRlhf.Runner.Stages;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>A model size, and how much it is trained, how fast.</summary>
/// <param name="Name">Its name, and its folder.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Width">Width.</param>
/// <param name="PretrainingRate">Peak learning rate of pretraining.</param>
/// <param name="SftEpochs">How often it sees the demonstrations. Copying from a given text is what it learns last, and it takes some 100,000 answers; where they are the same few, 16 times as in the paper, its own become so uniform that reinforcement finds little to choose from.</param>
/// <param name="SftRate">Of supervised fine-tuning.</param>
/// <param name="RewardRate">Of the reward model.</param>
/// <param name="PpoRate">Of the policy.</param>
/// <param name="ValueRate">Of the value function.</param>
internal sealed record ModelSize(
    string Name, int Layers, int Heads, int Width, double PretrainingRate, double SftEpochs, double SftRate, double RewardRate, double PpoRate, double ValueRate)
{
    /// <summary>Parameters of the layers and of the embeddings, nearly.</summary>
    public double Parameters(int vocabularySize) => (12.0 * Layers * Width * Width) + ((double)vocabularySize * Width);
}

/// <summary>How much of everything <c>reproduce</c> does.</summary>
internal sealed record ReproductionSettings
{
    /// <summary>All experiments, to be run over lunch on two cores.</summary>
    public static ReproductionSettings Full { get; } = new();

    /// <summary>Every stage once, to see that all of it works; too short for the method to show its effect.</summary>
    public static ReproductionSettings Quick { get; } = new()
    {
        Sizes =
        [
            new("small", 1, 2, 16, 3e-3, 1, 1.5e-3, 5e-4, 3e-4, 7e-4),
            new("medium", 1, 2, 32, 2e-3, 1, 1e-3, 3e-4, 2e-4, 5e-4),
            new("large", 2, 2, 48, 1e-3, 1, 5e-4, 1.5e-4, 1e-4, 2.5e-4),
        ],
        PretrainingTokens = 30_000,
        PretrainingSteps = 20,
        Demonstrations = 200,
        Prompts = 200,
        ComparisonPrompts = 60,
        PpoSteps = 2,
        PpoBatch = 32,
        Coefficients = [0, 0.5],
        TestPrompts = 40,
        ProbePrompts = 20,
        FewShotItems = 20,
    };

    /// <summary>The sizes, the smallest first.</summary>
    public IReadOnlyList<ModelSize> Sizes { get; init; } =
    [
        new("small", 3, 4, 64, 4e-3, 5, 1.5e-3, 6e-4, 4e-4, 8e-4),
        new("medium", 4, 4, 128, 2e-3, 4, 1e-3, 3e-4, 2e-4, 5e-4),
        new("large", 6, 6, 288, 1e-3, 1.5, 5e-4, 1.5e-4, 1e-4, 2.5e-4),
    ];

    /// <summary>The size at which β is varied.</summary>
    public string SweepSize { get; init; } = "medium";

    /// <summary>The values of β that are tried besides <see cref="KlCoefficient"/>.</summary>
    public IReadOnlyList<double> Coefficients { get; init; } = [0, 0.02, 0.05, 0.5];

    public int Positions { get; init; } = 128;

    public int VocabularySize { get; init; } = 640;

    /// <summary>Simulated users; a tenth of them are for the test.</summary>
    public int Users { get; init; } = 400;

    /// <summary>The kind that demonstrations, comparisons and PPO lack; the web has it, as everything else.</summary>
    public InstructionKind HeldOutKind { get; init; } = InstructionKind.Classification;

    public int PretrainingTokens { get; init; } = 4_000_000;

    public int PretrainingSteps { get; init; } = 2000;

    public int PretrainingBatch { get; init; } = 16;

    public int Demonstrations { get; init; } = 24_000;

    /// <summary>Prompts for PPO, the demonstrations' among them.</summary>
    public int Prompts { get; init; } = 30_000;

    public int ComparisonPrompts { get; init; } = 8000;

    public double RewardEpochs { get; init; } = 1;

    public int PpoSteps { get; init; } = 60;

    public int PpoBatch { get; init; } = 128;

    /// <summary>β.</summary>
    public double KlCoefficient { get; init; } = 0.1;

    /// <summary>What a nat of pretraining loss counts in PPO-ptx, where a policy loss is of the order of 0.1.</summary>
    public double PtxCoefficient { get; init; } = 0.1;

    /// <summary>Windows of pretraining text for each answer.</summary>
    public double PtxRatio { get; init; } = 0.5;

    /// <summary>The temperature of all sampling: comparisons, rollouts and evaluation.</summary>
    public float Temperature { get; init; } = 0.7f;

    /// <summary>The most tokens of an answer.</summary>
    public int AnswerTokens { get; init; } = 32;

    /// <summary>Examples in the prompt of a prompted base model; fewer where a prompt leaves no room.</summary>
    public int Shots { get; init; } = 3;

    public int TestPrompts { get; init; } = 1500;

    /// <summary>Prompts of each other set.</summary>
    public int ProbePrompts { get; init; } = 400;

    /// <summary>Items of each few-shot task.</summary>
    public int FewShotItems { get; init; } = 150;

    public WorldSize WorldSize => WorldSize.Demo with { Users = Users };

    public WorldFileOptions World => new()
    {
        PretrainingTokens = PretrainingTokens,
        Demonstrations = Demonstrations,
        Prompts = Prompts,
        TestPrompts = TestPrompts,
        ProbePrompts = ProbePrompts,
        FewShotItems = FewShotItems,
        HeldOutKind = HeldOutKind,
    };

    public PretrainConfiguration Pretraining(ModelSize size) => new()
    {
        Steps = PretrainingSteps,
        BatchSize = PretrainingBatch,
        LearningRate = size.PretrainingRate,
        WarmupSteps = PretrainingSteps / 20,
        EvalEvery = 0,
        CheckpointEvery = Fifth(PretrainingSteps),
        KeepCheckpoints = 1,
    };

    public SftConfiguration Sft(ModelSize size) => new()
    {
        Epochs = size.SftEpochs,
        BatchSize = 32,
        LearningRate = size.SftRate,
        EvalEvery = 0,
        CheckpointEvery = 100,
        KeepCheckpoints = 1,
    };

    public ComparisonSettings Comparisons => new(Demonstrations, ComparisonPrompts, AnswerTokens, Temperature);

    public RewardConfiguration Reward(ModelSize size) => new()
    {
        Epochs = RewardEpochs,
        BatchSize = 16,
        LearningRate = size.RewardRate,
        WarmupSteps = Math.Min(10, ComparisonPrompts / 100),
        Normalization = Normalization.Bias,
        EvalEvery = 0,
        CheckpointEvery = 100,
        KeepCheckpoints = 1,
    };

    public PpoConfiguration Ppo(ModelSize size, double klCoefficient, double ptxCoefficient) => new()
    {
        Steps = PpoSteps,
        BatchSize = PpoBatch,
        MiniBatchSize = PpoBatch / 4,
        InnerEpochs = 2,
        ResponseLength = AnswerTokens,
        Temperature = Temperature,
        LearningRate = size.PpoRate,
        ValueLearningRate = size.ValueRate,
        LearningRateSchedule = LearningRateShape.Linear,
        FinalLearningRateFraction = 0.1,
        KlCoef = klCoefficient,
        MissingEosPenalty = -2,
        PtxCoef = ptxCoefficient,
        PtxRatio = PtxRatio,
        CheckpointEvery = Fifth(PpoSteps),
        KeepCheckpoints = 1,
    };

    private static int Fifth(int steps) => Math.Max(1, steps / 5);
}
