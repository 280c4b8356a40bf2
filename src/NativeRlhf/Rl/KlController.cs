namespace NativeRlhf.Rl;

/// <summary>Sets β, the weight of the KL penalty, step by step.</summary>
public interface IKlController
{
    /// <summary>β for the next step. It is all the state that there is: a resumed run starts from the stored value.</summary>
    public double Coefficient { get; }

    /// <summary>Tells the controller how far the policy was from its reference in this step.</summary>
    /// <param name="kl">The sum of log π − log π_ref over an answer, in nats, as a mean over the step's answers.</param>
    /// <param name="episodes">How many answers the step had.</param>
    public void Update(double kl, long episodes);
}

/// <summary>β stays what it is (InstructGPT: 0.02).</summary>
/// <param name="coefficient">β ≥ 0.</param>
public sealed class FixedKlController(double coefficient) : IKlController
{
    /// <inheritdoc/>
    public double Coefficient => coefficient;

    /// <inheritdoc/>
    public void Update(double kl, long episodes)
    {
    }
}

/// <summary>
/// Steers the KL towards a target (Ziegler et al. 2019, arXiv:1909.08593, section 2.2):
/// <code>
/// e = clip(KL / target − 1, −0.2, 0.2)
/// β ← β (1 + e · n / horizon)
/// </code>
/// </summary>
/// <param name="initial">β at the start, or the stored one of a resumed run.</param>
/// <param name="target">The KL to settle at, in nats per answer, &gt; 0.</param>
/// <param name="horizon">How many episodes the correction takes, &gt; 0.</param>
public sealed class AdaptiveKlController(double initial, double target, double horizon) : IKlController
{
    /// <summary>What the relative error of a step is clipped to.</summary>
    internal const double LargestError = 0.2;

    /// <inheritdoc/>
    public double Coefficient { get; private set; } = initial;

    /// <inheritdoc/>
    public void Update(double kl, long episodes)
    {
        double error = Math.Clamp(kl / target - 1, -LargestError, LargestError);
        Coefficient *= 1 + error * episodes / horizon;
    }
}
