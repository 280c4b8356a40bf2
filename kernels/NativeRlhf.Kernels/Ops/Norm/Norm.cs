using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>The squared Euclidean norm of a flat vector: the global gradient norm before clipping.</summary>
public abstract class Norm
{
    /// <summary>The elements that one partial sum covers: fixed, so that the result does not depend on the threads.</summary>
    public const int BlockLength = 16384;

    /// <summary>partials[i] = Σ x² over block i of <see cref="BlockLength"/> elements.</summary>
    /// <param name="partials">partials (⌈length / BlockLength⌉) =; the caller adds them up in double and in order</param>
    /// <param name="x">x (any shape)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void SumOfSquares(Tensor partials, Tensor x)
    {
        Guard.Vector(nameof(Norm), partials, Blocks(x.Length));
        if (x.Length > 0) SumOfSquaresCore(partials, x);
        Watch.Output(nameof(Norm), partials);
    }

    /// <summary>The number of partial sums for a vector.</summary>
    /// <param name="length">The vector's length.</param>
    /// <returns>⌈length / BlockLength⌉.</returns>
    public static int Blocks(long length) => checked((int)((length + BlockLength - 1) / BlockLength));

    private protected abstract void SumOfSquaresCore(Tensor partials, Tensor x);
}
