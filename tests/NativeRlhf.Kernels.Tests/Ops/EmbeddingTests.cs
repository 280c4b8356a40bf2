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
