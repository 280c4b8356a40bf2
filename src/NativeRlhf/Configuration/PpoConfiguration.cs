using NativeRlhf.Optimization;
using NativeRlhf.Rl;

namespace NativeRlhf.Configuration;

/// <summary>
/// Proximal policy optimization against a reward. <c>batchSize</c> counts the answers of a step, <c>maxLength</c> bounds prompt and answer
/// together, and <c>microBatchSize</c> lies within a minibatch. Defaults of its own, beside those of its own keys:
/// batchSize 64, learningRate 1e-5, learningRateSchedule linear, finalLearningRateFraction 0, weightDecay 0.
/// </summary>
public sealed record PpoConfiguration : RolloutConfiguration
{
    /// <summary>The defaults.</summary>
    public PpoConfiguration()
    {
        BatchSize = 64;
        LearningRate = 1e-5;
        LearningRateSchedule = LearningRateShape.Linear;
        FinalLearningRateFraction = 0;
        WeightDecay = 0;
    }

    /// <summary>β, the weight of the KL penalty per token, at the start. Default 0.05.</summary>
    [Bounds(0)]
    public double KlCoef { get; init; } = 0.05;

    /// <summary>Whether β stays (fixed, the default) or is steered (adaptive).</summary>
    public KlControl KlController { get; init; } = KlControl.Fixed;

    /// <summary>The KL that the adaptive controller steers to, in nats per answer. Default 6.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double KlTarget { get; init; } = 6;

    /// <summary>Episodes over which the adaptive controller corrects, more than a fifth of <c>batchSize</c>. Default 10,000.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double KlHorizon { get; init; } = 10_000;

    /// <summary>Whether the KL penalty is a part of the rewards (reward, the default) or of the loss (loss).</summary>
    public KlPenalty KlPenalty { get; init; } = KlPenalty.Reward;

    /// <summary>How advantages are estimated: with a value function (gae, the default), or from the other answers to the prompt (grpo, rloo).</summary>
    public AdvantageEstimator Advantages { get; init; } = AdvantageEstimator.Gae;

    /// <summary>What the policy loss is a mean over: all tokens of a minibatch (token, the default), or its answers, each a mean over its tokens (answer).</summary>
    public LossMean LossMean { get; init; } = LossMean.Token;

    /// <summary>γ, the discount per token. Default 1.</summary>
    [Bounds(0, 1)]
    public double Gamma { get; init; } = 1;

    /// <summary>λ of generalised advantage estimation. Default 0.95.</summary>
    [Bounds(0, 1)]
    public double Lambda { get; init; } = 0.95;

    /// <summary>The policy ratio is clipped to 1 ± this. Default 0.2.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double ClipRange { get; init; } = 0.2;

    /// <summary>New values are clipped to the old ones ± this in the value loss; null is off. Default 0.2.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double? ValueClipRange { get; init; } = 0.2;

    /// <summary>The weight of the value loss. Default 0.1.</summary>
    [Bounds(0)]
    public double ValueCoef { get; init; } = 0.1;

    /// <summary>The value function's learning rate after warm-up, on the same schedule; null (the default) is that of the policy.</summary>
    [Bounds(0, 1)]
    public double? ValueLearningRate { get; init; }

    /// <summary>
    /// Whether advantages are shifted and scaled to mean 0 and variance 1 within a minibatch. Null (the default) is true with a
    /// value function and false without.
    /// </summary>
    public bool? WhitenAdvantages { get; init; }

    /// <summary>Whether rewards are scaled to variance 1, their mean kept. Default false.</summary>
    public bool WhitenRewards { get; init; }

    /// <summary>Scores are clipped to ± this; null (the default) is off.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double? ScoreClip { get; init; }

    /// <summary>The weight of the pretraining loss (PPO-ptx), which is a mean over its tokens; 0 (the default) is off.</summary>
    [Bounds(0)]
    public double PtxCoef { get; init; }

    /// <summary>Pretraining rows per answer, where ptxCoef is above 0. Default 8.</summary>
    [Bounds(0)]
    public double PtxRatio { get; init; } = 8;

    /// <summary>The decay of the moving average of the policy's weights, per step; 0 (the default) is off.</summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double EmaDecay { get; init; }

    /// <summary>
    /// Where there is a moving average, whether the final model is the average (true, the default; the policy then lies in
    /// <c>final/policy</c>) or the policy (the average then lies in <c>final/average</c>).
    /// </summary>
    public bool EmaFinal { get; init; } = true;

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        foreach (ConfigurationProblem problem in base.Problems())
            yield return problem;
        if (Advantages != AdvantageEstimator.Gae && AnswersPerPrompt < 2)
            yield return new("answersPerPrompt", $"answersPerPrompt is {AnswersPerPrompt}, and advantages are relative to the other answers of a prompt; give at least 2");
        if (Advantages != AdvantageEstimator.Gae && WhitenRewards)
            yield return new("whitenRewards", "whitenRewards is for advantages by gae; relative advantages have no use for it");
        if (BatchSize % MiniBatchSize != 0)
            yield return new("miniBatchSize", $"miniBatchSize is {MiniBatchSize} and batchSize {BatchSize}; it must divide it");
        if (MicroBatchSize > MiniBatchSize)
            yield return new("microBatchSize", $"microBatchSize is {MicroBatchSize} and miniBatchSize {MiniBatchSize}; it must not be larger");
        // A step multiplies β by 1 ± 0.2·batchSize/klHorizon at the most.
        if (KlController == KlControl.Adaptive && AdaptiveKlController.LargestError * BatchSize >= KlHorizon)
            yield return new("klHorizon", FormattableString.Invariant($"klHorizon is {KlHorizon} and batchSize {BatchSize}, so that one step could take β to zero or below; give more than {AdaptiveKlController.LargestError * BatchSize:0.#}"));
        if (PtxCoef > 0 && PtxRatio == 0)
            yield return new("ptxRatio", $"ptxRatio is 0 and ptxCoef {FormattableString.Invariant($"{PtxCoef}")}; give pretraining rows per answer, or set ptxCoef to 0");
    }
}
