namespace NativeRlhf.Reference;

/// <summary>
/// Layer normalisation (Ba, Kiros and Hinton 2016): every row is shifted to mean 0 and scaled to variance 1, then
/// stretched and moved by learned weights: x̂ = (x − μ)·rstd, y = x̂·weight + bias, with rstd = 1/√(σ² + ε) and the
/// population variance σ² = mean((x − μ)²).
/// </summary>
public static class LayerNorm
{
    /// <summary>y = x̂·weight + bias.</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="mean">mean (N) =, kept for backward</param>
    /// <param name="rstd">rstd (N) =, kept for backward</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="weight">weight (C)</param>
    /// <param name="bias">bias (C)</param>
    /// <param name="epsilon">ε</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Forward(
        double[] y, double[] mean, double[] rstd, double[] x, double[] weight, double[] bias, double epsilon, int N, int C)
    {
        for (int n = 0; n < N; n++)
        {
            double sum = 0;
            for (int c = 0; c < C; c++) sum += x[n * C + c];
            mean[n] = sum / C;

            double squares = 0;
            for (int c = 0; c < C; c++) squares += Math.Pow(x[n * C + c] - mean[n], 2);
            rstd[n] = 1 / Math.Sqrt(squares / C + epsilon);

            for (int c = 0; c < C; c++) y[n * C + c] = (x[n * C + c] - mean[n]) * rstd[n] * weight[c] + bias[c];
        }
    }

    /// <summary>
    /// With g = dL/dx̂ = dY·weight. x reaches the loss on three ways: directly through x̂, through μ and through rstd.
    /// ∂x̂ᵢ/∂xⱼ = rstd·(1[i = j] − 1/C − x̂ᵢ·x̂ⱼ/C), hence dX = rstd·(g − mean(g) − x̂·mean(g·x̂)).
    /// </summary>
    /// <param name="dX">dX (N, C) +=</param>
    /// <param name="dWeight">dWeight (C) +=</param>
    /// <param name="dBias">dBias (C) +=</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="mean">mean (N), from forward</param>
    /// <param name="rstd">rstd (N), from forward</param>
    /// <param name="weight">weight (C)</param>
    /// <param name="N">rows</param>
    /// <param name="C">width</param>
    public static void Backward(
        double[] dX, double[] dWeight, double[] dBias, double[] dY, double[] x, double[] mean, double[] rstd, double[] weight, int N, int C)
    {
        for (int n = 0; n < N; n++)
        {
            double meanG = 0, meanGx = 0;
            for (int c = 0; c < C; c++)
            {
                double xHat = (x[n * C + c] - mean[n]) * rstd[n];
                double g = dY[n * C + c] * weight[c];
                meanG += g / C;
                meanGx += g * xHat / C;
                dWeight[c] += dY[n * C + c] * xHat;
                dBias[c] += dY[n * C + c];
            }

            for (int c = 0; c < C; c++)
            {
                double xHat = (x[n * C + c] - mean[n]) * rstd[n];
                double g = dY[n * C + c] * weight[c];
                dX[n * C + c] += rstd[n] * (g - meanG - xHat * meanGx);
            }
        }
    }
}
