namespace NativeRlhf.Configuration;

/// <summary>What the reward model of a round begins as.</summary>
public enum RewardStart
{
    /// <summary>The policy that the iteration began with, with a new head.</summary>
    Start,

    /// <summary>The policy of the round before, with a new head.</summary>
    Policy,

    /// <summary>The reward model of the round before; in the first round as <see cref="Start"/>.</summary>
    Previous,
}
