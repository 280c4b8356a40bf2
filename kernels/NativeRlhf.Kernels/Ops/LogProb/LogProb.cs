using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Fused softmax over the vocabulary: log-probability of the target, entropy and log-sum-exp of every row in one pass over
/// the logits, and the gradient of anything that depends on the log-probabilities. Cross-entropy is its special case with
/// dLogprob = −1/count. With z = logits/T and m = max z: lse = m + log Σⱼ exp(zⱼ − m); logprob = z[target] − lse;
/// entropy = lse − Σⱼ pⱼ·zⱼ. Logits and all that comes of them are float32; dLogits, an operand of products, may be of bfloat16.
/// </summary>
public abstract class LogProb
{
    /// <summary>logprobs, entropy and log-sum-exp of every row.</summary>
    /// <param name="logprobs">logprobs (N) =: log p(target), natural logarithm</param>
    /// <param name="lse">lse (N) =, kept for backward</param>
    /// <param name="entropy">entropy (N) = in nats, or none</param>
    /// <param name="logits">logits (N, V)</param>
    /// <param name="targets">targets (N), each in [0, V)</param>
    /// <param name="temperature">T &gt; 0: logits are divided by it</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or T is not positive.</exception>
    public void Forward(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float temperature = 1)
    {
        Check(logprobs, lse, logits, targets, temperature);
        Guard.OptionalVector(nameof(LogProb), entropy, logits.Rows);
        if (logits.Rows > 0) ForwardCore(logprobs, lse, entropy, logits, targets, 1 / temperature);
        Watch.Output(nameof(LogProb), lse);
        Watch.Output(nameof(LogProb), logprobs);
        Watch.Output(nameof(LogProb), entropy);
    }

    /// <summary>dLogits[n, j] = dLogprobs[n]·(1[j = targets[n]] − p[n, j]) / T.</summary>
    /// <param name="dLogits">dLogits (N, V) =; may be the logits themselves where it is float32</param>
    /// <param name="dLogprobs">dLogprobs (N)</param>
    /// <param name="lse">lse (N), from forward</param>
    /// <param name="logits">logits (N, V), as in forward</param>
    /// <param name="targets">targets (N), each in [0, V)</param>
    /// <param name="temperature">T, as in forward</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or T is not positive.</exception>
    public void Backward(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float temperature = 1)
    {
        Check(dLogprobs, lse, logits, targets, temperature);
        Guard.Shape(nameof(LogProb), dLogits, logits.Rows, logits.Cols);
        if (logits.Rows > 0) BackwardCore(dLogits, dLogprobs, lse, logits, targets, 1 / temperature);
        Watch.Output(nameof(LogProb), dLogits);
    }

    private protected abstract void ForwardCore(Tensor logprobs, Tensor lse, Tensor entropy, Tensor logits, ArrayView<int> targets, float inverseTemperature);

    private protected abstract void BackwardCore(Tensor dLogits, Tensor dLogprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float inverseTemperature);

    private static void Check(Tensor logprobs, Tensor lse, Tensor logits, ArrayView<int> targets, float temperature)
    {
        Guard.Vector(nameof(LogProb), logprobs, logits.Rows);
        Guard.Vector(nameof(LogProb), lse, logits.Rows);
        Guard.Length(nameof(LogProb), targets, logits.Rows);
        Guard.Require(nameof(LogProb), temperature > 0, $"temperature {temperature} is not positive");
    }
}
