namespace NativeRlhf.Reference;

/// <summary>
/// Softmax over the vocabulary, in logarithms. With z = logits/T: p = exp(z − lse), lse = log Σⱼ exp(zⱼ);
/// log p(target) = z[target] − lse; entropy −Σ p·log p. Cross-entropy is the mean of −log p(target).
/// </summary>
public static class LogProb
{
    /// <summary>Log-probability of the target, log-sum-exp and entropy of every row, in nats.</summary>
    /// <param name="logprobs">logprobs (N) =</param>
    /// <param name="lse">lse (N) =, kept for backward</param>
    /// <param name="entropy">entropy (N) =, or null</param>
    /// <param name="logits">logits (N, V)</param>
    /// <param name="targets">targets (N)</param>
    /// <param name="temperature">T</param>
    /// <param name="N">rows</param>
    /// <param name="V">vocabulary</param>
    public static void Forward(
        double[] logprobs, double[] lse, double[]? entropy, double[] logits, int[] targets, double temperature, int N, int V)
    {
        for (int n = 0; n < N; n++)
        {
            double max = double.NegativeInfinity;
            for (int j = 0; j < V; j++) max = Math.Max(max, logits[n * V + j] / temperature);
            double sum = 0;
            for (int j = 0; j < V; j++) sum += Math.Exp(logits[n * V + j] / temperature - max);
            lse[n] = max + Math.Log(sum);

            logprobs[n] = logits[n * V + targets[n]] / temperature - lse[n];
            if (entropy is null) continue;
            entropy[n] = 0;
            for (int j = 0; j < V; j++)
            {
                double logP = logits[n * V + j] / temperature - lse[n];
                entropy[n] -= Math.Exp(logP) * logP;
            }
        }
    }

    /// <summary>
    /// ∂log p(target)/∂zⱼ = 1[j = target] − pⱼ, and z = logits/T, hence
    /// dLogits[n, j] = dLogprobs[n]·(1[j = targets[n]] − p[n, j])/T.
    /// </summary>
    /// <param name="dLogits">dLogits (N, V) =</param>
    /// <param name="dLogprobs">dLogprobs (N)</param>
    /// <param name="lse">lse (N), from forward</param>
    /// <param name="logits">logits (N, V)</param>
    /// <param name="targets">targets (N)</param>
    /// <param name="temperature">T</param>
    /// <param name="N">rows</param>
    /// <param name="V">vocabulary</param>
    public static void Backward(
        double[] dLogits, double[] dLogprobs, double[] lse, double[] logits, int[] targets, double temperature, int N, int V)
    {
        for (int n = 0; n < N; n++)
        {
            for (int j = 0; j < V; j++)
            {
                double p = Math.Exp(logits[n * V + j] / temperature - lse[n]);
                dLogits[n * V + j] = dLogprobs[n] * ((j == targets[n] ? 1 : 0) - p) / temperature;
            }
        }
    }
}
