namespace NativeRlhf.Reference;

/// <summary>Plain vector operations and the movement of rows.</summary>
public static class Elementwise
{
    /// <summary>y = a·x + b·y; where b is 0, y is not read. With a = b = 1 it is the residual addition.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="a">The factor of x.</param>
    /// <param name="x">x (as many)</param>
    /// <param name="b">The factor of y.</param>
    public static void Combine(double[] y, double a, double[] x, double b)
    {
        for (int i = 0; i < y.Length; i++) y[i] = a * x[i] + (b == 0 ? 0 : b * y[i]);
    }

    /// <summary>y[m] = x[rows[m]].</summary>
    /// <param name="y">y (M, C) =</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="rows">rows (M)</param>
    /// <param name="C">width</param>
    public static void Gather(double[] y, double[] x, int[] rows, int C)
    {
        for (int m = 0; m < rows.Length; m++)
        {
            for (int c = 0; c < C; c++) y[m * C + c] = x[rows[m] * C + c];
        }
    }

    /// <summary>dX[rows[m]] += dY[m]: the gradient of <see cref="Gather"/>.</summary>
    /// <param name="dX">dX (N, C) +=</param>
    /// <param name="dY">dY (M, C)</param>
    /// <param name="rows">rows (M)</param>
    /// <param name="C">width</param>
    public static void ScatterAdd(double[] dX, double[] dY, int[] rows, int C)
    {
        for (int m = 0; m < rows.Length; m++)
        {
            for (int c = 0; c < C; c++) dX[rows[m] * C + c] += dY[m * C + c];
        }
    }
}
