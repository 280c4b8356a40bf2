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
}
