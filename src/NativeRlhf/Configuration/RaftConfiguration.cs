namespace NativeRlhf.Configuration;

/// <summary>
/// Reward-ranked fine-tuning (RAFT). A step is a round: <c>batchSize</c> answers are sampled, <c>answersPerPrompt</c> to each prompt, and
/// those kept are fine-tuned on in minibatches. Defaults of its own: batchSize 64, answersPerPrompt 8, innerEpochs 1, learningRate
/// 2e-5, weightDecay 0.
/// </summary>
public sealed record RaftConfiguration : RolloutConfiguration
{
    /// <summary>The defaults.</summary>
    public RaftConfiguration()
    {
        BatchSize = 64;
        AnswersPerPrompt = 8;
        InnerEpochs = 1;
        LearningRate = 2e-5;
        WeightDecay = 0;
    }

    /// <summary>
    /// The share of the answers to a prompt that is kept, best first, rounded up and at least one. Default 0: the best one alone.
    /// </summary>
    [Bounds(0, 1)]
    public double KeepFraction { get; init; }

    /// <summary>How many answers to a prompt are kept.</summary>
    internal int Kept => Math.Max(1, (int)Math.Ceiling((KeepFraction * AnswersPerPrompt) - 1e-9));
}
