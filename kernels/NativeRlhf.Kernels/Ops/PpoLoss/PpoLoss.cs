using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The clipped losses of proximal policy optimisation (Schulman et al. 2017), with their gradients, as element-wise
/// functions of the answer tokens. The caller gives the factor that turns the sum into the mean.
/// </summary>
public abstract class PpoLoss
{
    /// <summary>The length of the policy's statistics vector.</summary>
    public const int PolicyStatisticsLength = 5;

    /// <summary>The length of the value function's statistics vector.</summary>
    public const int ValueStatisticsLength = 3;

    /// <summary>The length of the KL penalty's statistics vector.</summary>
    public const int KlStatisticsLength = 1;

    /// <summary>
    /// Policy: with ratio = exp(logprob − oldLogprob), L = scale·Σ max(−A·ratio, −A·clip(ratio, 1 ± clipRange));
    /// dL/dlogprob = −scale·A·ratio where the first term is the larger or equal one, else 0.
    /// </summary>
    /// <param name="statistics">
    /// statistics (5) +=: L / scale; the number of tokens whose clipped term is the larger; Σ ½(logprob − oldLogprob)²
    /// (approximate KL); Σ ratio; and, as a running maximum, |ratio − 1|
    /// </param>
    /// <param name="dLogprobs">dLogprobs (N) =</param>
    /// <param name="logprobs">logprobs (N) under the policy in training</param>
    /// <param name="oldLogprobs">oldLogprobs (N) under the policy that sampled</param>
    /// <param name="advantages">A (N)</param>
    /// <param name="clipRange">The clip range, 0.2 in the paper.</param>
    /// <param name="scale">1 / (answer tokens of the minibatch)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Policy(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale)
    {
        int n = (int)logprobs.Length;
        Guard.Vector(nameof(PpoLoss), statistics, PolicyStatisticsLength);
        Guard.Vector(nameof(PpoLoss), dLogprobs, n);
        Guard.Vector(nameof(PpoLoss), oldLogprobs, n);
        Guard.Vector(nameof(PpoLoss), advantages, n);
        if (n > 0) PolicyCore(statistics, dLogprobs, logprobs, oldLogprobs, advantages, clipRange, scale);
        Watch.Output(nameof(PpoLoss), dLogprobs);
        Watch.Output(nameof(PpoLoss), statistics);
    }

    /// <summary>
    /// Value: L = scale·½ Σ max((v − R)², (clip(v, v_old ± clipRange) − R)²); dL/dv = scale·(v − R) where the first term is
    /// the larger or equal one or v is inside the clip range, else 0.
    /// </summary>
    /// <param name="statistics">statistics (3) +=: L / scale; the number of tokens whose clipped term is the larger; Σ v</param>
    /// <param name="dValues">dValues (N) =</param>
    /// <param name="values">v (N)</param>
    /// <param name="oldValues">v_old (N), from the rollout</param>
    /// <param name="returns">R (N)</param>
    /// <param name="clipRange">The clip range of the value.</param>
    /// <param name="scale">Coefficient / (answer tokens of the minibatch)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Value(Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale)
    {
        int n = (int)values.Length;
        Guard.Vector(nameof(PpoLoss), statistics, ValueStatisticsLength);
        Guard.Vector(nameof(PpoLoss), dValues, n);
        Guard.Vector(nameof(PpoLoss), oldValues, n);
        Guard.Vector(nameof(PpoLoss), returns, n);
        if (n > 0) ValueCore(statistics, dValues, values, oldValues, returns, clipRange, scale);
        Watch.Output(nameof(PpoLoss), dValues);
        Watch.Output(nameof(PpoLoss), statistics);
    }

    /// <summary>
    /// The KL penalty as a part of the loss (Shao et al. 2024, arXiv:2402.03300, equation 4), with Schulman's estimator that is
    /// never negative: with d = logprob − refLogprob, L = Σ w·(exp(−d) − 1 + d); dL/dlogprob = w·(1 − exp(−d)).
    /// </summary>
    /// <param name="statistics">statistics (1) +=: L</param>
    /// <param name="dLogprobs">dLogprobs (N) +=</param>
    /// <param name="logprobs">logprobs (N) under the policy in training</param>
    /// <param name="refLogprobs">refLogprobs (N) under the reference</param>
    /// <param name="weights">w (N): β times what turns the sum into the mean</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Kl(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights)
    {
        int n = (int)logprobs.Length;
        Guard.Vector(nameof(PpoLoss), statistics, KlStatisticsLength);
        Guard.Vector(nameof(PpoLoss), dLogprobs, n);
        Guard.Vector(nameof(PpoLoss), refLogprobs, n);
        Guard.Vector(nameof(PpoLoss), weights, n);
        if (n > 0) KlCore(statistics, dLogprobs, logprobs, refLogprobs, weights);
        Watch.Output(nameof(PpoLoss), dLogprobs);
        Watch.Output(nameof(PpoLoss), statistics);
    }

    private protected abstract void PolicyCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor oldLogprobs, Tensor advantages, float clipRange, float scale);

    private protected abstract void ValueCore(Tensor statistics, Tensor dValues, Tensor values, Tensor oldValues, Tensor returns, float clipRange, float scale);

    private protected abstract void KlCore(Tensor statistics, Tensor dLogprobs, Tensor logprobs, Tensor refLogprobs, Tensor weights);
}
