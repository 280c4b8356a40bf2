namespace NativeRlhf.Configuration;

/// <summary>What the policy's loss is a mean over.</summary>
public enum LossMean
{
    /// <summary>All answer tokens of the minibatch.</summary>
    Token,

    /// <summary>The answers of the minibatch, each of them a mean over its tokens (Shao et al. 2024).</summary>
    Answer,
}
