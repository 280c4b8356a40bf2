namespace NativeRlhf.Configuration;

/// <summary>What the policy of a round is held to.</summary>
public enum ReferencePolicy
{
    /// <summary>The policy that the iteration began with.</summary>
    Start,

    /// <summary>The policy that the round began with.</summary>
    Round,
}
