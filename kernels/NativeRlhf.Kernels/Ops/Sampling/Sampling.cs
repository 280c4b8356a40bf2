using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>How tokens are drawn from logits.</summary>
/// <param name="Temperature">Logits are divided by it; 0 takes the most probable token (the first of several).</param>
/// <param name="TopK">Only tokens whose logit is at least the k-th largest; 0 for all.</param>
/// <param name="TopP">
/// Only the most probable tokens: those with p ≥ t for the largest t that leaves a mass of at least top-p (Holtzman et al.
/// 2020), of what top-k leaves; 1 for all. Equal probabilities stay or go together.
/// </param>
/// <param name="Seed">The run's seed.</param>
public readonly record struct SamplingSettings(float Temperature, int TopK, float TopP, ulong Seed)
{
    /// <summary>1/T, held finite: however small T &gt; 0 is, the largest logit has (logit − max) / T = 0.</summary>
    internal float InverseTemperature => MathF.Min(1 / Temperature, float.MaxValue);
}

/// <summary>
/// Draws one token a row by inversion: the first token, in the order of ids, at which the cumulative probability of the
/// allowed tokens exceeds the uniform draw at (<see cref="RandomPurpose.Sampling"/>, stream, position). A logit of −∞ is a token of
/// probability zero. A row with a logit that is NaN or +∞, or with none above −∞, has no distribution: its token is −1.
/// </summary>
public abstract class Sampling
{
    /// <summary>Draws tokens[r] from softmax(logits[r] / T) over the allowed tokens.</summary>
    /// <param name="tokens">tokens (R) =, −1 where a row has no distribution</param>
    /// <param name="logits">logits (R, V)</param>
    /// <param name="streams">streams (R): the random stream of each row, one for each sequence of a run</param>
    /// <param name="positions">positions (R): the position in the stream, one for each token of a sequence</param>
    /// <param name="settings">Temperature, restrictions and seed.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or a setting is out of range.</exception>
    public void Forward(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings)
    {
        Guard.Length(nameof(Sampling), tokens, logits.Rows);
        Guard.Length(nameof(Sampling), streams, logits.Rows);
        Guard.Length(nameof(Sampling), positions, logits.Rows);
        Guard.Require(nameof(Sampling), settings.Temperature is >= 0 and < float.PositiveInfinity, $"temperature {settings.Temperature} is not a number of at least 0");
        Guard.Require(nameof(Sampling), settings.TopK >= 0, $"top-k {settings.TopK} is negative");
        Guard.Require(nameof(Sampling), settings.TopP is > 0 and <= 1, $"top-p {settings.TopP} is not in (0, 1]");
        if (logits.Rows > 0) ForwardCore(tokens, logits, streams, positions, settings);
    }

    private protected abstract void ForwardCore(ArrayView<int> tokens, Tensor logits, ArrayView<int> streams, ArrayView<int> positions, in SamplingSettings settings);
}
