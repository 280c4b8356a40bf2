namespace NativeRlhf.Configuration;

/// <summary>
/// Direct preference optimization on rankings. <c>batchSize</c> counts prompts. Defaults of its own: learningRate 1e-6, as in the
/// paper, and weightDecay 0.
/// </summary>
public sealed record DpoConfiguration : PromptTrainerConfiguration
{
    /// <summary>The defaults.</summary>
    public DpoConfiguration()
    {
        LearningRate = 1e-6;
        WeightDecay = 0;
    }

    /// <summary>β, how strongly the policy is held to its reference: the greater, the closer it stays. Default 0.1.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double Beta { get; init; } = 0.1;

    /// <summary>
    /// ε, the probability that a comparison is the wrong way round (conservative DPO): the loss of a pair is
    /// −(1 − ε)·log σ(βΔ) − ε·log σ(−βΔ). Default 0, the loss of the paper.
    /// </summary>
    [Bounds(0, 0.5, BelowMaximum = true)]
    public double LabelSmoothing { get; init; }
}
