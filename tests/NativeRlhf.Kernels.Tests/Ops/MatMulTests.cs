using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

/// <summary>All three products, in both layouts of the weight, on sizes around the edges of every blocking.</summary>
public class MatMulTests(string device, string variant) : OpTests(device, variant)
{
    private static readonly int[] Sizes = [1, 2, 3, 5, 6, 7, 15, 16, 17, 31, 33, 64, 65, 127, 129, 257];

    /// <summary>Every size in every place, four times beside other sizes; and shapes of several blocks in every dimension.</summary>
    private static readonly (int N, int IC, int OC)[] LargeShapes =
    [
        .. from n in Enumerable.Range(0, Sizes.Length)
           from shift in new[] { 0, 3, 6, 11 }
           select (Sizes[n], Sizes[(5 * n + shift) % Sizes.Length], Sizes[(3 * n + 7 * shift) % Sizes.Length]),
        (21, 33, 101), (100, 1100, 300), (300, 70, 600), (13, 1, 40), (12, 600, 520), (3, 1030, 290), (1340, 1560, 33), (2, 300, 400), (31, 257, 300), (16, 70, 1030), (48, 390, 1001), (112, 600, 700), (1100, 530, 48),

        // Few rows in several pieces of K, with a bias, which each second shape has.
        (1, 700, 130), (5, 1024, 33), (3, 129, 37), (200, 70, 1),

        // Rows a multiple of 4 KiB apart, which many first-level caches do not keep, so that they are packed: at once, by pieces of K and by rows.
        (1100, 3072, 17), (390, 2048, 40), (1540, 2048, 5), (13, 40, 1024),
    ];

    private static readonly (int N, int IC, int OC)[] SmallShapes =
        [(1, 1, 1), (2, 3, 5), (7, 6, 1), (1, 17, 33), (21, 33, 37), (17, 65, 16), (65, 7, 2)];

    [TestCase(WeightLayout.InOut)]
    [TestCase(WeightLayout.OutIn)]
    public void Forward(WeightLayout layout)
    {
        int round = 0;
        foreach (var (N, IC, OC) in Pick(LargeShapes, SmallShapes))
        {
            // Bias, residual, and a residual that is overwritten by the result, in turn.
            bool hasBias = round % 2 == 0, hasResidual = round % 3 != 0, inPlace = round % 3 == 2;
            round++;
            double[] x = TestData.Normal(1, N * IC), weight = TestData.Normal(2, IC * OC);
            double[]? bias = hasBias ? TestData.Normal(3, OC) : null, residual = hasResidual ? TestData.Normal(4, N * OC) : null;
            var expected = new double[N * OC];
            Reference.MatMul.Forward(expected, x, weight, bias, residual, layout == WeightLayout.OutIn, N, IC, OC);

            var added = residual is null ? Tensor.None : Bench.Upload(residual, N, OC);
            var y = inPlace ? added : Bench.Overwritten(N, OC);
            Kernels.MatMul.Forward(y, Bench.Upload(x, N, IC), Weight(weight, IC, OC, layout), bias is null ? Tensor.None : Bench.Upload(bias), layout, added);
            AssertClose(y, expected, IC, $"x ({N}, {IC}) · W to {OC}, bias {hasBias}, residual {hasResidual}, in place {inPlace}");
            Bench.End();
        }
    }

    [TestCase(WeightLayout.InOut)]
    [TestCase(WeightLayout.OutIn)]
    public void BackwardInput(WeightLayout layout)
    {
        bool accumulate = false;
        foreach (var (N, IC, OC) in Pick(LargeShapes, SmallShapes))
        {
            accumulate = !accumulate;
            double[] dY = TestData.Normal(1, N * OC), weight = TestData.Normal(2, IC * OC), expected = TestData.Filled(N * IC, 1);
            Reference.MatMul.BackwardInput(expected, dY, weight, layout == WeightLayout.OutIn, accumulate, N, IC, OC);

            var dX = accumulate ? Bench.Accumulated(N, IC) : Bench.Overwritten(N, IC);
            Kernels.MatMul.BackwardInput(dX, Bench.Upload(dY, N, OC), Weight(weight, IC, OC, layout), layout, accumulate);
            AssertClose(dX, expected, OC, $"dY ({N}, {OC}) · Wᵀ to {IC}, accumulate {accumulate}");
            Bench.End();
        }
    }

    [TestCase(WeightLayout.InOut)]
    [TestCase(WeightLayout.OutIn)]
    public void BackwardWeight(WeightLayout layout)
    {
        bool hasBias = false;
        foreach (var (N, IC, OC) in Pick(LargeShapes, SmallShapes))
        {
            hasBias = !hasBias;
            double[] x = TestData.Normal(1, N * IC), dY = TestData.Normal(2, N * OC);
            double[] expectedWeight = TestData.Filled(IC * OC, 1), expectedBias = TestData.Filled(OC, 1);
            Reference.MatMul.BackwardWeight(expectedWeight, expectedBias, x, dY, layout == WeightLayout.OutIn, N, IC, OC);

            var dWeight = layout == WeightLayout.InOut ? Bench.Accumulated(IC, OC) : Bench.Accumulated(OC, IC);
            var dBias = hasBias ? Bench.Accumulated(OC) : Tensor.None;
            Kernels.MatMul.BackwardWeight(dWeight, dBias, Bench.Upload(x, N, IC), Bench.Upload(dY, N, OC), layout);
            AssertClose(dWeight, expectedWeight, N, $"({IC}, {N}) · ({N}, {OC})");
            if (hasBias) AssertClose(dBias, expectedBias, N, $"bias of ({N}, {OC})");
            Bench.End();
        }
    }

    [TestCase(WeightLayout.InOut)]
    [TestCase(WeightLayout.OutIn)]
    public void Forward_with_an_activation_gives_what_both_give_one_after_the_other(WeightLayout layout)
    {
        int round = 0;
        foreach (var (N, IC, OC) in Pick(LargeShapes, SmallShapes))
        {
            // Every function; a residual, which f(y) or y may overwrite; y left out.
            var kind = (ActivationKind)(round % 3);
            bool hasBias = round % 2 == 0, hasResidual = round % 5 != 0, hasY = round % 7 < 4, inPlace = hasResidual && round % 5 > 2;
            round++;
            double[] x = TestData.Normal(1, N * IC), weight = TestData.Normal(2, IC * OC);
            double[]? bias = hasBias ? TestData.Normal(3, OC) : null, residual = hasResidual ? TestData.Normal(4, N * OC) : null;
            double[] expected = new double[N * OC], expectedY = new double[N * OC];
            Reference.MatMul.ForwardActivated(expected, expectedY, x, weight, bias, residual, ActivationTests.Function(kind), layout == WeightLayout.OutIn, N, IC, OC);

            Tensor input = Bench.Upload(x, N, IC), w = Weight(weight, IC, OC, layout), b = bias is null ? Tensor.None : Bench.Upload(bias);
            Tensor Added() => residual is null ? Tensor.None : Bench.Upload(residual, N, OC);
            Tensor plain = Bench.Overwritten(N, OC), plainActivated = Bench.Overwritten(N, OC);
            Kernels.MatMul.Forward(plain, input, w, b, layout, Added());
            Kernels.Activation.Forward(plainActivated, plain, kind);

            Tensor added = Added(), y = hasY ? inPlace && round % 2 == 0 ? added : Bench.Overwritten(N, OC) : Tensor.None;
            Tensor activated = inPlace && (!hasY || round % 2 == 1) ? added : Bench.Overwritten(N, OC);
            Kernels.MatMul.Forward(y, input, w, b, layout, added, activated, kind);
            string what = $"{kind}, x ({N}, {IC}) · W to {OC}, bias {hasBias}, residual {hasResidual}, y {hasY}, in place {inPlace}";
            AssertClose(activated, expected, IC, what);
            if (hasY) AssertClose(y, expectedY, IC, what);
            if (Bench.Device.IsHostMemory)
            {
                Assert.That(Bench.ReadFloats(activated), Is.EqualTo(Bench.ReadFloats(plainActivated)), what);
                if (hasY) Assert.That(Bench.ReadFloats(y), Is.EqualTo(Bench.ReadFloats(plain)), what);
            }

            Bench.End();
        }
    }

    [Test]
    public void Nothing_to_sum_leaves_bias_and_residual()
    {
        double[] bias = TestData.Normal(1, 9), residual = TestData.Normal(2, 27);
        var y = Bench.Overwritten(3, 9);
        Kernels.MatMul.Forward(y, Bench.Upload([], 3, 0), Bench.Upload([], 0, 9), Bench.Upload(bias), WeightLayout.InOut, Bench.Upload(residual, 3, 9));
        AssertClose(y, [.. residual.Select((r, i) => r + bias[i % 9])], 1, "y");

        var dBias = Bench.Upload(bias);
        Kernels.MatMul.BackwardWeight(Bench.Upload([], 0, 9), dBias, Bench.Upload([], 3, 0), Bench.Upload(residual, 3, 9));
        AssertClose(dBias, [.. bias.Select((b, i) => b + residual[i] + residual[9 + i] + residual[18 + i])], 1, "dBias");
    }

    [TestCase(1)]
    [TestCase(64)]
    public void Rows_a_multiple_of_4_KiB_apart_whether_the_first_level_cache_keeps_them_or_not(int level1Ways)
    {
        var type = Kernels.MatMul.GetType();
        if (!type.IsGenericType) Assert.Ignore($"{type.Name} does not ask for the cache");
        var op = (MatMul)Activator.CreateInstance(type, Bench.Device.Team, level1Ways)!;
        using var disposable = (IDisposable)op;
        foreach (var (N, IC, OC) in LargeShapes.Where(shape => shape.IC % 1024 == 0 || shape.OC % 1024 == 0))
        {
            double[] x = TestData.Normal(1, N * IC), dY = TestData.Normal(2, N * OC), weight = TestData.Normal(3, IC * OC);
            foreach (var layout in Enum.GetValues<WeightLayout>())
            {
                double[] expected = new double[N * OC], expectedX = TestData.Filled(N * IC, 1);
                Reference.MatMul.Forward(expected, x, weight, null, null, layout == WeightLayout.OutIn, N, IC, OC);
                var y = Bench.Overwritten(N, OC);
                op.Forward(y, Bench.Upload(x, N, IC), Weight(weight, IC, OC, layout), Tensor.None, layout);
                AssertClose(y, expected, IC, $"x ({N}, {IC}) · W to {OC}, {layout}");
                Bench.End();

                Reference.MatMul.BackwardInput(expectedX, dY, weight, layout == WeightLayout.OutIn, accumulate: true, N, IC, OC);
                var dX = Bench.Accumulated(N, IC);
                op.BackwardInput(dX, Bench.Upload(dY, N, OC), Weight(weight, IC, OC, layout), layout, accumulate: true);
                AssertClose(dX, expectedX, OC, $"dY ({N}, {OC}) · Wᵀ to {IC}, {layout}");
                Bench.End();
            }
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, IC, OC) = bench.IsSimulated ? (21, 33, 37) : (100, 530, 270);
        Tensor x = bench.Upload(TestData.Normal(1, N * IC), N, IC), dY = bench.Upload(TestData.Normal(2, N * OC), N, OC), bias = bench.Upload(TestData.Normal(3, OC));
        List<Tensor> outputs = [];
        foreach (var layout in Enum.GetValues<WeightLayout>())
        {
            double[] values = TestData.Normal(4, IC * OC);
            var weight = layout == WeightLayout.InOut ? bench.Upload(values, IC, OC) : bench.Upload(values, OC, IC);
            Tensor y = bench.Overwritten(N, OC), dX = bench.Overwritten(N, IC), dWeight = bench.Accumulated(weight.Rows, weight.Cols), dBias = bench.Accumulated(OC);
            bench.Kernels.MatMul.Forward(y, x, weight, bias, layout, dY);
            bench.Kernels.MatMul.BackwardInput(dX, dY, weight, layout);
            bench.Kernels.MatMul.BackwardWeight(dWeight, dBias, x, dY, layout);

            // Few rows, as in decoding.
            Tensor thin = bench.Overwritten(3, OC), some = bench.Overwritten(16, OC);
            bench.Kernels.MatMul.Forward(thin, x.Slice(0, 3), weight, bias, layout);
            bench.Kernels.MatMul.Forward(some, x.Slice(0, 16), weight, bias, layout);
            Tensor sum = bench.Overwritten(N, OC), activated = bench.Overwritten(N, OC), alone = bench.Overwritten(3, OC);
            bench.Kernels.MatMul.Forward(sum, x, weight, bias, layout, dY, activated, ActivationKind.GeluTanh);
            bench.Kernels.MatMul.Forward(Tensor.None, x.Slice(0, 3), weight, bias, layout, activated: alone, kind: ActivationKind.GeluExact);
            outputs.AddRange([y, dX, dWeight, dBias, thin, some, sum, activated, alone]);
        }

        // Rows 4 KiB apart, and few of them as for one token of a sequence.
        if (!bench.IsSimulated)
        {
            Tensor far = bench.Upload(TestData.Normal(5, 40 * 1024), 40, 1024), weight = bench.Upload(TestData.Normal(6, 1024 * 300), 1024, 300);
            Tensor y = bench.Overwritten(40, 300), one = bench.Overwritten(1, 300);
            bench.Kernels.MatMul.Forward(y, far, weight, Tensor.None);
            bench.Kernels.MatMul.Forward(one, far.Slice(0, 1), weight, Tensor.None);
            outputs.AddRange([y, one]);

            // Many rows of few columns, which more threads share in more pieces.
            Tensor tall = bench.Upload(TestData.Normal(7, 700 * 40), 700, 40), narrow = bench.Upload(TestData.Normal(8, 40 * 48), 40, 48), wide = tall.Reshape(40, 700);
            Tensor product = bench.Overwritten(700, 48), dW = bench.Accumulated(700, 48), dB = bench.Accumulated(48);
            bench.Kernels.MatMul.Forward(product, tall, narrow);
            bench.Kernels.MatMul.BackwardWeight(dW, dB, wide, narrow);
            outputs.AddRange([product, dW, dB]);
        }

        return [.. outputs];
    }

    private Tensor Weight(double[] values, int IC, int OC, WeightLayout layout) =>
        layout == WeightLayout.InOut ? Bench.Upload(values, IC, OC) : Bench.Upload(values, OC, IC);
}
