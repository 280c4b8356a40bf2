namespace NativeRlhf.Configuration;

/// <summary>Where the KL penalty is.</summary>
public enum KlPenalty
{
    /// <summary>A part of every token's reward, −β·(log π − log π_ref) at the time of the rollout (Ziegler et al. 2019).</summary>
    Reward,

    /// <summary>A term of the loss, β times the estimator that is never negative, with a gradient of its own (Shao et al. 2024).</summary>
    Loss,
}
