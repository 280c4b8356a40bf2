using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The key of one dropout mask. The mask is a pure function of it, so that backward draws it again instead of storing it.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Stream">Which mask: the place in the model, different for every use in a step.</param>
/// <param name="Step">The training step (the upper half of the counter's position).</param>
/// <param name="FirstRow">The place of row 0 in the whole batch, so that the mask does not depend on how a batch is cut.</param>
/// <param name="Probability">The probability that an element is dropped, in [0, 1).</param>
public readonly record struct DropoutKey(ulong Seed, uint Stream, uint Step, uint FirstRow, float Probability);

/// <summary>
/// Dropout (Srivastava et al. 2014), inverted: kept elements are scaled by 1/(1 − p). Element (n, c) is kept where the
/// uniform draw of word c mod 4 of Philox block (firstRow + n)·⌈C/4⌉ + ⌊c/4⌋ is at least p. x is float32; what is written, y or
/// dX, may be of bfloat16.
/// </summary>
public abstract class Dropout
{
    /// <summary>y = mask · x / (1 − p) + residual.</summary>
    /// <param name="y">y (N, C) =; may be x or the residual itself</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="key">The mask's key.</param>
    /// <param name="residual">residual (N, C), or none</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or p is not in [0, 1).</exception>
    public void Forward(Tensor y, Tensor x, DropoutKey key, Tensor residual = default)
    {
        Check(y, x, key);
        Guard.OptionalShape(nameof(Dropout), residual, x.Rows, x.Cols);
        Guard.SameType(nameof(Dropout), y, residual);
        if (x.Length > 0) ForwardCore(y, x, key, residual);
        Watch.Output(nameof(Dropout), y);
    }

    /// <summary>dX = mask · dY / (1 − p), with the mask of forward.</summary>
    /// <param name="dX">dX (N, C) =; may be dY itself where that has its type</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="key">The mask's key, as in forward.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or p is not in [0, 1).</exception>
    public void Backward(Tensor dX, Tensor dY, DropoutKey key)
    {
        Check(dX, dY, key);
        if (dY.Length > 0) ForwardCore(dX, dY, key, Tensor.None);
        Watch.Output(nameof(Dropout), dX);
    }

    private protected abstract void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual);

    private static void Check(Tensor y, Tensor x, DropoutKey key)
    {
        Guard.Shape(nameof(Dropout), y, x.Rows, x.Cols);
        Guard.Require(nameof(Dropout), key.Probability is >= 0 and < 1, $"probability {key.Probability} is not in [0, 1)");
    }
}
