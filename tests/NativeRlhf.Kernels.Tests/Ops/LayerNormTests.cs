using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class LayerNormTests(string device, string variant) : OpTests(device, variant)
{
    private const float Epsilon = 1e-5f;

    private (int N, int C)[] Shapes =>
        Pick([(1, 1), (3, 2), (21, 33), (5, 15), (33, 16), (7, 17), (67, 129), (130, 768), (300, 36)], new[] { (1, 1), (21, 33), (3, 129), (70, 20) });

    [Test]
    public void Forward()
    {
        foreach (var (N, C) in Shapes)
        {
            double[] x = TestData.Normal(1, N * C, 2, 3), weight = TestData.Normal(2, C, 0.3, 1), bias = TestData.Normal(3, C);
            double[] expected = new double[N * C], expectedMean = new double[N], expectedRstd = new double[N];
            Reference.LayerNorm.Forward(expected, expectedMean, expectedRstd, x, weight, bias, Epsilon, N, C);

            Tensor y = Bench.Overwritten(N, C), mean = Bench.Overwritten(N), rstd = Bench.Overwritten(N);
            Kernels.LayerNorm.Forward(y, mean, rstd, Bench.Upload(x, N, C), Bench.Upload(weight), Bench.Upload(bias), Epsilon);
            AssertClose(y, expected, C, $"y, ({N}, {C})");
            AssertClose(mean, expectedMean, C, $"mean, ({N}, {C})");
            AssertClose(rstd, expectedRstd, C, $"rstd, ({N}, {C})");
        }
    }

    [Test]
    public void Forward_of_rows_without_variance_is_the_bias()
    {
        const int N = 4, C = 19;
        double[] bias = TestData.Normal(1, C);
        Tensor y = Bench.Overwritten(N, C), mean = Bench.Overwritten(N), rstd = Bench.Overwritten(N);
        Kernels.LayerNorm.Forward(y, mean, rstd, Bench.Upload(TestData.Filled(N * C, 3), N, C), Bench.Upload(TestData.Filled(C, 1)), Bench.Upload(bias), Epsilon);
        AssertClose(y, [.. Enumerable.Repeat(bias, N).SelectMany(b => b)], 1, "y");
        AssertClose(rstd, TestData.Filled(N, 1 / Math.Sqrt(Epsilon)), 1, "rstd");
    }

    [Test]
    public void Forward_does_not_cancel_where_the_mean_is_large()
    {
        // Var(x) as E[x²] − E[x]² would have no correct digit here.
        const int N = 3, C = 64;
        double[] x = TestData.Normal(1, N * C, 1, 4000), ones = TestData.Filled(C, 1), expected = new double[N * C];
        Reference.LayerNorm.Forward(expected, new double[N], new double[N], x, ones, new double[C], Epsilon, N, C);

        Tensor y = Bench.Overwritten(N, C), mean = Bench.Overwritten(N), rstd = Bench.Overwritten(N);
        Kernels.LayerNorm.Forward(y, mean, rstd, Bench.Upload(x, N, C), Bench.Upload(ones), Bench.Upload(new double[C]), Epsilon);

        // The mean itself has an error of half a unit in the last place of 4000, 1.2e-4, which is 1e-6 of about 120².
        AssertClose(y, expected, 120 * 120 * 4, "y");
    }

    [Test]
    public void Backward()
    {
        foreach (var (N, C) in Shapes)
        {
            double[] x = TestData.Normal(1, N * C, 2, 3), weight = TestData.Normal(2, C, 0.3, 1), dY = TestData.Normal(3, N * C);
            double[] y = new double[N * C], mean = new double[N], rstd = new double[N];
            Reference.LayerNorm.Forward(y, mean, rstd, x, weight, new double[C], Epsilon, N, C);
            double[] expectedX = TestData.Filled(N * C, 1), expectedWeight = TestData.Filled(C, 1), expectedBias = TestData.Filled(C, 1);
            Reference.LayerNorm.Backward(expectedX, expectedWeight, expectedBias, dY, x, mean, rstd, weight, N, C);

            Tensor dX = Bench.Accumulated(N, C), dWeight = Bench.Accumulated(C), dBias = Bench.Accumulated(C);
            Kernels.LayerNorm.Backward(
                dX, dWeight, dBias, Bench.Upload(dY, N, C), Bench.Upload(x, N, C), Bench.Upload(mean), Bench.Upload(rstd), Bench.Upload(weight));
            AssertClose(dX, expectedX, C, $"dX, ({N}, {C})");
            AssertClose(dWeight, expectedWeight, N, $"dWeight, ({N}, {C})");
            AssertClose(dBias, expectedBias, N, $"dBias, ({N}, {C})");
        }
    }

    [Test]
    public void Backward_without_gradients_of_weight_and_bias_gives_the_same_dX()
    {
        const int N = 21, C = 33;
        Tensor x = Bench.Upload(TestData.Normal(1, N * C, 2, 3), N, C), weight = Bench.Upload(TestData.Normal(2, C)), dY = Bench.Upload(TestData.Normal(3, N * C), N, C);
        Tensor y = Bench.Overwritten(N, C), mean = Bench.Overwritten(N), rstd = Bench.Overwritten(N);
        Kernels.LayerNorm.Forward(y, mean, rstd, x, weight, Bench.Upload(new double[C]), Epsilon);
        Tensor whole = Bench.Accumulated(N, C), alone = Bench.Accumulated(N, C), dWeight = Bench.Accumulated(C), dBias = Bench.Accumulated(C);
        Kernels.LayerNorm.Backward(whole, dWeight, dBias, dY, x, mean, rstd, weight);
        Kernels.LayerNorm.Backward(alone, Tensor.None, Tensor.None, dY, x, mean, rstd, weight);
        Assert.That(Bench.Read(alone), Is.EqualTo(Bench.Read(whole)));
        Assert.That(() => Kernels.LayerNorm.Backward(alone, dWeight, Tensor.None, dY, x, mean, rstd, weight), Throws.ArgumentException.With.Message.Contains("both or none"));
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, C) = bench.IsSimulated ? (21, 33) : (150, 300);
        Tensor x = bench.Upload(TestData.Normal(1, N * C), N, C), dY = bench.Upload(TestData.Normal(2, N * C), N, C);
        Tensor weight = bench.Upload(TestData.Normal(3, C)), bias = bench.Upload(TestData.Normal(4, C));
        Tensor y = bench.Overwritten(N, C), mean = bench.Overwritten(N), rstd = bench.Overwritten(N);
        Tensor dX = bench.Accumulated(N, C), dWeight = bench.Accumulated(C), dBias = bench.Accumulated(C);
        bench.Kernels.LayerNorm.Forward(y, mean, rstd, x, weight, bias, Epsilon);
        bench.Kernels.LayerNorm.Backward(dX, dWeight, dBias, dY, x, mean, rstd, weight);
        return [y, mean, rstd, dX, dWeight, dBias];
    }
}
