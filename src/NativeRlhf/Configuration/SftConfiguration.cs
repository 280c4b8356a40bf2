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
}
