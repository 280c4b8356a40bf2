namespace NativeRlhf.Reference;

/// <summary>
/// The linear map y = x·W + bias (+ residual). W is stored [in, out] as GPT-2's linear layers are, or [out, in]
/// (<c>outIn</c>) as the token embedding is when it also serves as the output matrix.
/// </summary>
public static class MatMul
{
    /// <summary>y[n, o] = Σᵢ x[n, i]·W[i, o] + bias[o] + residual[n, o].</summary>
    /// <param name="y">y (N, OC) =</param>
    /// <param name="x">x (N, IC)</param>
    /// <param name="weight">W (IC, OC), or (OC, IC) if <paramref name="outIn"/></param>
    /// <param name="bias">bias (OC), or null</param>
    /// <param name="residual">residual (N, OC), or null</param>
    /// <param name="outIn">Whether W is stored [out, in].</param>
    /// <param name="N">rows</param>
    /// <param name="IC">input width</param>
    /// <param name="OC">output width</param>
    public static void Forward(
        double[] y, double[] x, double[] weight, double[]? bias, double[]? residual, bool outIn, int N, int IC, int OC)
    {
        for (int n = 0; n < N; n++)
        {
            for (int o = 0; o < OC; o++)
            {
                double sum = bias?[o] ?? 0;
                for (int i = 0; i < IC; i++) sum += x[n * IC + i] * weight[At(i, o, outIn, IC, OC)];
                y[n * OC + o] = sum + (residual?[n * OC + o] ?? 0);
            }
        }
    }

    /// <summary>activated = f(y), y as above.</summary>
    /// <param name="activated">activated (N, OC) =</param>
    /// <param name="y">y (N, OC) =</param>
    /// <param name="x">x (N, IC)</param>
    /// <param name="weight">W (IC, OC), or (OC, IC) if <paramref name="outIn"/></param>
    /// <param name="bias">bias (OC), or null</param>
    /// <param name="residual">residual (N, OC), or null</param>
    /// <param name="f">One of the functions of <see cref="Activation"/>.</param>
    /// <param name="outIn">Whether W is stored [out, in].</param>
    /// <param name="N">rows</param>
    /// <param name="IC">input width</param>
    /// <param name="OC">output width</param>
    public static void ForwardActivated(
        double[] activated, double[] y, double[] x, double[] weight, double[]? bias, double[]? residual, Func<double, double> f, bool outIn, int N, int IC, int OC)
    {
        Forward(y, x, weight, bias, residual, outIn, N, IC, OC);
        Activation.Forward(activated, y, f);
    }

    /// <summary>dX[n, i] = Σₒ dY[n, o]·W[i, o]: what every input did to every output, weighted by what the output is worth.</summary>
    /// <param name="dX">dX (N, IC) =, or += if <paramref name="accumulate"/></param>
    /// <param name="dY">dY (N, OC)</param>
    /// <param name="weight">W (IC, OC), or (OC, IC) if <paramref name="outIn"/></param>
    /// <param name="outIn">Whether W is stored [out, in].</param>
    /// <param name="accumulate">Whether dX is added to.</param>
    /// <param name="N">rows</param>
    /// <param name="IC">input width</param>
    /// <param name="OC">output width</param>
    public static void BackwardInput(
        double[] dX, double[] dY, double[] weight, bool outIn, bool accumulate, int N, int IC, int OC)
    {
        for (int n = 0; n < N; n++)
        {
            for (int i = 0; i < IC; i++)
            {
                double sum = accumulate ? dX[n * IC + i] : 0;
                for (int o = 0; o < OC; o++) sum += dY[n * OC + o] * weight[At(i, o, outIn, IC, OC)];
                dX[n * IC + i] = sum;
            }
        }
    }

    /// <summary>dW[i, o] += Σₙ x[n, i]·dY[n, o]; dBias[o] += Σₙ dY[n, o]: every row contributes.</summary>
    /// <param name="dWeight">dW (IC, OC), or (OC, IC) if <paramref name="outIn"/>, +=</param>
    /// <param name="dBias">dBias (OC) +=, or null</param>
    /// <param name="x">x (N, IC)</param>
    /// <param name="dY">dY (N, OC)</param>
    /// <param name="outIn">Whether W is stored [out, in].</param>
    /// <param name="N">rows</param>
    /// <param name="IC">input width</param>
    /// <param name="OC">output width</param>
    public static void BackwardWeight(
        double[] dWeight, double[]? dBias, double[] x, double[] dY, bool outIn, int N, int IC, int OC)
    {
        for (int n = 0; n < N; n++)
        {
            for (int o = 0; o < OC; o++)
            {
                for (int i = 0; i < IC; i++) dWeight[At(i, o, outIn, IC, OC)] += x[n * IC + i] * dY[n * OC + o];
                if (dBias is not null) dBias[o] += dY[n * OC + o];
            }
        }
    }

    private static int At(int i, int o, bool outIn, int IC, int OC) => outIn ? o * IC + i : i * OC + o;
}
