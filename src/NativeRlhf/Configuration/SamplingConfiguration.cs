namespace NativeRlhf.Configuration;

/// <summary>How answers are sampled that are to be compared.</summary>
public sealed record SamplingConfiguration : ConfigurationRecord
{
    /// <summary>Logits are divided by it. Default 1.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double Temperature { get; init; } = 1;

    /// <summary>Sample from the k most probable tokens only; 0 is off. Default 0.</summary>
    [Bounds(0)]
    public int TopK { get; init; }

    /// <summary>Sample from the most probable tokens that together reach this probability; 1 is off. Default 1.</summary>
    [Bounds(0, 1, AboveMinimum = true)]
    public double TopP { get; init; } = 1;

    /// <summary>The most tokens of an answer, end-of-text included. Null (the default) is 64, or half of the model's positions if that is less.</summary>
    [Bounds(1)]
    public int? MaxNewTokens { get; init; }
}
