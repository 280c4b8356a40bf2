using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>The non-linearity of the feed-forward layers.</summary>
public enum ActivationKind
{
    /// <summary>GELU with tanh, GPT-2's: ½x(1 + tanh(√(2/π)(x + 0.044715x³))); <c>gelu_new</c> in config.json.</summary>
    GeluTanh,

    /// <summary>GELU with the error function: ½x(1 + erf(x/√2)); <c>gelu</c> in config.json.</summary>
    GeluExact,

    /// <summary>max(0, x); <c>relu</c> in config.json.</summary>
    Relu,
}

/// <summary>An element-wise non-linearity y = f(x) (Hendrycks and Gimpel 2016 for GELU).</summary>
public abstract class Activation
{
    /// <summary>y = f(x).</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="kind">Which f.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor y, Tensor x, ActivationKind kind)
    {
        Guard.Shape(nameof(Activation), y, x.Rows, x.Cols);
        Guard.SameType(nameof(Activation), y, x);
        if (x.Length > 0) ForwardCore(y, x, kind);
        Watch.Output(nameof(Activation), y, of: x);
    }

    /// <summary>dX = dY · f′(x).</summary>
    /// <param name="dX">dX (N, C) =; may be dY itself</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="x">x (N, C), as in forward</param>
    /// <param name="kind">Which f. The derivative of ReLU at 0 is 0.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor dX, Tensor dY, Tensor x, ActivationKind kind)
    {
        Guard.Shape(nameof(Activation), dX, x.Rows, x.Cols);
        Guard.Shape(nameof(Activation), dY, x.Rows, x.Cols);
        Guard.SameType(nameof(Activation), dX, x);
        Guard.SameType(nameof(Activation), dY, x);
        if (x.Length > 0) BackwardCore(dX, dY, x, kind);
        Watch.Output(nameof(Activation), dX, of: x);
    }

    private protected abstract void ForwardCore(Tensor y, Tensor x, ActivationKind kind);

    private protected abstract void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind);
}
