namespace NativeRlhf.Reference;

/// <summary>
/// Causal multi-head self-attention (Vaswani et al. 2017) over packed sequences: sequence s has the rows offsets[s] to
/// offsets[s + 1] − 1, and nothing passes between sequences. A row of qkv holds the queries of all heads, then their keys,
/// then their values, each NH × HS = C wide. For row n and head h:
/// s[j] = q[n]·k[j]/√HS for the rows j ≤ n of the same sequence; p = softmax(s); y[n] = Σⱼ p[j]·v[j].
/// A sequence that continues another (prefixes[s] ≠ s) sees all rows of that one too.
/// </summary>
public static class Attention
{
    /// <summary>y = softmax(q·kᵀ/√HS)·v within each sequence, causal.</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="lse">lse (N, NH) =: log Σⱼ exp(s[j]), kept for backward</param>
    /// <param name="qkv">qkv (N, 3·C)</param>
    /// <param name="offsets">offsets (S + 1): the first row of every sequence, then N</param>
    /// <param name="NH">heads</param>
    /// <param name="C">width</param>
    /// <param name="prefixes">prefixes (S): the sequence that each continues, or itself; null where none continues another</param>
    public static void Forward(double[] y, double[] lse, double[] qkv, int[] offsets, int NH, int C, int[]? prefixes = null)
    {
        int HS = C / NH;
        for (int s = 0; s + 1 < offsets.Length; s++)
        {
            for (int n = offsets[s]; n < offsets[s + 1]; n++)
            {
                for (int h = 0; h < NH; h++)
                {
                    int[] seen = Seen(n, s, offsets, prefixes);
                    int length = seen.Length;
                    var p = new double[length];
                    for (int j = 0; j < length; j++) p[j] = Score(qkv, n, seen[j], h, HS, C);

                    // The maximum is taken out of the exponentials, so that none overflows.
                    double max = p.Max();
                    double sum = 0;
                    for (int j = 0; j < length; j++) sum += Math.Exp(p[j] - max);
                    lse[n * NH + h] = max + Math.Log(sum);
                    for (int j = 0; j < length; j++) p[j] = Math.Exp(p[j] - lse[n * NH + h]);

                    for (int c = 0; c < HS; c++)
                    {
                        double value = 0;
                        for (int j = 0; j < length; j++) value += p[j] * qkv[seen[j] * 3 * C + 2 * C + h * HS + c];
                        y[n * C + h * HS + c] = value;
                    }
                }
            }
        }
    }

    /// <summary>
    /// With p[n, j] = exp(s[n, j] − lse[n]), as in forward:
    /// y[n] = Σⱼ p·v[j] gives dp[n, j] = dY[n]·v[j] and dV[j] += p·dY[n];
    /// the softmax gives ds = p·(dp − Σⱼ p·dp), where Σⱼ p·dp = dY[n]·y[n];
    /// s = q[n]·k[j]/√HS gives dQ[n] += ds·k[j]/√HS and dK[j] += ds·q[n]/√HS.
    /// </summary>
    /// <param name="dQkv">dQkv (N, 3·C) =</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="y">y (N, C), from forward</param>
    /// <param name="lse">lse (N, NH), from forward</param>
    /// <param name="qkv">qkv (N, 3·C)</param>
    /// <param name="offsets">offsets (S + 1)</param>
    /// <param name="NH">heads</param>
    /// <param name="C">width</param>
    /// <param name="prefixes">prefixes (S), or null</param>
    public static void Backward(double[] dQkv, double[] dY, double[] y, double[] lse, double[] qkv, int[] offsets, int NH, int C, int[]? prefixes = null)
    {
        int HS = C / NH;
        double scale = 1 / Math.Sqrt(HS);
        Array.Clear(dQkv);
        for (int s = 0; s + 1 < offsets.Length; s++)
        {
            for (int n = offsets[s]; n < offsets[s + 1]; n++)
            {
                for (int h = 0; h < NH; h++)
                {
                    double mean = 0;
                    for (int c = 0; c < HS; c++) mean += dY[n * C + h * HS + c] * y[n * C + h * HS + c];

                    int q = n * 3 * C + h * HS;
                    foreach (int j in Seen(n, s, offsets, prefixes))
                    {
                        int k = j * 3 * C + C + h * HS, v = k + C;
                        double p = Math.Exp(Score(qkv, n, j, h, HS, C) - lse[n * NH + h]);
                        double dp = 0;
                        for (int c = 0; c < HS; c++) dp += dY[n * C + h * HS + c] * qkv[v + c];
                        double ds = p * (dp - mean) * scale;
                        for (int c = 0; c < HS; c++)
                        {
                            dQkv[q + c] += ds * qkv[k + c];
                            dQkv[k + c] += ds * qkv[q + c];
                            dQkv[v + c] += p * dY[n * C + h * HS + c];
                        }
                    }
                }
            }
        }
    }

    /// <summary>The rows that row n of sequence s sees, in order.</summary>
    private static int[] Seen(int n, int s, int[] offsets, int[]? prefixes)
    {
        var own = Enumerable.Range(offsets[s], n - offsets[s] + 1);
        if (prefixes is null || prefixes[s] == s) return [.. own];
        int start = offsets[prefixes[s]], end = offsets[prefixes[s] + 1];
        return [.. Enumerable.Range(start, end - start), .. own];
    }

    /// <summary>q[n]·k[j]/√HS of one head.</summary>
    private static double Score(double[] qkv, int n, int j, int h, int HS, int C)
    {
        double dot = 0;
        for (int c = 0; c < HS; c++) dot += qkv[n * 3 * C + h * HS + c] * qkv[j * 3 * C + C + h * HS + c];
        return dot / Math.Sqrt(HS);
    }
}
