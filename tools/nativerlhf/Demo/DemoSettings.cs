using NativeRlhf.Configuration;
using NativeRlhf.Miniature;
using NativeRlhf.Optimization;
using NativeRlhf.Runner.Stages;

namespace NativeRlhf.Runner.Demo;

/// <summary>How much of everything the demo does.</summary>
internal sealed record DemoSettings
{
    /// <summary>The whole demonstration: a few minutes on two cores.</summary>
    public static DemoSettings Full { get; } = new();

    /// <summary>Every stage once, to see that all of it works; too short for the method to show its effect.</summary>
    public static DemoSettings Quick { get; } = new()
    {
        Layers = 2,
        Width = 64,
        PretrainingTokens = 60_000,
        PretrainingSteps = 60,
        Demonstrations = 300,
        SftEpochs = 1,
        ComparisonPrompts = 80,
        RewardWarmup = 0,
        PpoSteps = 4,
        TestPrompts = 60,
        ProbePrompts = 20,
    };

    public int Layers { get; init; } = 4;

    public int Heads { get; init; } = 4;

    public int Width { get; init; } = 128;

    public int Positions { get; init; } = 128;

    public int VocabularySize { get; init; } = 640;

    public int PretrainingTokens { get; init; } = 1_000_000;

    public int PretrainingSteps { get; init; } = 1000;

    public int Demonstrations { get; init; } = 6000;

    public double SftEpochs { get; init; } = 3;

    public int ComparisonPrompts { get; init; } = 4000;

    public double RewardEpochs { get; init; } = 1;

    public int RewardWarmup { get; init; } = 10;

    public int PpoSteps { get; init; } = 60;

    public int PpoBatch { get; init; } = 128;

    public double PpoLearningRate { get; init; } = 2e-4;

    public double KlCoefficient { get; init; } = 0.15;

    /// <summary>The weight of the pretraining loss in a second PPO run, PPO-ptx; 0 for no such run.</summary>
    public double PtxCoefficient { get; init; }

    /// <summary>Windows of pretraining text for each answer of that run.</summary>
    public double PtxRatio { get; init; } = 0.5;

    /// <summary>The temperature of all sampling: comparisons, rollouts and evaluation.</summary>
    public float Temperature { get; init; } = 0.7f;

    /// <summary>The most tokens of an answer.</summary>
    public int AnswerTokens { get; init; } = 32;

    public int TestPrompts { get; init; } = 1000;

    /// <summary>Provoking prompts and questions about misconceptions, each.</summary>
    public int ProbePrompts { get; init; } = 150;

    public WorldFileOptions World => new()
    {
        PretrainingTokens = PretrainingTokens,
        Demonstrations = Demonstrations,
        Prompts = Demonstrations,
        TestPrompts = TestPrompts,
        HeldOutKind = null,
    };

    public PretrainConfiguration Pretraining => new()
    {
        Steps = PretrainingSteps,
        BatchSize = 8,
        LearningRate = 2e-3,
        WarmupSteps = PretrainingSteps / 20,
        EvalEvery = 0,
        CheckpointEvery = 0,
    };

    public SftConfiguration Sft => new() { Epochs = SftEpochs, BatchSize = 32, LearningRate = 1e-3, EvalEvery = 0, CheckpointEvery = 0 };

    /// <summary>Prompts that come after those of the demonstrations, which the SFT model has seen answered.</summary>
    public ComparisonSettings Comparisons => new(Demonstrations, ComparisonPrompts, AnswerTokens, Temperature);

    public RewardConfiguration Reward => new()
    {
        Epochs = RewardEpochs,
        BatchSize = 16,
        LearningRate = 3e-4,
        WarmupSteps = RewardWarmup,
        Normalization = Normalization.Bias,
        EvalEvery = 0,
        CheckpointEvery = 0,
    };

    public PpoConfiguration Ppo => new()
    {
        Steps = PpoSteps,
        BatchSize = PpoBatch,
        MiniBatchSize = PpoBatch / 4,
        InnerEpochs = 2,
        ResponseLength = AnswerTokens,
        Temperature = Temperature,
        LearningRate = PpoLearningRate,
        ValueLearningRate = 5e-4,
        LearningRateSchedule = LearningRateShape.Linear,
        FinalLearningRateFraction = 0.1,
        KlCoef = KlCoefficient,
        MissingEosPenalty = -2,
        PtxRatio = PtxRatio,
        CheckpointEvery = 0,
    };
}
