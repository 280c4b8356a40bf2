namespace NativeRlhf.Configuration;

/// <summary>What the operands of matrix products are; sums, losses and optimizer state are float32 either way.</summary>
public enum Precision
{
    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>16-bit brain floating point with float32 accumulation and, if wanted, float32 master weights.</summary>
    BFloat16,
}
