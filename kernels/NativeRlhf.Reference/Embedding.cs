namespace NativeRlhf.Reference;

/// <summary>
/// Token plus position embedding: y[n] = wte[tokens[n]] + wpe[positions[n]]. A look-up is a product with a one-hot
/// vector, so the gradient of a table row is the sum of the gradients of all places where the row was used.
/// </summary>
public static class Embedding
{
    /// <summary>y[n, c] = wte[tokens[n], c] + wpe[positions[n], c].</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="tokens">tokens (N)</param>
    /// <param name="positions">positions (N)</param>
    /// <param name="wte">wte (V, C)</param>
    /// <param name="wpe">wpe (T, C)</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Forward(double[] y, int[] tokens, int[] positions, double[] wte, double[] wpe, int N, int C)
    {
        for (int n = 0; n < N; n++)
        {
            for (int c = 0; c < C; c++) y[n * C + c] = wte[tokens[n] * C + c] + wpe[positions[n] * C + c];
        }
    }

    /// <summary>dWte[tokens[n]] += dY[n]; dWpe[positions[n]] += dY[n].</summary>
    /// <param name="dWte">dWte (V, C) +=</param>
    /// <param name="dWpe">dWpe (T, C) +=</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="tokens">tokens (N)</param>
    /// <param name="positions">positions (N)</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Backward(double[] dWte, double[] dWpe, double[] dY, int[] tokens, int[] positions, int N, int C)
    {
        for (int n = 0; n < N; n++)
        {
            for (int c = 0; c < C; c++)
            {
                dWte[tokens[n] * C + c] += dY[n * C + c];
                dWpe[positions[n] * C + c] += dY[n * C + c];
            }
        }
    }
}
