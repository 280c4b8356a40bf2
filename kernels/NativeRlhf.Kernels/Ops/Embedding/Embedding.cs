using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Token plus position embedding: y[n] = wte[tokens[n]] + wpe[positions[n]]. The tables may be of bfloat16; all else is float32.
/// </summary>
public abstract class Embedding
{
    /// <summary>y[n, c] = wte[tokens[n], c] + wpe[positions[n], c].</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="tokens">tokens (N), each in [0, V)</param>
    /// <param name="positions">positions (N), each in [0, T)</param>
    /// <param name="wte">wte (V, C)</param>
    /// <param name="wpe">wpe (T, C)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe)
    {
        Check(y, tokens, positions, wte, wpe);
        Guard.SameType(nameof(Embedding), wte, wpe);
        if (y.Rows > 0) ForwardCore(y, tokens, positions, wte, wpe);
        Watch.Output(nameof(Embedding), y);
    }

    /// <summary>dWte[tokens[n]] += dY[n]; dWpe[positions[n]] += dY[n], rows added in order of n.</summary>
    /// <param name="dWte">dWte (V, C) +=</param>
    /// <param name="dWpe">dWpe (T, C) +=</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="tokens">tokens (N), each in [0, V)</param>
    /// <param name="positions">positions (N), each in [0, T)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions)
    {
        Check(dY, tokens, positions, dWte, dWpe);
        if (dY.Rows > 0) BackwardCore(dWte, dWpe, dY, tokens, positions);
        Watch.Output(nameof(Embedding), dWte);
        Watch.Output(nameof(Embedding), dWpe);
    }

    private protected abstract void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe);

    private protected abstract void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions);

    private static void Check(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe)
    {
        Guard.Shape(nameof(Embedding), wte, wte.Rows, y.Cols);
        Guard.Shape(nameof(Embedding), wpe, wpe.Rows, y.Cols);
        Guard.Length(nameof(Embedding), tokens, y.Rows);
        Guard.Length(nameof(Embedding), positions, y.Rows);
    }
}
