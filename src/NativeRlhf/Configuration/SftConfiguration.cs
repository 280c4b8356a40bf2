namespace NativeRlhf.Configuration;

/// <summary>
/// Supervised fine-tuning on demonstrations. Defaults of its own: epochs 3, learningRate 2e-5, weightDecay 0.
/// </summary>
public sealed record SftConfiguration : PromptTrainerConfiguration
{
    /// <summary>The defaults.</summary>
    public SftConfiguration()
    {
        Epochs = 3;
        LearningRate = 2e-5;
        WeightDecay = 0;
    }

    /// <summary>
    /// The share of pretraining rows in a batch, whose other rows are demonstrations: 0.1 for the paper's initialisation of PPO. The loss
    /// is the mean over all counted tokens of the batch, of whichever kind. Default 0.
    /// </summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double PretrainRatio { get; init; }

    /// <summary>
    /// Which of the evaluated models the run ends with: the last (the default), the one with the least <c>eval/loss</c>, or the one
    /// with the greatest <c>eval/scores</c> (reward), as the paper chooses. Evaluations are evalEvery steps apart, and one is at the end.
    /// </summary>
    public ModelSelection SelectBy { get; init; } = ModelSelection.Last;

    /// <summary>The most tokens of an answer to a validation prompt, end-of-text included. Default 64.</summary>
    [Bounds(1)]
    public int ResponseLength { get; init; } = 64;

    /// <summary>How many steps a run over so many demonstrations has.</summary>
    /// <param name="rows">How many demonstrations there are, ≥ 1.</param>
    /// <returns>Steps, or ⌈epochs · rows / (batchSize · (1 − pretrainRatio))⌉.</returns>
    public override long TotalSteps(long rows) => Steps ?? AtLeastOne(Epochs * rows / (BatchSize * (1 - PretrainRatio)));
}
