namespace NativeRlhf.Reference;

/// <summary>The squared Euclidean norm ‖x‖² = Σ x², whose root is the gradient norm that clipping looks at.</summary>
public static class Norm
{
    /// <summary>partials[i] = Σ x² over the elements i·blockLength to (i + 1)·blockLength − 1.</summary>
    /// <param name="partials">partials (⌈length / blockLength⌉) =</param>
    /// <param name="x">x (any shape)</param>
    /// <param name="blockLength">The elements of one partial sum.</param>
    public static void SumOfSquares(double[] partials, double[] x, int blockLength)
    {
        Array.Clear(partials);
        for (int i = 0; i < x.Length; i++) partials[i / blockLength] += x[i] * x[i];
    }
}
