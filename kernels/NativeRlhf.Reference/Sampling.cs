namespace NativeRlhf.Reference;

/// <summary>
/// Draws a token from softmax(logits/T), restricted to the k largest logits (top-k) and to the smallest set of most
/// probable tokens that holds a mass of at least p (top-p, "nucleus", Holtzman et al. 2020).
/// </summary>
public static class Sampling
{
    /// <summary>
    /// The probabilities of the allowed tokens, 0 for the others. Tokens that are as probable as the last one allowed are
    /// allowed too. Top-p looks at the probabilities among what top-k leaves. Temperature 0 leaves the first of the
    /// largest logits alone.
    /// </summary>
    /// <param name="logits">logits (V)</param>
    /// <param name="temperature">T ≥ 0</param>
    /// <param name="topK">k, or 0 for all</param>
    /// <param name="topP">p in (0, 1], 1 for all</param>
    /// <returns>probabilities (V), which sum to 1</returns>
    public static double[] Probabilities(double[] logits, double temperature, int topK, double topP)
    {
        int V = logits.Length;
        var probabilities = new double[V];
        double max = logits.Max();
        if (temperature == 0)
        {
            probabilities[Array.IndexOf(logits, max)] = 1;
            return probabilities;
        }

        double[] descending = [.. logits.OrderDescending()];
        double leastLogit = topK > 0 && topK < V ? descending[topK - 1] : descending[V - 1];
        for (int j = 0; j < V; j++) probabilities[j] = logits[j] >= leastLogit ? Math.Exp((logits[j] - max) / temperature) : 0;
        Normalise(probabilities);

        if (topP < 1)
        {
            double mass = 0, least = 0;
            foreach (double p in probabilities.OrderDescending())
            {
                least = p;
                mass += p;
                if (mass >= topP) break;
            }

            for (int j = 0; j < V; j++)
            {
                if (probabilities[j] < least) probabilities[j] = 0;
            }

            Normalise(probabilities);
        }

        return probabilities;
    }

    /// <summary>
    /// The first token, in the order of ids, at which the cumulative probability exceeds u, the uniform number at
    /// (seed, stream, position).
    /// </summary>
    /// <param name="probabilities">probabilities (V)</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">The random stream of the sequence.</param>
    /// <param name="position">The position of the token in the sequence.</param>
    /// <returns>The token.</returns>
    public static int Draw(double[] probabilities, ulong seed, uint stream, uint position)
    {
        double u = Philox.Uniform(seed, Philox.SamplingPurpose, stream, position);
        double cumulative = 0;
        for (int j = 0; j < probabilities.Length; j++)
        {
            cumulative += probabilities[j];
            if (cumulative > u) return j;
        }

        return Array.FindLastIndex(probabilities, p => p > 0);
    }

    private static void Normalise(double[] probabilities)
    {
        double sum = probabilities.Sum();
        for (int j = 0; j < probabilities.Length; j++) probabilities[j] /= sum;
    }
}
