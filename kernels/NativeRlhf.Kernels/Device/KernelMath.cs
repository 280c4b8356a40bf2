namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Elementary functions for kernels, built from what is accurate on every accelerator: on CUDA the built-in tanh is 1e-3
/// off, and there is no error function.
/// </summary>
internal static class KernelMath
{
    private const float SqrtTwoOverPi = 0.7978845608f, Cubic = 0.044715f;
    private const float SqrtHalf = 0.7071067812f, OneOverSqrtTwoPi = 0.3989422804f;

    /// <summary>tanh x = 1 − 2 / (e²ˣ + 1): absolute error below 2e-7. Where e²ˣ overflows, the quotient is 0.</summary>
    public static float Tanh(float x) => 1 - (2 / (MathF.Exp(x + x) + 1));

    /// <summary>
    /// erf x, absolute error below 2e-7. Chebyshev interpolation of erf(x)/x in x² on [0, 1] and of log erfc on [1, 4];
    /// beyond 4, erf is 1 in float.
    /// </summary>
    public static float Erf(float x)
    {
        float a = MathF.Abs(x);
        if (a > 4) a = 4;
        if (a <= 1)
        {
            float t = a * a;
            float p = -0.00056480599f;
            p = (p * t) + 0.00492176181f;
            p = (p * t) - 0.02671505511f;
            p = (p * t) + 0.11280316859f;
            p = (p * t) - 0.37612342834f;
            p = (p * t) + 1.12837910652f;
            return x * p;
        }

        float logErfc = -1.32723617e-5f;
        logErfc = (logErfc * a) + 3.16937017e-4f;
        logErfc = (logErfc * a) - 0.00343235140f;
        logErfc = (logErfc * a) + 0.02260477282f;
        logErfc = (logErfc * a) - 0.10328111798f;
        logErfc = (logErfc * a) - 0.63914126158f;
        logErfc = (logErfc * a) - 1.12589359283f;
        logErfc = (logErfc * a) - 7.65897799e-4f;
        float erf = 1 - MathF.Exp(logErfc);
        return x < 0 ? -erf : erf;
    }

    /// <summary>log(1 + eˣ), for large x without overflow and for small eˣ without losing it against 1.</summary>
    public static float Softplus(float x)
    {
        float e = MathF.Exp(-MathF.Abs(x));
        float log = e < 0.01f ? e * (1 - (e * (0.5f - (e * 0.33333333f)))) : MathF.Log(1 + e);
        return MathF.Max(x, 0) + log;
    }

    /// <summary>σ(x) = 1 / (1 + e⁻ˣ).</summary>
    public static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));

    /// <summary>½x(1 + tanh(√(2/π)(x + 0.044715x³))).</summary>
    public static float GeluTanh(float x) => 0.5f * x * (1 + Tanh(SqrtTwoOverPi * (x + (Cubic * x * x * x))));

    /// <summary>The derivative of <see cref="GeluTanh"/>: 0 below −10 and 1 above 10, where x³ might overflow.</summary>
    public static float GeluTanhDerivative(float x)
    {
        if (x > 10) x = 10;
        if (x < -10) x = -10;
        float t = Tanh(SqrtTwoOverPi * (x + (Cubic * x * x * x)));
        return (0.5f * (1 + t)) + (0.5f * x * (1 - (t * t)) * SqrtTwoOverPi * (1 + (3 * Cubic * x * x)));
    }

    /// <summary>½x(1 + erf(x/√2)).</summary>
    public static float GeluExact(float x) => 0.5f * x * (1 + Erf(x * SqrtHalf));

    /// <summary>The derivative of <see cref="GeluExact"/>: Φ(x) + x·φ(x).</summary>
    public static float GeluExactDerivative(float x) =>
        (0.5f * (1 + Erf(x * SqrtHalf))) + (x * OneOverSqrtTwoPi * MathF.Exp(-0.5f * x * x));
}
