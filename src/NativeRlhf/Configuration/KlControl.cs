namespace NativeRlhf.Configuration;

/// <summary>What sets the weight of the KL penalty.</summary>
public enum KlControl
{
    /// <summary>It stays at <c>klCoef</c>.</summary>
    Fixed,

    /// <summary>It starts at <c>klCoef</c> and is steered so that the KL settles at <c>klTarget</c>.</summary>
    Adaptive,
}
