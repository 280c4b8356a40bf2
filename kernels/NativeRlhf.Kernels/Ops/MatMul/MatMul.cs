using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>How the weight of a linear map lies in memory.</summary>
public enum WeightLayout
{
    /// <summary>W (IC, OC), as GPT-2 stores its linear layers: y = x·W.</summary>
    InOut,

    /// <summary>W (OC, IC), as the tied token embedding and the heads: y = x·Wᵀ.</summary>
    OutIn,
}

/// <summary>
/// The linear map y = x·W + bias (+ residual) and its two gradients. One blocked product serves all three, for both
/// layouts of the weight. The two operands of a product are of one type, float32 or bfloat16; it is summed in float32, and its result
/// stored in either type, with a residual of the result's. Biases and the gradients of parameters are float32.
/// <para>
/// What follows on the sum in a model needs no op of its own: bias and residual are added while the sum is in registers, and kernels
/// take the <see cref="Activation"/> there as well.
/// </para>
/// </summary>
public abstract class MatMul
{
    /// <summary>y = x·W + bias + residual, and activated = f(y).</summary>
    /// <param name="y">y (N, OC) =; may be <paramref name="residual"/> itself, which then accumulates; none where f(y) alone is asked for</param>
    /// <param name="x">x (N, IC)</param>
    /// <param name="weight">W (IC, OC) or (OC, IC), as <paramref name="layout"/> says</param>
    /// <param name="bias">bias (OC), or none</param>
    /// <param name="layout">How W lies in memory.</param>
    /// <param name="residual">residual (N, OC), added to the product; or none</param>
    /// <param name="activated">f(y) (N, OC) =, of the sum before it is rounded to y's type; may be <paramref name="residual"/> itself, but not y; or none</param>
    /// <param name="kind">Which f.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(
        Tensor y, Tensor x, Tensor weight, Tensor bias = default, WeightLayout layout = WeightLayout.InOut, Tensor residual = default,
        Tensor activated = default, ActivationKind kind = default)
    {
        bool isActivatedAlone = y.IsNone && !activated.IsNone;
        Tensor output = isActivatedAlone ? activated : y;
        CheckWeight(weight, x.Cols, output.Cols, layout);
        Guard.Shape(nameof(MatMul), output, x.Rows, output.Cols, isActivatedAlone ? nameof(activated) : nameof(y));
        Guard.OptionalVector(nameof(MatMul), bias, output.Cols);
        Guard.OptionalShape(nameof(MatMul), residual, output.Rows, output.Cols);
        Guard.OptionalShape(nameof(MatMul), activated, output.Rows, output.Cols);
        Guard.SameType(nameof(MatMul), x, weight);
        Guard.SameType(nameof(MatMul), output, residual, isActivatedAlone ? nameof(activated) : nameof(y));
        Guard.SameType(nameof(MatMul), y, activated);
        if (output.Length > 0) ForwardCore(y, x, weight, bias, layout, residual, activated, kind);
        if (!y.IsNone) Watch.Output(nameof(MatMul), y, of: weight);
        if (!activated.IsNone) Watch.Output(nameof(MatMul), activated, of: weight);
    }

    /// <summary>dX = dY·Wᵀ, or dX += dY·Wᵀ.</summary>
    /// <param name="dX">dX (N, IC) =, or += if <paramref name="accumulate"/></param>
    /// <param name="dY">dY (N, OC)</param>
    /// <param name="weight">W (IC, OC) or (OC, IC), as <paramref name="layout"/> says</param>
    /// <param name="layout">How W lies in memory.</param>
    /// <param name="accumulate">Whether dX is added to rather than overwritten.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void BackwardInput(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout = WeightLayout.InOut, bool accumulate = false)
    {
        CheckWeight(weight, dX.Cols, dY.Cols, layout);
        Guard.Shape(nameof(MatMul), dX, dY.Rows, dX.Cols);
        Guard.SameType(nameof(MatMul), dY, weight);
        if (dX.Length > 0) BackwardInputCore(dX, dY, weight, layout, accumulate);
        Watch.Output(nameof(MatMul), dX, of: weight);
    }

    /// <summary>dW += xᵀ·dY (or its transpose, as the layout says); dBias += Σₙ dY[n].</summary>
    /// <param name="dWeight">dW (IC, OC) or (OC, IC) +=</param>
    /// <param name="dBias">dBias (OC) +=, or none</param>
    /// <param name="x">x (N, IC)</param>
    /// <param name="dY">dY (N, OC)</param>
    /// <param name="layout">How W lies in memory.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void BackwardWeight(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout = WeightLayout.InOut)
    {
        CheckWeight(dWeight, x.Cols, dY.Cols, layout);
        Guard.Shape(nameof(MatMul), dY, x.Rows, dY.Cols);
        Guard.OptionalVector(nameof(MatMul), dBias, dY.Cols);
        Guard.SameType(nameof(MatMul), x, dY);
        Guard.IsFloat32(nameof(MatMul), dWeight);
        if (x.Rows > 0) BackwardWeightCore(dWeight, dBias, x, dY, layout);
        Watch.Output(nameof(MatMul), dWeight);
        Watch.Output(nameof(MatMul), dBias);
    }

    private protected abstract void ForwardCore(
        Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual, Tensor activated, ActivationKind kind);

    private protected abstract void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate);

    private protected abstract void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout);

    private static void CheckWeight(Tensor weight, int inputs, int outputs, WeightLayout layout)
    {
        if (layout == WeightLayout.InOut) Guard.Shape(nameof(MatMul), weight, inputs, outputs);
        else Guard.Shape(nameof(MatMul), weight, outputs, inputs);
    }
}
