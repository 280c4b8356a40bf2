using NativeRlhf.Kernels.Ops;
using NativeRlhf.Optimization;

namespace NativeRlhf.Configuration;

/// <summary>
/// Published settings, to be named with <c>--preset</c>; a configuration file and <c>--set</c> go over them. What a source does not state is
/// said beside the value.
/// </summary>
public static class Presets
{
    // Ouyang et al. 2022, arXiv:2203.02155, appendix C; batch sizes and learning rates of the 1.3B and 6B models.
    private static readonly SftConfiguration InstructGptSft = new()
    {
        Epochs = 16,
        BatchSize = 32,
        LearningRate = 9.65e-6,
        LearningRateSchedule = LearningRateShape.Cosine,
        FinalLearningRateFraction = 0.1,
        Beta1 = 0.9,
        Beta2 = 0.95,
        Dropout = 0.2,
    };

    private static readonly RewardConfiguration InstructGptReward = new()
    {
        Normalization = Normalization.Bias,
        Epochs = 1,
        BatchSize = 64,
        LearningRate = 9e-6,
        LearningRateSchedule = LearningRateShape.Cosine,
        FinalLearningRateFraction = 0.1,
        Beta1 = 0.9,
        Beta2 = 0.95,
    };

    private static readonly PpoConfiguration InstructGptPpo = new()
    {
        Episodes = 256_000,
        BatchSize = 512,
        MiniBatchSize = 64,
        InnerEpochs = 1,
        // The paper does not state the policy's rate; this is the highest of its sweep that was stable without pretraining mix.
        LearningRate = 8.05e-6,
        ValueLearningRate = 9e-6,
        LearningRateSchedule = LearningRateShape.Constant,
        WarmupSteps = 10,
        Beta1 = 0.9,
        Beta2 = 0.95,
        ResponseLength = 1024,
        MaxLength = 2048,
        Temperature = 1,
        KlCoef = 0.02,
        KlController = KlControl.Fixed,
        Gamma = 1,
        ClipRange = 0.2,
        // λ, value clipping, the value's weight and whitening are not stated; these are those of the other two presets.
        Lambda = 0.95,
        ValueClipRange = 0.2,
        ValueCoef = 0.1,
        WhitenAdvantages = true,
        PtxCoef = 27.8,
        PtxRatio = 8,
        EmaDecay = 0.992,
    };

    // Ziegler et al. 2019, arXiv:1909.08593, and openai/lm-human-preferences. Episodes as in
    // vwxyzjn/lm-human-preference-details.
    private static readonly PpoConfiguration LmHumanPreferences = new()
    {
        Episodes = 1_000_000,
        BatchSize = 512,
        MiniBatchSize = 512,
        InnerEpochs = 4,
        LearningRate = 1e-5,
        LearningRateSchedule = LearningRateShape.Linear,
        FinalLearningRateFraction = 0,
        Beta1 = 0.9,
        Beta2 = 0.999,
        Epsilon = 1e-5,
        AdamForm = AdamForm.TensorFlow,
        GradientClip = 0,
        ResponseLength = 24,
        Temperature = 0.7,
        KlCoef = 0.15,
        KlController = KlControl.Adaptive,
        KlTarget = 6,
        KlHorizon = 10_000,
        Gamma = 1,
        Lambda = 0.95,
        ClipRange = 0.2,
        ValueClipRange = 0.2,
        ValueCoef = 0.1,
        WhitenAdvantages = true,
        WhitenRewards = true,
        MissingEosPenalty = -1,
    };

    // Stiennon et al. 2020, arXiv:2009.01325, as vwxyzjn/summarize_from_feedback_details reproduces it: the same code but for these.
    private static readonly PpoConfiguration Summarize = LmHumanPreferences with
    {
        LearningRate = 3e-6,
        AdamForm = AdamForm.PyTorch,
        ResponseLength = 53,
        KlCoef = 0.05,
        KlController = KlControl.Fixed,
        WhitenRewards = false,
    };

    // Shao et al. 2024, arXiv:2402.03300, section 4.2. Clip range and Adam's constants are not stated.
    private static readonly PpoConfiguration Grpo = new()
    {
        BatchSize = 1024,
        MiniBatchSize = 1024,
        InnerEpochs = 1,
        AnswersPerPrompt = 64,
        Advantages = AdvantageEstimator.Grpo,
        LossMean = LossMean.Answer,
        KlPenalty = KlPenalty.Loss,
        KlCoef = 0.04,
        LearningRate = 1e-6,
        LearningRateSchedule = LearningRateShape.Constant,
        ResponseLength = 1024,
        Temperature = 1,
        ClipRange = 0.2,
    };

    private static readonly (string Name, TrainerConfiguration Configuration)[] All =
    [
        ("instructgpt", InstructGptSft),
        ("instructgpt", InstructGptReward),
        ("instructgpt", InstructGptPpo),
        ("lm-human-preferences", LmHumanPreferences),
        ("summarize", Summarize),
        ("grpo", Grpo),
    ];

    /// <summary>The presets that a trainer has.</summary>
    /// <typeparam name="T">The trainer's configuration.</typeparam>
    /// <returns>Configurations by name.</returns>
    public static IReadOnlyDictionary<string, T> Of<T>()
        where T : ConfigurationRecord =>
        All.Where(preset => preset.Configuration is T).ToDictionary(preset => preset.Name, preset => (T)(ConfigurationRecord)preset.Configuration);
}
