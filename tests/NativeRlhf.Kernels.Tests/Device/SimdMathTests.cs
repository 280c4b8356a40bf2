using System.Runtime.Intrinsics;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>The vector polynomials of every width; widths that the machine lacks run as the runtime's emulation.</summary>
[TestFixture(typeof(Simd512), typeof(Vector512<float>))]
[TestFixture(typeof(Simd256), typeof(Vector256<float>))]
[TestFixture(typeof(Simd128), typeof(Vector128<float>))]
[TestFixture(typeof(Scalar), typeof(float))]
internal sealed unsafe class SimdMathTests<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    [Test]
    public void Exp_is_within_2_ulp()
    {
        float[] x = Inputs(1_000_000, -87.3f, 88.3f);
        float[] actual = Apply(x, &SimdMath<S, V>.Exp);
        double worst = 0;
        int at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double error = Ulps(actual[i], Math.Exp(x[i]));
            if (error <= worst) continue;
            (worst, at) = (error, i);
        }

        Assert.That(worst, Is.LessThanOrEqualTo(2), $"ulp at {x[at]:r}");
    }

    [Test]
    public void Sums_of_four_vectors_are_those_of_each([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        float[] x = [.. Enumerable.Range(0, 4 * S.Width).Select(_ => random.NextSingle() - 0.5f)], sums = new float[4];
        fixed (float* px = x, to = sums)
        {
            S.StoreSums(to, S.Load(px), S.Load(px + S.Width), S.Load(px + (2 * S.Width)), S.Load(px + (3 * S.Width)));
            for (int i = 0; i < 4; i++) Assert.That(sums[i], Is.EqualTo(S.Sum(S.Load(px + (i * S.Width)))), "bit by bit");
        }
    }

    [Test]
    public void Four_rows_at_once_are_the_four_dot_products_and_the_four_additions([Values(0, 1, 5, 16, 31, 32, 64, 77)] int count, [Values(1, 3)] int step)
    {
        var random = new Random(count);
        int stride = count + 3;
        float[] a = [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)], b = [.. Enumerable.Range(0, 4 * stride).Select(_ => random.NextSingle() - 0.5f)];
        float[] dots = new float[4], y = [.. a, 7], scales = new float[1 + (3 * step)];
        for (int j = 0; j < 4; j++) scales[j * step] = 0.5f - (1.25f * j);
        fixed (float* pa = a, pb = b, pd = dots, py = y, ps = scales)
        {
            SimdMath<S, V>.DotFour(pd, pa, pb, stride, count);
            SimdMath<S, V>.AddFour(py, pb, stride, ps, step, count);
        }

        for (int j = 0; j < 4; j++) Assert.That(dots[j], Is.EqualTo(Enumerable.Range(0, count).Sum(i => (double)a[i] * b[(j * stride) + i])).Within(1e-5));
        for (int i = 0; i < count; i++) Assert.That(y[i], Is.EqualTo(a[i] + Enumerable.Range(0, 4).Sum(j => (double)scales[j * step] * b[(j * stride) + i])).Within(1e-5));
        Assert.That(y[count], Is.EqualTo(7f), "nothing beyond");
    }

    [Test]
    public void Exp_at_the_edges()
    {
        float[] x = [0, -0f, float.Epsilon, -float.Epsilon, 1e-20f, -1000, float.MinValue, float.NegativeInfinity, 1000, float.MaxValue, float.PositiveInfinity];
        float[] actual = Apply(x, &SimdMath<S, V>.Exp);
        Assert.That(actual[..5], Is.All.EqualTo(1f));
        Assert.That(actual[5..8], Is.All.InRange(0f, 1.3e-38f));
        Assert.That(actual[8..], Is.All.InRange(2e38f, float.MaxValue));
    }

    [Test]
    public void Exp_of_a_number_does_not_depend_on_its_place_in_the_vector()
    {
        // Otherwise equal logits would have different probabilities.
        foreach (float value in Inputs(50, -20, 20))
            Assert.That(Apply([.. Enumerable.Repeat(value, 37)], &SimdMath<S, V>.Exp).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void Exp2_is_within_2_ulp()
    {
        float[] x = [.. Inputs(200_000, -126, 126), -126, 126];
        float[] actual = Apply(x, &SimdMath<S, V>.Exp2);
        Assert.That(Enumerable.Range(0, x.Length).Max(i => Ulps(actual[i], Math.Pow(2, x[i]))), Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void Exp_of_nan_is_nan() => Assert.That(Apply([float.NaN, 1], &SimdMath<S, V>.Exp)[0], Is.NaN);

    [Test]
    public void NormalCdf_has_the_stated_relative_error()
    {
        float[] x = Inputs(200_000, -13, 13), actual = Apply(x, &NormalCdf);
        for (int i = 0; i < x.Length; i++)
        {
            if (x[i] == 0) continue;
            double exact = Reference.Activation.GeluExact(x[i]) / x[i], limit = (6e-7 + (1e-7 * x[i] * x[i])) * exact;
            if (Math.Abs(actual[i] - exact) > limit) Assert.Fail($"Φ({x[i]:r}) is {actual[i]:r}, exactly {exact:r}");
        }
    }

    [Test]
    public void Dot_maximum_and_scaled_addition_of_every_length()
    {
        for (int count = 1; count < 150; count++)
        {
            float[] a = Inputs(count, -3, 3), b = [.. Inputs(count, -3, 3).Reverse()], y = [.. b];
            fixed (float* pa = a, pb = b, py = y)
            {
                double dot = 0, size = 0;
                for (int i = 0; i < count; i++)
                {
                    dot += (double)a[i] * b[i];
                    size += Math.Abs((double)a[i] * b[i]);
                }

                Assert.That(SimdMath<S, V>.Dot(pa, pb, count), Is.EqualTo(dot).Within(1e-6 * size));
                Assert.That(SimdMath<S, V>.Maximum(pa, count), Is.EqualTo(a.Max()));
                SimdMath<S, V>.AddScaled(py, pa, 0.5f, count);
                Assert.That(y, Is.EqualTo(a.Zip(b, (u, v) => MathF.FusedMultiplyAdd(u, 0.5f, v))));
            }
        }
    }

    /// <summary>Uniformly distributed numbers, whole ones among them.</summary>
    private static float[] Inputs(int count, float from, float to)
    {
        var random = new Random(count);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = from + (random.NextSingle() * (to - from));
            if (i % 100 == 99) values[i] = MathF.Round(values[i]);
        }

        return values;
    }

    private static V NormalCdf(V x) => SimdMath<S, V>.NormalCdf(x, out _);

    private static float[] Apply(float[] x, delegate*<V, V> f)
    {
        int width = S.Width;
        var padded = new float[(x.Length + width - 1) / width * width];
        x.CopyTo(padded, 0);
        fixed (float* p = padded)
        {
            for (int i = 0; i < padded.Length; i += width) S.Store(p + i, f(S.Load(p + i)));
        }

        return padded[..x.Length];
    }

    /// <summary>The distance between the float32 numbers around x.</summary>
    /// <summary>How many units of the last place lie between; infinitely many if there is no number.</summary>
    private static double Ulps(float actual, double exact) => float.IsNaN(actual) ? double.PositiveInfinity : Math.Abs(actual - exact) / Ulp(exact);

    private static double Ulp(double x) => Math.Pow(2, Math.Max(Math.Floor(Math.Log2(x)), -126) - 23);
}
