using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class ActivationTests(string device, string variant) : OpTests(device, variant)
{
    private (int N, int C)[] Shapes => Pick([(1, 1), (21, 33), (3, 5), (130, 129), (4, 4096)], new[] { (1, 1), (21, 33) });

    [Test]
    public void Forward([Values] ActivationKind kind)
    {
        foreach (var (N, C) in Shapes)
        {
            double[] x = TestData.Normal(1, N * C, 2), expected = new double[N * C];
            Reference.Activation.Forward(expected, x, Function(kind));
            var y = Bench.Overwritten(N, C);
            Kernels.Activation.Forward(y, Bench.Upload(x, N, C), kind);
            AssertClose(y, expected, 1, $"({N}, {C})");
        }
    }

    [Test]
    public void Backward([Values] ActivationKind kind, [Values] bool inPlace)
    {
        foreach (var (N, C) in Shapes)
        {
            double[] x = TestData.Normal(1, N * C, 2), dY = TestData.Normal(2, N * C), expected = new double[N * C];
            Reference.Activation.Backward(expected, dY, x, Derivative(kind));
            var gradient = Bench.Upload(dY, N, C);
            var dX = inPlace ? gradient : Bench.Overwritten(N, C);
            Kernels.Activation.Backward(dX, gradient, Bench.Upload(x, N, C), kind);
            AssertClose(dX, expected, 1, $"({N}, {C})");
        }
    }

    [Test]
    public void Far_from_zero_the_functions_are_zero_or_the_identity([Values] ActivationKind kind)
    {
        double[] x = [float.MinValue, -1e30f, -1e6, -1000, -50, -20, -0.0, 0, 20, 50, 1000, 1e6, 1e30f, float.MaxValue];
        int count = x.Length;
        double[] slope = new double[count], expected = new double[count];
        for (int i = 0; i < count; i++)
        {
            expected[i] = Math.Max(x[i], 0);
            slope[i] = x[i] == 0 ? kind == ActivationKind.Relu ? 0 : 0.5 : x[i] > 0 ? 1 : 0;
        }

        Tensor input = Bench.Upload(x), y = Bench.Overwritten(count), dX = Bench.Overwritten(count);
        Kernels.Activation.Forward(y, input, kind);
        Kernels.Activation.Backward(dX, Bench.Upload(TestData.Filled(count, 1)), input, kind);
        double[] values = Bench.Read(y), slopes = Bench.Read(dX);
        for (int i = 0; i < count; i++)
        {
            Assert.That(values[i], Is.EqualTo(expected[i]).Within(1e-6 * Math.Max(1, expected[i])), $"f({x[i]})");
            Assert.That(slopes[i], Is.EqualTo(slope[i]).Within(1e-6), $"f′({x[i]})");
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, C) = bench.IsSimulated ? (21, 33) : (150, 200);
        Tensor x = bench.Upload(TestData.Normal(1, N * C), N, C), dY = bench.Upload(TestData.Normal(2, N * C), N, C);
        List<Tensor> outputs = [];
        foreach (var kind in Enum.GetValues<ActivationKind>())
        {
            Tensor y = bench.Overwritten(N, C), dX = bench.Overwritten(N, C);
            bench.Kernels.Activation.Forward(y, x, kind);
            bench.Kernels.Activation.Backward(dX, dY, x, kind);
            outputs.AddRange([y, dX]);
        }

        return [.. outputs];
    }

    internal static Func<double, double> Function(ActivationKind kind) => kind switch
    {
        ActivationKind.GeluTanh => Reference.Activation.GeluTanh,
        ActivationKind.GeluExact => Reference.Activation.GeluExact,
        _ => Reference.Activation.Relu,
    };

    private static Func<double, double> Derivative(ActivationKind kind) => kind switch
    {
        ActivationKind.GeluTanh => Reference.Activation.GeluTanhDerivative,
        ActivationKind.GeluExact => Reference.Activation.GeluExactDerivative,
        _ => Reference.Activation.ReluDerivative,
    };
}
