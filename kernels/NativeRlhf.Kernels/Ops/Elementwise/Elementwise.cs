using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Plain vector operations over flat memory, and the movement of rows. Operands of float32 and of bfloat16 meet freely in
/// <see cref="Combine"/>; <see cref="Gather"/> takes rows of float32 and may round them.
/// </summary>
public abstract class Elementwise
{
    /// <summary>y = a·x + b·y for every element; the content of y is not read where b is 0.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="a">The factor of x.</param>
    /// <param name="x">x (as many elements as y); may be y itself</param>
    /// <param name="b">The factor of y.</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public void Combine(Tensor y, float a, Tensor x, float b)
    {
        Guard.Require(nameof(Combine), y.Length == x.Length, $"y is {y} and x is {x}");
        if (y.Length > 0) CombineCore(y, a, x, b);
        Watch.Output(nameof(Elementwise), y);
    }

    /// <summary>y = x.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="x">x (as many elements as y)</param>
    public void Copy(Tensor y, Tensor x) => Combine(y, 1, x, 0);

    /// <summary>y += x: the residual addition.</summary>
    /// <param name="y">y (any shape) +=</param>
    /// <param name="x">x (as many elements as y)</param>
    public void Add(Tensor y, Tensor x) => Combine(y, 1, x, 1);

    /// <summary>y = value for every element.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="value">The value.</param>
    public void Fill(Tensor y, float value)
    {
        if (y.Length > 0) FillCore(y, value);
        Watch.Output(nameof(Elementwise), y);
    }

    /// <summary>y[m] = x[rows[m]].</summary>
    /// <param name="y">y (M, C) =</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="rows">rows (M), each in [0, N)</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Gather(Tensor y, Tensor x, ArrayView<int> rows)
    {
        Guard.Shape(nameof(Gather), x, x.Rows, y.Cols);
        Guard.Length(nameof(Gather), rows, y.Rows);
        if (y.Rows > 0) GatherCore(y, x, rows);
        Watch.Output(nameof(Elementwise), y);
    }

    /// <summary>dX[rows[m]] += dY[m]: the gradient of <see cref="Gather"/> for rows that are all different.</summary>
    /// <param name="dX">dX (N, C) +=</param>
    /// <param name="dY">dY (M, C)</param>
    /// <param name="rows">rows (M), each in [0, N), no two the same</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void ScatterAdd(Tensor dX, Tensor dY, ArrayView<int> rows)
    {
        Guard.Shape(nameof(ScatterAdd), dX, dX.Rows, dY.Cols);
        Guard.Length(nameof(ScatterAdd), rows, dY.Rows);
        if (dY.Rows > 0) ScatterAddCore(dX, dY, rows);
        Watch.Output(nameof(Elementwise), dX);
    }

    private protected abstract void CombineCore(Tensor y, float a, Tensor x, float b);

    private protected abstract void FillCore(Tensor y, float value);

    private protected abstract void GatherCore(Tensor y, Tensor x, ArrayView<int> rows);

    private protected abstract void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows);
}
