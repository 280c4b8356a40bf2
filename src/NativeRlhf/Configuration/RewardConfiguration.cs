namespace NativeRlhf.Configuration;

/// <summary>
/// Training of a reward model on rankings. <c>batchSize</c> counts prompts. Defaults of its own: learningRate 9e-6, weightDecay 0; one
/// epoch, because reward models overfit after that.
/// </summary>
public sealed record RewardConfiguration : PromptTrainerConfiguration
{
    /// <summary>The defaults.</summary>
    public RewardConfiguration()
    {
        LearningRate = 9e-6;
        WeightDecay = 0;
    }

    /// <summary>
    /// What is done to the scores after training, with reference answers (by default the best-ranked answers of the training rows):
    /// none (the default), bias (they score 0 on average) or unit (mean 0 and standard deviation 1). It becomes <c>reward_bias</c> and
    /// <c>reward_scale</c> of the model.
    /// </summary>
    public Normalization Normalization { get; init; } = Normalization.None;

    /// <summary>
    /// How many models are trained at once, on the same rows. Member i is what a run of its own with seed + i would train: a head and
    /// an order of rows of its own. Memory grows with it. Default 1.
    /// </summary>
    [Bounds(1, 64)]
    public int Ensemble { get; init; } = 1;
}
