using System.Runtime.CompilerServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>Elementary functions as vector polynomials.</summary>
/// <typeparam name="S">The width.</typeparam>
/// <typeparam name="V">Its vector type.</typeparam>
internal static unsafe class SimdMath<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Below it <see cref="Exp"/> is constant, 1.2e-38.</summary>
    public const float LeastExponent = -87.33654f;

    // 1.5·2²³: a number below 2²² that is added to it is rounded to an integer, which stands in the low bits of the sum.
    private const float Rounder = 12582912f;

    /// <summary>
    /// eˣ within 2 ulp, as 2ⁿ·2ᶠ with n + f = x·log₂ e in two parts and |f| ≤ ½. Below −87.3 the result is held at 1.2e-38,
    /// which counts as zero in a sum; above 88.3 at 2.2e38.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp(V x)
    {
        x = S.Min(S.Set(88.3f), S.Max(S.Set(LeastExponent), x));
        V shifted = S.FusedMultiplyAdd(x, S.Set(1.44269504f), S.Set(Rounder));
        V f = S.FusedMultiplyAdd(x, S.Set(1.44269504f), S.Subtract(S.Set(Rounder), shifted));
        return PowerOfTwo(S.FusedMultiplyAdd(x, S.Set(1.92596303e-8f), f), shifted);
    }

    /// <summary>2ᵗ within 2 ulp for |t| ≤ 126.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp2(V t)
    {
        V shifted = S.Add(t, S.Set(Rounder));
        return PowerOfTwo(S.Add(t, S.Subtract(S.Set(Rounder), shifted)), shifted);
    }

    /// <summary>
    /// Φ(x) for |x| ≤ 13, relative error below 6e-7 + 1e-7·x², and φ(x) = exp(−x²/2)/√(2π), which it is made of:
    /// 1 − Φ(z) = φ(z)·t·P(t) with t = 1/(1 + 0.3z) for z ≥ 0, where P is the polynomial of least relative error (1.5e-7) on [0, 14].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V NormalCdf(V x, out V density)
    {
        V z = S.Max(x, S.Subtract(S.Zero, x));
        V t = S.Divide(S.Set(1f), S.FusedMultiplyAdd(z, S.Set(0.3f), S.Set(1f)));
        V p = S.Set(0.0894233911f);
        p = S.FusedMultiplyAdd(p, t, S.Set(-0.394049667f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.517251492f));
        p = S.FusedMultiplyAdd(p, t, S.Set(-0.134564905f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.322256191f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.250445989f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.30268528f));
        p = S.FusedMultiplyAdd(p, t, S.Set(0.299866183f));
        density = S.Multiply(Exp2(S.Multiply(S.Multiply(x, x), S.Set(-0.72134752f))), S.Set(0.39894228f));
        V tail = S.Multiply(S.Multiply(p, t), density);
        return S.SelectGreater(x, S.Zero, S.Subtract(S.Set(1f), tail), tail);
    }

    /// <summary>The largest of <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum(float* a, int count)
    {
        V m0 = S.Set(float.NegativeInfinity), m1 = m0, m2 = m0, m3 = m0;
        int i = 0;
        for (; i <= count - (4 * S.Width); i += 4 * S.Width)
        {
            m0 = S.Max(m0, S.Load(a + i));
            m1 = S.Max(m1, S.Load(a + i + S.Width));
            m2 = S.Max(m2, S.Load(a + i + (2 * S.Width)));
            m3 = S.Max(m3, S.Load(a + i + (3 * S.Width)));
        }

        for (; i <= count - S.Width; i += S.Width) m0 = S.Max(m0, S.Load(a + i));
        float result = S.Maximum(S.Max(S.Max(m0, m1), S.Max(m2, m3)));
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

    /// <summary>dots[j] = dot(a, b[j]) of four rows <paramref name="stride"/> apart, over <paramref name="count"/> elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotFour(float* dots, float* a, float* b, nint stride, int count)
    {
        V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
        int i = 0;
        for (; i <= count - S.Width; i += S.Width)
        {
            V x = S.Load(a + i);
            s0 = S.FusedMultiplyAdd(x, S.Load(b + i), s0);
            s1 = S.FusedMultiplyAdd(x, S.Load(b + i + stride), s1);
            s2 = S.FusedMultiplyAdd(x, S.Load(b + i + (2 * stride)), s2);
            s3 = S.FusedMultiplyAdd(x, S.Load(b + i + (3 * stride)), s3);
        }

        S.StoreSums(dots, s0, s1, s2, s3);
        for (; i < count; i++)
            for (int j = 0; j < 4; j++) dots[j] = MathF.FusedMultiplyAdd(a[i], b[i + (j * stride)], dots[j]);
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

    /// <summary>
    /// y += Σⱼ scales[j] · x[j] of four rows <paramref name="stride"/> apart, whose scales are <paramref name="step"/> apart: y is read and written once
    /// for four of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddFour(float* y, float* x, nint stride, float* scales, nint step, int count)
    {
        float f0 = scales[0], f1 = scales[step], f2 = scales[2 * step], f3 = scales[3 * step];
        V s0 = S.Set(f0), s1 = S.Set(f1), s2 = S.Set(f2), s3 = S.Set(f3);
        int i = 0;
        for (; i <= count - S.Width; i += S.Width)
        {
            // Two sums, so that each waits for half of the others.
            V even = S.FusedMultiplyAdd(s0, S.Load(x + i), S.Load(y + i)), odd = S.Multiply(s1, S.Load(x + i + stride));
            even = S.FusedMultiplyAdd(s2, S.Load(x + i + (2 * stride)), even);
            odd = S.FusedMultiplyAdd(s3, S.Load(x + i + (3 * stride)), odd);
            S.Store(y + i, S.Add(even, odd));
        }

        for (; i < count; i++) y[i] += (f0 * x[i]) + (f1 * x[i + stride]) + (f2 * x[i + (2 * stride)]) + (f3 * x[i + (3 * stride)]);
    }

    /// <summary>2ⁿ·2ᶠ for |f| ≤ ½: the polynomial of degree 6 of least relative error, 2e-9, that is 1 at 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo(V f, V shifted)
    {
        V p = S.Set(1.5353362e-4f);
        p = S.FusedMultiplyAdd(p, f, S.Set(1.33988744e-3f));
        p = S.FusedMultiplyAdd(p, f, S.Set(9.61843736e-3f));
        p = S.FusedMultiplyAdd(p, f, S.Set(5.55033247e-2f));
        p = S.FusedMultiplyAdd(p, f, S.Set(0.240226479f));
        p = S.FusedMultiplyAdd(p, f, S.Set(0.693147203f));
        p = S.FusedMultiplyAdd(p, f, S.Set(1f));
        return S.ScaleByPowerOfTwo(p, shifted);
    }
}
