using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class DropoutTests(string device, string variant) : OpTests(device, variant)
{
    private static readonly DropoutKey Key = new(Seed: 0x0123456789ABCDEF, Stream: 5, Step: 17, FirstRow: 12, Probability: 0.1f);

    private (int N, int C)[] Shapes => Pick([(1, 1), (3, 2), (21, 33), (130, 129)], new[] { (1, 1), (21, 33) });

    [Test]
    public void Forward_draws_the_oracles_mask([Values] bool hasResidual, [Values] bool inPlace)
    {
        foreach (var (N, C) in Shapes)
        {
            double[] x = TestData.Normal(1, N * C), expected = new double[N * C];
            double[]? residual = hasResidual ? TestData.Normal(2, N * C) : null;
            Reference.Dropout.Forward(expected, x, residual, Key.Seed, Key.Stream, Key.Step, Key.FirstRow, Key.Probability, N, C);

            var added = residual is null ? Tensor.None : Bench.Upload(residual, N, C);
            var input = Bench.Upload(x, N, C);
            var y = !inPlace ? Bench.Overwritten(N, C) : hasResidual ? added : input;
            Kernels.Dropout.Forward(y, input, Key, added);
            AssertClose(y, expected, 1, $"({N}, {C})");
            if (!hasResidual) Assert.That(Bench.Read(y).Select(v => v == 0), Is.EqualTo(expected.Select(v => v == 0)));
        }
    }

    [Test]
    public void Backward_draws_the_mask_again([Values(0, 0.1f, 0.5f, 0.99f)] float probability, [Values] bool inPlace)
    {
        const int N = 21, C = 33;
        var key = Key with { Probability = probability };
        double[] dY = TestData.Normal(1, N * C), expected = new double[N * C];
        Reference.Dropout.Backward(expected, dY, key.Seed, key.Stream, key.Step, key.FirstRow, key.Probability, N, C);
        var gradient = Bench.Upload(dY, N, C);
        var dX = inPlace ? gradient : Bench.Overwritten(N, C);
        Kernels.Dropout.Backward(dX, gradient, key);
        AssertClose(dX, expected, 1, "dX");
    }

    [Test]
    public void Every_part_of_the_key_changes_the_mask()
    {
        const int N = 4, C = 64;
        DropoutKey half = Key with { Probability = 0.5f };
        DropoutKey[] keys = [half, half with { Seed = 1 }, half with { Stream = 6 }, half with { Step = 18 }, half with { FirstRow = 13 }, half with { Seed = half.Seed ^ (1UL << 40) }];
        var x = Bench.Upload(TestData.Filled(N * C, 1), N, C);
        var masks = keys.Select(key =>
        {
            var y = Bench.Overwritten(N, C);
            Kernels.Dropout.Forward(y, x, key);
            return string.Join("", Bench.Read(y).Select(v => v == 0 ? '0' : '1'));
        });
        Assert.That(masks, Is.Unique);
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, C) = bench.IsSimulated ? (21, 33) : (150, 201);
        Tensor x = bench.Upload(TestData.Normal(1, N * C), N, C), y = bench.Overwritten(N, C), dX = bench.Overwritten(N, C);
        bench.Kernels.Dropout.Forward(y, x, Key, x);
        bench.Kernels.Dropout.Backward(dX, x, Key);
        return [y, dX];
    }
}
