using System.Runtime.CompilerServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>Elementary functions as vector polynomials.</summary>
/// <typeparam name="S">The width.</typeparam>
/// <typeparam name="V">Its vector type.</typeparam>
internal static unsafe class SimdMath<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>
    /// eˣ within 2 ulp. x = n·ln 2 + r with |r| ≤ ln 2 / 2 and ln 2 split in two parts, a polynomial of degree 6 for eʳ
    /// (Cephes' expf), then scaling by 2ⁿ. Below −87.3 the result is held at 1.2e-38, which counts as zero in a sum; above
    /// 88.3 at 2.3e38. NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp(V x)
    {
        x = S.Min(S.Set(88.3f), S.Max(S.Set(-87.33654f), x));
        V n = S.Round(S.Multiply(x, S.Set(1.44269504f)));
        V r = S.FusedMultiplyAdd(n, S.Set(-0.693359375f), x);
        r = S.FusedMultiplyAdd(n, S.Set(2.12194440e-4f), r);
        V p = S.Set(1.9875691500e-4f);
        p = S.FusedMultiplyAdd(p, r, S.Set(1.3981999507e-3f));
        p = S.FusedMultiplyAdd(p, r, S.Set(8.3334519073e-3f));
        p = S.FusedMultiplyAdd(p, r, S.Set(4.1665795894e-2f));
        p = S.FusedMultiplyAdd(p, r, S.Set(1.6666665459e-1f));
        p = S.FusedMultiplyAdd(p, r, S.Set(5.0000001201e-1f));
        p = S.FusedMultiplyAdd(p, S.Multiply(r, r), S.Add(r, S.Set(1f)));
        return S.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>tanh x = 1 − 2 / (e²ˣ + 1): absolute error below 2e-7, which is what GELU needs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh(V x)
    {
        V e = Exp(S.Add(x, x));
        return S.Subtract(S.Set(1f), S.Divide(S.Set(2f), S.Add(e, S.Set(1f))));
    }

    /// <summary>
    /// Φ(x) = ½ erfc(−x/√2), relative error below 4e-7 + 1.5e-7·x²: erfc(z) = t·exp(−z² + P(t)) with t = 1/(1 + z/2) for
    /// z ≥ 0, P the Chebyshev fit of Press et al., "Numerical recipes", section 6.2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V NormalCdf(V x)
    {
        V z = S.Multiply(S.Max(x, S.Subtract(S.Zero, x)), S.Set(0.70710678f));
        V t = S.Divide(S.Set(1f), S.FusedMultiplyAdd(z, S.Set(0.5f), S.Set(1f)));
        V p = S.Set(0.17087277f);
        p = S.FusedMultiplyAdd(p, t, S.Set(-0.82215223f));
        p = S.FusedMultiplyAdd(p, t, S.Set(1.48851587f));
        p = S.FusedMultiplyAdd(p, t, S.Set(-1.13520398f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.27886807f));
        p = S.FusedMultiplyAdd(p, t, S.Set(-0.18628806f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.09678418f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.37409196f));
        p = S.FusedMultiplyAdd(p, t, S.Set(1.00002368f));
        p = S.FusedMultiplyAdd(p, t, S.Set(-1.26551223f));
        V half = S.Multiply(S.Multiply(t, S.Set(0.5f)), Exp(S.Subtract(p, S.Multiply(z, z))));
        return S.SelectGreater(x, S.Zero, S.Subtract(S.Set(1f), half), half);
    }

    /// <summary>The largest of <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum(float* a, int count)
    {
        V max = S.Set(float.NegativeInfinity);
        int i = 0;
        for (; i <= count - S.Width; i += S.Width) max = S.Max(max, S.Load(a + i));
        float result = S.Maximum(max);
        for (; i < count; i++) result = MathF.Max(result, a[i]);
        return result;
    }

    /// <summary>dot(a, b) over <paramref name="count"/> elements; four partial sums, added in a fixed order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(float* a, float* b, int count)
    {
        V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
        int i = 0;
        for (; i <= count - (4 * S.Width); i += 4 * S.Width)
        {
            s0 = S.FusedMultiplyAdd(S.Load(a + i), S.Load(b + i), s0);
            s1 = S.FusedMultiplyAdd(S.Load(a + i + S.Width), S.Load(b + i + S.Width), s1);
            s2 = S.FusedMultiplyAdd(S.Load(a + i + (2 * S.Width)), S.Load(b + i + (2 * S.Width)), s2);
            s3 = S.FusedMultiplyAdd(S.Load(a + i + (3 * S.Width)), S.Load(b + i + (3 * S.Width)), s3);
        }

        for (; i <= count - S.Width; i += S.Width) s0 = S.FusedMultiplyAdd(S.Load(a + i), S.Load(b + i), s0);
        float sum = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
        for (; i < count; i++) sum = MathF.FusedMultiplyAdd(a[i], b[i], sum);
        return sum;
    }

    /// <summary>y += scale · x over <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(float* y, float* x, float scale, int count)
    {
        V s = S.Set(scale);
        int i = 0;
        for (; i <= count - S.Width; i += S.Width) S.Store(y + i, S.FusedMultiplyAdd(S.Load(x + i), s, S.Load(y + i)));
        for (; i < count; i++) y[i] = MathF.FusedMultiplyAdd(x[i], scale, y[i]);
    }
}
