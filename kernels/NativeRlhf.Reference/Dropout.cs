namespace NativeRlhf.Reference;

/// <summary>
/// Dropout (Srivastava et al. 2014), inverted: each element is dropped with probability p, and what is kept is scaled by
/// 1/(1 − p), so that the expectation stays. The mask is drawn from a counter-based generator and never stored:
/// backward draws it again.
/// </summary>
public static class Dropout
{
    /// <summary>y = mask·x/(1 − p) + residual.</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="residual">residual (N, C), or null</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which mask of the step.</param>
    /// <param name="step">The training step.</param>
    /// <param name="firstRow">The place of row 0 in the whole batch.</param>
    /// <param name="probability">p in [0, 1)</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Forward(
        double[] y, double[] x, double[]? residual, ulong seed, uint stream, uint step, uint firstRow, double probability, int N, int C)
    {
        for (int n = 0; n < N; n++)
        {
            for (int c = 0; c < C; c++)
            {
                // A row takes whole blocks of four numbers; the step is the upper half of the position.
                int blocksOfRow = (C + 3) / 4;
                ulong block = ((ulong)step << 32) + (firstRow + (ulong)n) * (ulong)blocksOfRow + (ulong)(c / 4);
                bool isKept = Philox.Uniform(seed, Philox.DropoutPurpose, stream, block, c % 4) >= probability;
                y[n * C + c] = (isKept ? x[n * C + c] / (1 - probability) : 0) + (residual?[n * C + c] ?? 0);
            }
        }
    }

    /// <summary>dX = mask·dY/(1 − p): the same mask again.</summary>
    /// <param name="dX">dX (N, C) =</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which mask of the step.</param>
    /// <param name="step">The training step.</param>
    /// <param name="firstRow">The place of row 0 in the whole batch.</param>
    /// <param name="probability">p in [0, 1)</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Backward(
        double[] dX, double[] dY, ulong seed, uint stream, uint step, uint firstRow, double probability, int N, int C) =>
        Forward(dX, dY, null, seed, stream, step, firstRow, probability, N, C);
}
