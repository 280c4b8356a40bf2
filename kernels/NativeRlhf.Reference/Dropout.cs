namespace NativeRlhf.Reference;

/// <summary>
/// Dropout (Srivastava et al. 2014), inverted: each element is dropped with probability p, and what is kept is scaled by
/// 1/(1 − p), so that the expectation stays. The mask is drawn from a counter-based generator and never stored:
/// backward draws it again.
/// </summary>
public static class Dropout
{
    /// <summary>y = mask·x/(1 − p) + residual.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="x">x (as many)</param>
    /// <param name="residual">residual (as many), or null</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which mask of the step.</param>
    /// <param name="step">The training step.</param>
    /// <param name="probability">p in [0, 1)</param>
    public static void Forward(double[] y, double[] x, double[]? residual, ulong seed, uint stream, uint step, double probability)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double kept = IsKept(i, seed, stream, step, probability) ? x[i] / (1 - probability) : 0;
            y[i] = kept + (residual?[i] ?? 0);
        }
    }

    /// <summary>dX = mask·dY/(1 − p): the same mask again.</summary>
    /// <param name="dX">dX (any shape) =</param>
    /// <param name="dY">dY (as many)</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which mask of the step.</param>
    /// <param name="step">The training step.</param>
    /// <param name="probability">p in [0, 1)</param>
    public static void Backward(double[] dX, double[] dY, ulong seed, uint stream, uint step, double probability) =>
        Forward(dX, dY, null, seed, stream, step, probability);

    /// <summary>Element i takes word i mod 4 of block i / 4; the step is the upper half of the position.</summary>
    private static bool IsKept(int i, ulong seed, uint stream, uint step, double probability) =>
        Philox.Uniform(seed, Philox.DropoutPurpose, stream, ((ulong)step << 32) | ((uint)i / 4), i % 4) >= probability;
}
