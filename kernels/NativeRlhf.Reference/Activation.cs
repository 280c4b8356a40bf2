namespace NativeRlhf.Reference;

/// <summary>
/// The non-linearities of the feed-forward layers and their derivatives. GELU (Hendrycks and Gimpel 2016) weights x by the
/// probability Φ(x) that a standard normal number lies below it; GPT-2 uses an approximation with tanh.
/// </summary>
public static class Activation
{
    /// <summary>½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³); <c>gelu_new</c>.</summary>
    /// <param name="x">x</param>
    /// <returns>f(x)</returns>
    public static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(TanhArgument(x)));

    /// <summary>½(1 + tanh u) + ½x(1 − tanh² u)·u′ with u′ = √(2/π)(1 + 3·0.044715x²).</summary>
    /// <param name="x">x</param>
    /// <returns>f′(x)</returns>
    public static double GeluTanhDerivative(double x)
    {
        double tanh = Math.Tanh(TanhArgument(x));
        return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * Math.Sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
    }

    /// <summary>x·Φ(x) = ½x(1 + erf(x/√2)); <c>gelu</c>.</summary>
    /// <param name="x">x</param>
    /// <returns>f(x)</returns>
    public static double GeluExact(double x) => x * NormalCdf(x);

    /// <summary>Φ(x) + x·φ(x), with the normal density φ(x) = exp(−x²/2)/√(2π).</summary>
    /// <param name="x">x</param>
    /// <returns>f′(x)</returns>
    public static double GeluExactDerivative(double x) => NormalCdf(x) + x * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);

    /// <summary>max(0, x); <c>relu</c>.</summary>
    /// <param name="x">x</param>
    /// <returns>f(x)</returns>
    public static double Relu(double x) => Math.Max(0, x);

    /// <summary>1 where x is positive, else 0.</summary>
    /// <param name="x">x</param>
    /// <returns>f′(x)</returns>
    public static double ReluDerivative(double x) => x > 0 ? 1 : 0;

    /// <summary>y = f(x) for every element.</summary>
    /// <param name="y">y (any shape) =</param>
    /// <param name="x">x (as many)</param>
    /// <param name="f">One of the functions above.</param>
    public static void Forward(double[] y, double[] x, Func<double, double> f)
    {
        for (int i = 0; i < x.Length; i++) y[i] = f(x[i]);
    }

    /// <summary>dX = dY·f′(x) for every element.</summary>
    /// <param name="dX">dX (any shape) =</param>
    /// <param name="dY">dY (as many)</param>
    /// <param name="x">x (as many)</param>
    /// <param name="derivative">One of the derivatives above.</param>
    public static void Backward(double[] dX, double[] dY, double[] x, Func<double, double> derivative)
    {
        for (int i = 0; i < x.Length; i++) dX[i] = dY[i] * derivative(x[i]);
    }

    private static double TanhArgument(double x) => Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);

    /// <summary>
    /// Φ(x) to nearly full precision. Inside ±4 the series ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + x⁷/(3·5·7) + …), whose terms
    /// have one sign; outside the continued fraction 1 − Φ(x) = φ(x)/(x + 1/(x + 2/(x + 3/(x + …)))).
    /// </summary>
    private static double NormalCdf(double x)
    {
        double density = Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);
        if (Math.Abs(x) > 4)
        {
            double fraction = 0;
            for (int k = 100; k >= 1; k--) fraction = k / (Math.Abs(x) + fraction);
            double tail = density / (Math.Abs(x) + fraction);
            return x > 0 ? 1 - tail : tail;
        }

        double sum = 0, term = x;
        for (int k = 1; sum + term != sum; k++)
        {
            sum += term;
            term *= x * x / (2 * k + 1);
        }

        return 0.5 + density * sum;
    }
}
