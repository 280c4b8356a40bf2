using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class EmbeddingTests(string device, string variant) : OpTests(device, variant)
{
    private const int T = 7, V = 101;

    private (int N, int C)[] Shapes => Pick([(1, 1), (21, 33), (130, 64), (67, 129)], new[] { (1, 1), (21, 33) });

    [Test]
    public void Forward()
    {
        foreach (var (N, C) in Shapes)
        {
            double[] wte = TestData.Normal(1, V * C), wpe = TestData.Normal(2, T * C), expected = new double[N * C];
            int[] tokens = TestData.Integers(3, N, V), positions = TestData.Integers(4, N, T);
            Reference.Embedding.Forward(expected, tokens, positions, wte, wpe, N, C);

            var y = Bench.Overwritten(N, C);
            Kernels.Embedding.Forward(y, Bench.Indices(tokens), Bench.Indices(positions), Bench.Upload(wte, V, C), Bench.Upload(wpe, T, C));
            AssertClose(y, expected, 1, $"({N}, {C})");
        }
    }

    [Test]
    public void Backward_adds_up_repeated_tokens()
    {
        foreach (var (N, C) in Shapes)
        {
            double[] dY = TestData.Normal(1, N * C), expectedWte = TestData.Filled(V * C, 1), expectedWpe = TestData.Filled(T * C, 1);
            int[] tokens = TestData.Integers(3, N, 5), positions = TestData.Integers(4, N, T);
            Reference.Embedding.Backward(expectedWte, expectedWpe, dY, tokens, positions, N, C);

            Tensor dWte = Bench.Accumulated(V, C), dWpe = Bench.Accumulated(T, C);
            Kernels.Embedding.Backward(dWte, dWpe, Bench.Upload(dY, N, C), Bench.Indices(tokens), Bench.Indices(positions));
            AssertClose(dWte, expectedWte, N, $"dWte, ({N}, {C})");
            AssertClose(dWpe, expectedWpe, N, $"dWpe, ({N}, {C})");
        }
    }

    [TestCase(1, 8, TestName = "Backward adds all rows to one token in order")]
    [TestCase(5, 33, TestName = "Backward adds the rows of few tokens in order")]
    [TestCase(V, 20, TestName = "Backward adds the rows of many tokens in order")]
    public void Backward_adds_rows_in_order(int tokenKinds, int C)
    {
        // Twice, on the same gradients: nothing may be left of the first call.
        int N = Pick(700, 60);
        Tensor dWte = Bench.Accumulated(V, C), dWpe = Bench.Accumulated(T, C);
        float[] expectedWte = Bench.ReadFloats(dWte), expectedWpe = Bench.ReadFloats(dWpe);
        foreach (int seed in new[] { 1, 2 })
        {
            float[] dY = Array.ConvertAll(TestData.Normal(seed, N * C), value => (float)value);
            int[] tokens = TestData.Integers(seed + 10, N, tokenKinds), positions = TestData.Integers(seed + 20, N, T);
            for (int n = 0; n < N; n++)
            {
                for (int c = 0; c < C; c++)
                {
                    expectedWte[(tokens[n] * C) + c] += dY[(n * C) + c];
                    expectedWpe[(positions[n] * C) + c] += dY[(n * C) + c];
                }
            }

            Kernels.Embedding.Backward(dWte, dWpe, Bench.Upload(Array.ConvertAll(dY, value => (double)value), N, C), Bench.Indices(tokens), Bench.Indices(positions));
            Assert.That(Bench.ReadFloats(dWte), Is.EqualTo(expectedWte), $"dWte, {seed}");
            Assert.That(Bench.ReadFloats(dWpe), Is.EqualTo(expectedWpe), $"dWpe, {seed}");
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, C) = bench.IsSimulated ? (21, 33) : (300, 200);
        var tokens = bench.Indices(TestData.Integers(3, N, 9));
        var positions = bench.Indices(TestData.Integers(4, N, T));
        Tensor wte = bench.Upload(TestData.Normal(1, V * C), V, C), wpe = bench.Upload(TestData.Normal(2, T * C), T, C);
        Tensor y = bench.Overwritten(N, C), dWte = bench.Accumulated(V, C), dWpe = bench.Accumulated(T, C);
        bench.Kernels.Embedding.Forward(y, tokens, positions, wte, wpe);
        bench.Kernels.Embedding.Backward(dWte, dWpe, y, tokens, positions);
        return [y, dWte, dWpe];
    }
}
