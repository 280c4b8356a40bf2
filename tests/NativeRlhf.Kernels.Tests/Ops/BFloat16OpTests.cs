using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

/// <summary>
/// What an op makes of operands of bfloat16 is what it makes of the same values in float32, rounded once where it is stored: the
/// kernels are written once, and float32 is held against the oracle elsewhere.
/// </summary>
[TestFixture("cpu")]
[TestFixture("cuda")]
[TestFixture("opencl")]
public class BFloat16OpTests(string device)
{
    private static readonly int[] Odd = [1, 3, 7, 33, 36];

    private Workbench Bench => KernelVariants.Open(device, KernelVariants.Portable);

    private KernelSet Kernels => Bench.Kernels;

    [OneTimeSetUp]
    public void IgnoreIfAbsent() => KernelVariants.Open(device, KernelVariants.Portable);

    [TearDown]
    public void End() => Bench.End();

    [TestCase(WeightLayout.InOut, 7, 33, 37)]
    [TestCase(WeightLayout.InOut, 34, 20, 36)]
    [TestCase(WeightLayout.InOut, 1, 1, 5)]
    [TestCase(WeightLayout.OutIn, 7, 33, 37)]
    [TestCase(WeightLayout.OutIn, 40, 24, 4)]
    public void MatMul(WeightLayout layout, int N, int IC, int OC)
    {
        var (rows, cols) = layout == WeightLayout.InOut ? (IC, OC) : (OC, IC);
        Pair x = Rounded(1, N, IC), weight = Rounded(2, rows, cols), dY = Rounded(3, N, OC), residual = Rounded(4, N, OC), before = Rounded(5, N, IC);
        var bias = Bench.Upload(TestData.Normal(6, OC));

        foreach (bool isAdded in new[] { false, true })
        {
            Pair y = Empty(N, OC);
            Kernels.MatMul.Forward(y.Single, x.Single, weight.Single, bias, layout, isAdded ? residual.Single : Tensor.None);
            Kernels.MatMul.Forward(y.Half, x.Half, weight.Half, bias, layout, isAdded ? residual.Half : Tensor.None);
            AssertRounded(y, "y");

            // The residual stream is float32: the result is not rounded at all.
            var wide = Bench.Overwritten(N, OC);
            Kernels.MatMul.Forward(wide, x.Half, weight.Half, bias, layout, isAdded ? residual.Single : Tensor.None);
            AssertSame(wide, y.Single, "y of float32");

            // An activation is of the sum before that is rounded, whether that is stored or not.
            Pair sum = Empty(N, OC), activated = Empty(N, OC), alone = Empty(N, OC);
            var kind = isAdded ? ActivationKind.GeluTanh : ActivationKind.GeluExact;
            Kernels.MatMul.Forward(sum.Single, x.Single, weight.Single, bias, layout, isAdded ? residual.Single : Tensor.None, activated.Single, kind);
            Kernels.MatMul.Forward(sum.Half, x.Half, weight.Half, bias, layout, isAdded ? residual.Half : Tensor.None, activated.Half, kind);
            Kernels.MatMul.Forward(Tensor.None, x.Half, weight.Half, bias, layout, isAdded ? residual.Half : Tensor.None, alone.Half, kind);
            AssertRounded(sum, "sum");
            AssertRounded(activated, "activated");
            AssertSame(alone.Half, activated.Half, "activated alone");
        }

        Pair dX = Empty(N, IC);
        Kernels.MatMul.BackwardInput(dX.Single, dY.Single, weight.Single, layout);
        Kernels.MatMul.BackwardInput(dX.Half, dY.Half, weight.Half, layout);
        AssertRounded(dX, "dX");
        Kernels.MatMul.BackwardInput(before.Single, dY.Single, weight.Single, layout, accumulate: true);
        Kernels.MatMul.BackwardInput(before.Half, dY.Half, weight.Half, layout, accumulate: true);
        AssertRounded(before, "dX +=");

        Tensor dWeight = Bench.Accumulated(rows, cols), dBias = Bench.Accumulated(OC), expectedWeight = Bench.Accumulated(rows, cols), expectedBias = Bench.Accumulated(OC);
        Kernels.MatMul.BackwardWeight(expectedWeight, expectedBias, x.Single, dY.Single, layout);
        Kernels.MatMul.BackwardWeight(dWeight, dBias, x.Half, dY.Half, layout);
        AssertSame(dWeight, expectedWeight, "dW");
        AssertSame(dBias, expectedBias, "dBias");
    }

    [TestCase(2, 8)]
    [TestCase(3, 5)]
    [TestCase(1, 36)]
    public void Attention(int heads, int headSize)
    {
        var layout = Bench.Layout([0, 3, 20, 21, 40]);
        int N = layout.Rows, C = heads * headSize;
        Pair qkv = Rounded(1, N, 3 * C), dY = Rounded(2, N, C), y = Empty(N, C), dQkv = Empty(N, 3 * C);
        Tensor lse = Bench.Overwritten(N, heads), expectedLse = Bench.Overwritten(N, heads);
        Kernels.Attention.Forward(y.Single, expectedLse, qkv.Single, layout, heads);
        Kernels.Attention.Forward(y.Half, lse, qkv.Half, layout, heads);
        AssertRounded(y, "y");
        AssertSame(lse, expectedLse, "lse");

        // Backward multiplies with y as it was stored.
        Bench.Device.Upload(y.Single, Bench.ReadFloats(y.Half));
        Kernels.Attention.Backward(dQkv.Single, dY.Single, y.Single, expectedLse, qkv.Single, layout, heads);
        Kernels.Attention.Backward(dQkv.Half, dY.Half, y.Half, lse, qkv.Half, layout, heads);
        AssertRounded(dQkv, "dQkv");
    }

    [TestCase(2, 8)]
    [TestCase(3, 5)]
    [TestCase(1, 44)]
    public void CachedAttention(int heads, int headSize)
    {
        const int Rows = 5, Slots = 3, Capacity = 21;
        int C = heads * headSize;
        Pair qkv = Rounded(1, Rows, 3 * C), keys = Rounded(2, Slots * Capacity, C), values = Rounded(3, Slots * Capacity, C), y = Empty(Rows, C);
        var slots = Bench.Indices([2, 0, 0, 0, 1]);
        var positions = Bench.Indices([20, 7, 8, 9, 0]);
        Kernels.CachedAttention.Forward(y.Single, keys.Single, values.Single, qkv.Single, slots, positions, Capacity, heads);
        Kernels.CachedAttention.Forward(y.Half, keys.Half, values.Half, qkv.Half, slots, positions, Capacity, heads);
        AssertRounded(y, "y");
        AssertRounded(keys, "keys");
        AssertRounded(values, "values");
    }

    [TestCaseSource(nameof(Odd))]
    public void LayerNorm(int C)
    {
        const int N = 9;
        Tensor x = Bench.Upload(TestData.Normal(1, N * C, 2, 3), N, C), weight = Bench.Upload(TestData.Normal(2, C)), bias = Bench.Upload(TestData.Normal(3, C));
        Tensor mean = Bench.Overwritten(N), rstd = Bench.Overwritten(N);
        Pair y = Empty(N, C), dY = Rounded(4, N, C);
        Kernels.LayerNorm.Forward(y.Single, mean, rstd, x, weight, bias, 1e-5f);
        Kernels.LayerNorm.Forward(y.Half, mean, rstd, x, weight, bias, 1e-5f);
        AssertRounded(y, "y");

        Tensor dX = Bench.Accumulated(N, C), dWeight = Bench.Accumulated(C), dBias = Bench.Accumulated(C);
        Tensor expectedX = Bench.Accumulated(N, C), expectedWeight = Bench.Accumulated(C), expectedBias = Bench.Accumulated(C);
        Kernels.LayerNorm.Backward(expectedX, expectedWeight, expectedBias, dY.Single, x, mean, rstd, weight);
        Kernels.LayerNorm.Backward(dX, dWeight, dBias, dY.Half, x, mean, rstd, weight);
        AssertSame(dX, expectedX, "dX");
        AssertSame(dWeight, expectedWeight, "dWeight");
        AssertSame(dBias, expectedBias, "dBias");
    }

    [Test]
    public void Activation([Values] ActivationKind kind)
    {
        Pair x = Rounded(1, 7, 33), dY = Rounded(2, 7, 33), y = Empty(7, 33);
        Kernels.Activation.Forward(y.Single, x.Single, kind);
        Kernels.Activation.Forward(y.Half, x.Half, kind);
        AssertRounded(y, "y");
        Kernels.Activation.Backward(dY.Single, dY.Single, x.Single, kind);
        Kernels.Activation.Backward(dY.Half, dY.Half, x.Half, kind);
        AssertRounded(dY, "dX");
    }

    [Test]
    public void Rows_and_elements_are_rounded_where_they_are_stored()
    {
        const int N = 11, C = 19;
        var x = Bench.Upload(TestData.Normal(1, N * C), N, C);
        var rows = Bench.Indices([3, 0, 10]);
        Pair gathered = Empty(3, C), copied = Empty(N, C), dropped = Empty(N, C), filled = Empty(N, C);
        Kernels.Elementwise.Gather(gathered.Single, x, rows);
        Kernels.Elementwise.Gather(gathered.Half, x, rows);
        AssertRounded(gathered, "gathered");
        Kernels.Elementwise.Copy(copied.Single, x);
        Kernels.Elementwise.Copy(copied.Half, x);
        AssertRounded(copied, "copied");
        Bench.Device.Upload(copied.Single, Bench.ReadFloats(copied.Half));
        Kernels.Elementwise.Combine(copied.Single, 0.3f, copied.Single, 1.7f);
        Kernels.Elementwise.Combine(copied.Half, 0.3f, copied.Half, 1.7f);
        AssertRounded(copied, "combined");
        Kernels.Elementwise.Fill(filled.Single, 0.1f);
        Kernels.Elementwise.Fill(filled.Half, 0.1f);
        AssertRounded(filled, "filled");
        var key = new DropoutKey(1, 2, 3, 4, 0.3f);
        Kernels.Dropout.Backward(dropped.Single, x, key);
        Kernels.Dropout.Backward(dropped.Half, x, key);
        AssertRounded(dropped, "dropped");
    }

    [Test]
    public void Embedding_adds_rows_of_rounded_tables()
    {
        const int V = 13, T = 5, C = 11;
        Pair wte = Rounded(1, V, C), wpe = Rounded(2, T, C);
        ILGPU.ArrayView<int> tokens = Bench.Indices([3, 12, 0, 3]), positions = Bench.Indices([0, 1, 2, 4]);
        Tensor y = Bench.Overwritten(4, C), expected = Bench.Overwritten(4, C);
        Kernels.Embedding.Forward(expected, tokens, positions, wte.Single, wpe.Single);
        Kernels.Embedding.Forward(y, tokens, positions, wte.Half, wpe.Half);
        AssertSame(y, expected, "y");
    }

    [Test]
    public void Gradient_of_the_logits_is_rounded()
    {
        const int N = 5, V = 101;
        var logits = Bench.Upload(TestData.Normal(1, N * V, 3), N, V);
        var targets = Bench.Indices(TestData.Integers(2, N, V));
        Tensor logprobs = Bench.Overwritten(N), lse = Bench.Overwritten(N), dLogprobs = Bench.Upload(TestData.Normal(3, N));
        Kernels.LogProb.Forward(logprobs, lse, Tensor.None, logits, targets);
        Pair dLogits = Empty(N, V);
        Kernels.LogProb.Backward(dLogits.Single, dLogprobs, lse, logits, targets);
        Kernels.LogProb.Backward(dLogits.Half, dLogprobs, lse, logits, targets);
        AssertRounded(dLogits, "dLogits");
    }

    [Test]
    public void AdamW_writes_a_rounded_copy_or_rounds_stochastically()
    {
        const int N = 67;
        Pair weights = Rounded(1, 1, N), copy = Empty(1, N);
        Tensor Moment(int seed) => Bench.Upload([.. TestData.Normal(seed, N).Select(Math.Abs)], 1, N);
        Tensor g = Bench.Upload(TestData.Normal(2, N), 1, N), m = Moment(3), v = Moment(4), m2 = Moment(3), v2 = Moment(4);
        var step = new AdamWStep(1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.5f, 3, AdamForm.PyTorch, Seed: 11, First: 128);
        float[] before = Bench.ReadFloats(weights.Half);
        Kernels.AdamW.Step(weights.Single, g, m, v, step, copy.Half);
        AssertRounded(new Pair(weights.Single, copy.Half), "copy");

        Kernels.AdamW.Step(weights.Half, g, m2, v2, step);
        AssertSame(m2, m, "m");
        AssertSame(v2, v, "v");
        float[] exact = Bench.ReadFloats(weights.Single), rounded = Bench.ReadFloats(weights.Half);
        for (int i = 0; i < N; i++)
        {
            var words = Philox.At(11, RandomPurpose.Rounding, 3, (ulong)(32 + (i / 4)));
            uint word = (i % 4) switch { 0 => words.X, 1 => words.Y, 2 => words.Z, _ => words.W };
            float expected = BFloat16.OfStochastic(exact[i], word).Value;
            Assert.That(rounded[i], Is.EqualTo(expected).Within(Bench.Device.IsHostMemory ? 0 : Math.Abs(expected) / 128), $"weight {i}");
        }

        Assert.That(rounded, Is.Not.EqualTo(before), "updates smaller than the spacing are not all lost");
        Assert.That(() => Kernels.AdamW.Step(weights.Half, g, m, v, step, copy.Half), Throws.ArgumentException);
    }

    [Test]
    public void Operands_of_two_types_are_refused()
    {
        Pair a = Rounded(1, 3, 3), b = Rounded(2, 3, 3);
        Assert.That(() => Kernels.MatMul.Forward(a.Single, a.Half, b.Single), Throws.ArgumentException
            .With.Message.EqualTo("MatMul: x is (3, 3) of bfloat16 and weight is (3, 3); both must be of the same type"));
        Assert.That(() => Kernels.MatMul.BackwardWeight(a.Half, Tensor.None, b.Half, b.Half), Throws.ArgumentException
            .With.Message.EqualTo("MatMul: dWeight is (3, 3) of bfloat16; it must be of float32"));
        Assert.That(() => Kernels.Activation.Forward(a.Single, a.Half, ActivationKind.Relu), Throws.ArgumentException);
    }

    /// <summary>A tensor of float32 and one of bfloat16 with the same values.</summary>
    private readonly record struct Pair(Tensor Single, Tensor Half);

    private Pair Rounded(int seed, int rows, int cols)
    {
        double[] values = Array.ConvertAll(TestData.Normal(seed, rows * cols), value => (double)BFloat16.Of((float)value).Value);
        return new Pair(Bench.Upload(values, rows, cols), Bench.Upload(values, rows, cols, ElementType.BFloat16));
    }

    private Pair Empty(int rows, int cols)
    {
        double[] values = TestData.Filled(rows * cols, double.NaN);
        return new Pair(Bench.Upload(values, rows, cols), Bench.Upload(values, rows, cols, ElementType.BFloat16));
    }

    private void AssertRounded(Pair pair, string what) =>
        AssertSame(pair.Half, Array.ConvertAll(Bench.ReadFloats(pair.Single), value => BFloat16.Of(value).Value), 1 / 128.0, what);

    private void AssertSame(Tensor actual, Tensor expected, string what) => AssertSame(actual, Bench.ReadFloats(expected), 1e-5, what);

    // Compilers of devices may contract one kernel otherwise than its sister; .NET does not.
    private void AssertSame(Tensor actual, float[] expected, double spacing, string what)
    {
        float[] values = Bench.ReadFloats(actual);
        double tolerance = Bench.Device.IsHostMemory ? 0 : spacing;
        for (int i = 0; i < values.Length; i++)
        {
            Assert.That(values[i], Is.EqualTo(expected[i]).Within(tolerance * Math.Max(1, Math.Abs(expected[i]))), $"{what}, row {i / actual.Cols}, column {i % actual.Cols}");
        }
    }
}
