namespace NativeRlhf.Configuration;

/// <summary>How advantages are estimated.</summary>
public enum AdvantageEstimator
{
    /// <summary>Generalised advantage estimation with a value function (Schulman et al. 2016).</summary>
    Gae,

    /// <summary>An answer's reward less the mean over the answers to its prompt, over their standard deviation (Shao et al. 2024, GRPO).</summary>
    Grpo,

    /// <summary>An answer's reward less the mean over the other answers to its prompt (Ahmadian et al. 2024, RLOO).</summary>
    Rloo,
}
