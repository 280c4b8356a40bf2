namespace NativeRlhf.Reference;

/// <summary>
/// Attention of new rows to what their sequence already has in a cache of keys and values. Slot s of the cache holds one
/// sequence; its position t lies in row s·T + t. The result is what <see cref="Attention"/> computes for the same row of
/// the whole sequence, without computing the other rows again.
/// </summary>
public static class CachedAttention
{
    /// <summary>
    /// Writes k and v of every row r to row slots[r]·T + positions[r] of the caches; then y[r] = softmax(q[r]·kᵀ/√HS)·v over
    /// positions 0 to positions[r] of its slot.
    /// </summary>
    /// <param name="y">y (R, C) =</param>
    /// <param name="keys">keys (slots·T, C) =, in the rows named</param>
    /// <param name="values">values (slots·T, C) =, in the rows named</param>
    /// <param name="qkv">qkv (R, 3·C)</param>
    /// <param name="slots">slots (R)</param>
    /// <param name="positions">positions (R), each below T</param>
    /// <param name="T">the positions of a slot</param>
    /// <param name="NH">heads</param>
    /// <param name="C">width</param>
    public static void Forward(
        double[] y, double[] keys, double[] values, double[] qkv, int[] slots, int[] positions, int T, int NH, int C)
    {
        int HS = C / NH;

        // All rows are written first: a row of a prompt attends to those before it, which arrive in the same call.
        for (int r = 0; r < slots.Length; r++)
        {
            int row = slots[r] * T + positions[r];
            Array.Copy(qkv, r * 3 * C + C, keys, row * C, C);
            Array.Copy(qkv, r * 3 * C + 2 * C, values, row * C, C);
        }

        for (int r = 0; r < slots.Length; r++)
        {
            for (int h = 0; h < NH; h++)
            {
                var scores = new double[positions[r] + 1];
                for (int t = 0; t <= positions[r]; t++)
                {
                    for (int c = 0; c < HS; c++)
                        scores[t] += qkv[r * 3 * C + h * HS + c] * keys[(slots[r] * T + t) * C + h * HS + c] / Math.Sqrt(HS);
                }

                double max = scores.Max();
                double sum = scores.Sum(score => Math.Exp(score - max));
                for (int c = 0; c < HS; c++)
                {
                    double value = 0;
                    for (int t = 0; t <= positions[r]; t++)
                        value += Math.Exp(scores[t] - max) / sum * values[(slots[r] * T + t) * C + h * HS + c];
                    y[r * C + h * HS + c] = value;
                }
            }
        }
    }
}
