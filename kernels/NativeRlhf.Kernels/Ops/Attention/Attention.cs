using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Causal multi-head self-attention over packed sequences. Row n of head h attends to the rows j ≤ n of its own sequence,
/// and to all rows of the sequence that this continues:
/// s[j] = q[n]·k[j] / √HS; p = softmax(s); y[n] = Σⱼ p[j]·v[j]. The T × T matrix never exists: forward keeps only
/// lse[n, h] = log Σⱼ exp(s[j]), from which backward recomputes p (Dao et al. 2022).
/// A row of qkv holds q, k and v of all heads one after another: 3 × NH × HS = 3·C. qkv, y and their gradients are of one type, float32
/// or bfloat16; scores, softmax and all sums are float32.
/// </summary>
public abstract class Attention
{
    /// <summary>y = softmax(q·kᵀ / √HS)·v within each sequence, causal.</summary>
    /// <param name="y">y (N, C) =</param>
    /// <param name="lse">lse (N, NH) =, kept for backward</param>
    /// <param name="qkv">qkv (N, 3·C)</param>
    /// <param name="layout">The sequences of the N rows.</param>
    /// <param name="heads">NH, a divisor of C</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        Check(y, lse, qkv, layout, heads);
        if (y.Rows > 0) ForwardCore(y, lse, qkv, layout, heads);
        Watch.Output(nameof(Attention), y, of: qkv);
        Watch.Output(nameof(Attention), lse, of: qkv);
    }

    /// <summary>
    /// With dp = dY·vᵀ and D[n] = dY[n]·y[n]: ds = p·(dp − D)/√HS; dQ = ds·k; dK = dsᵀ·q; dV = pᵀ·dY.
    /// </summary>
    /// <param name="dQkv">dQkv (N, 3·C) =</param>
    /// <param name="dY">dY (N, C)</param>
    /// <param name="y">y (N, C), from forward</param>
    /// <param name="lse">lse (N, NH), from forward</param>
    /// <param name="qkv">qkv (N, 3·C), as in forward</param>
    /// <param name="layout">The sequences of the N rows.</param>
    /// <param name="heads">NH, a divisor of C</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        Check(y, lse, qkv, layout, heads);
        Guard.Shape(nameof(Attention), dQkv, qkv.Rows, qkv.Cols);
        Guard.Shape(nameof(Attention), dY, y.Rows, y.Cols);
        Guard.SameType(nameof(Attention), dQkv, qkv);
        Guard.SameType(nameof(Attention), dY, qkv);
        if (y.Rows > 0) BackwardCore(dQkv, dY, y, lse, qkv, layout, heads);
        Watch.Output(nameof(Attention), dQkv, of: qkv);
    }

    private protected abstract void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads);

    private protected abstract void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads);

    private static void Check(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        Guard.Require(nameof(Attention), heads > 0 && y.Cols % heads == 0, $"{heads} heads do not divide width {y.Cols}");
        Guard.Shape(nameof(Attention), y, layout.Rows, y.Cols);
        Guard.Shape(nameof(Attention), qkv, y.Rows, 3 * y.Cols);
        Guard.Shape(nameof(Attention), lse, y.Rows, heads);
        Guard.SameType(nameof(Attention), y, qkv);
        Guard.IsFloat32(nameof(Attention), lse);
    }
}
