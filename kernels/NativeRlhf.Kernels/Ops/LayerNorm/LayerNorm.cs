using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Layer normalisation (Ba et al. 2016) over the columns of each row:
/// x̂ = (x − μ)·rstd with μ = mean(x) and rstd = 1/√(var(x) + ε), population variance; y = x̂ · weight + bias. y and dY, which
/// meet a matrix, may be of bfloat16; the residual stream on the other side, statistics and parameters are float32.
/// </summary>
public abstract class LayerNorm
{
    /// <summary>y = x̂ · weight + bias.</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="mean">mean (N) =, kept for backward</param>
    /// <param name="rstd">rstd (N) =, kept for backward</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="weight">weight (C)</param>
    /// <param name="bias">bias (C)</param>
    /// <param name="epsilon">ε, added to the variance</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon)
    {
        Check(y, mean, rstd, x, weight);
        Guard.Vector(nameof(LayerNorm), bias, x.Cols);
        if (x.Rows > 0) ForwardCore(y, mean, rstd, x, weight, bias, epsilon);
        Watch.Output(nameof(LayerNorm), mean, of: weight);
        Watch.Output(nameof(LayerNorm), rstd, of: weight);
        Watch.Output(nameof(LayerNorm), y, of: weight);
    }

    /// <summary>
    /// dBias += Σₙ dY; dWeight += Σₙ dY·x̂; with g = dY·weight: dX += rstd·(g − mean(g) − x̂·mean(g·x̂)).
    /// </summary>
    /// <param name="dX">dX (N, C) +=: the gradient of the residual stream that x belongs to</param>
    /// <param name="dWeight">dWeight (C) +=; or none, with <paramref name="dBias"/>, where weight and bias are not trained</param>
    /// <param name="dBias">dBias (C) +=, or none</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="x">x (N, C), as in forward</param>
    /// <param name="mean">mean (N), from forward</param>
    /// <param name="rstd">rstd (N), from forward</param>
    /// <param name="weight">weight (C)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        Check(dX, mean, rstd, x, weight);
        Guard.Shape(nameof(LayerNorm), dY, x.Rows, x.Cols);
        Guard.OptionalVector(nameof(LayerNorm), dWeight, x.Cols);
        Guard.OptionalVector(nameof(LayerNorm), dBias, x.Cols);
        Guard.Require(nameof(LayerNorm), dWeight.IsNone == dBias.IsNone, $"dWeight is {dWeight} and dBias {dBias}; give both or none");
        if (x.Rows > 0) BackwardCore(dX, dWeight, dBias, dY, x, mean, rstd, weight);
        Watch.Output(nameof(LayerNorm), dX, of: weight);
        Watch.Output(nameof(LayerNorm), dWeight);
        Watch.Output(nameof(LayerNorm), dBias);
    }

    private protected abstract void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon);

    private protected abstract void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight);

    private static void Check(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight)
    {
        Guard.Shape(nameof(LayerNorm), y, x.Rows, x.Cols);
        Guard.Vector(nameof(LayerNorm), mean, x.Rows);
        Guard.Vector(nameof(LayerNorm), rstd, x.Rows);
        Guard.Vector(nameof(LayerNorm), weight, x.Cols);
    }
}
