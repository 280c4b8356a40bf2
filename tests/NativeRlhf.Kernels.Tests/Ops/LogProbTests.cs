using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class LogProbTests(string device, string variant) : OpTests(device, variant)
{
    private (int N, int V)[] Shapes =>
        Pick([(1, 1), (3, 2), (21, 101), (5, 15), (4, 16), (9, 17), (2, 1027), (67, 257), (2, 2051)], new[] { (1, 1), (21, 101), (2, 300) });

    [TestCase(1f)]
    [TestCase(0.7f)]
    [TestCase(2.5f)]
    public void Forward(float temperature)
    {
        bool hasEntropy = false;
        foreach (var (N, V) in Shapes)
        {
            hasEntropy = !hasEntropy || V == 101;
            double[] logits = TestData.Normal(1, N * V, 3), expected = new double[N], expectedLse = new double[N], expectedEntropy = new double[N];
            int[] targets = TestData.Integers(2, N, V);
            Reference.LogProb.Forward(expected, expectedLse, expectedEntropy, logits, targets, temperature, N, V);

            Tensor logprobs = Bench.Overwritten(N), lse = Bench.Overwritten(N), entropy = hasEntropy ? Bench.Overwritten(N) : Tensor.None;
            Kernels.LogProb.Forward(logprobs, lse, entropy, Bench.Upload(logits, N, V), Bench.Indices(targets), temperature);
            AssertClose(logprobs, expected, 1, $"logprobs, ({N}, {V})");
            AssertClose(lse, expectedLse, 1, $"lse, ({N}, {V})");
            if (hasEntropy) AssertClose(entropy, expectedEntropy, 4, $"entropy, ({N}, {V})");
        }
    }

    [TestCase(1f)]
    [TestCase(0.7f)]
    [TestCase(2.5f)]
    public void Backward(float temperature)
    {
        bool inPlace = false;
        foreach (var (N, V) in Shapes)
        {
            inPlace = !inPlace;
            double[] logits = TestData.Normal(1, N * V, 3), dLogprobs = TestData.Normal(2, N);
            double[] logprobs = new double[N], lse = new double[N], expected = new double[N * V];
            int[] targets = TestData.Integers(3, N, V);
            Reference.LogProb.Forward(logprobs, lse, null, logits, targets, temperature, N, V);
            Reference.LogProb.Backward(expected, dLogprobs, lse, logits, targets, temperature, N, V);

            var input = Bench.Upload(logits, N, V);
            var dLogits = inPlace ? input : Bench.Overwritten(N, V);
            Kernels.LogProb.Backward(dLogits, Bench.Upload(dLogprobs), Bench.Upload(lse), input, Bench.Indices(targets), temperature);
            // With one token the gradient is 0 = 1 − p, of which rounding leaves 1e-7; otherwise the lse is rounded to float32, about 10 · 6e-8.
            AssertClose(dLogits, expected, 4, $"({N}, {V}), in place {inPlace}");
        }
    }

    [Test]
    public void Large_logits_neither_overflow_nor_cancel()
    {
        // Differences of 0, 1, 2 and more than a float32 exponent holds, around a large number.
        double[] row = [1000, 999, 998, -1000, 500];
        double[] logits = [.. row, .. row.Select(v => -v)];
        double[] expected = new double[2], expectedLse = new double[2], expectedEntropy = new double[2];
        Reference.LogProb.Forward(expected, expectedLse, expectedEntropy, logits, [1, 3], 1, 2, 5);

        Tensor logprobs = Bench.Overwritten(2), lse = Bench.Overwritten(2), entropy = Bench.Overwritten(2);
        Kernels.LogProb.Forward(logprobs, lse, entropy, Bench.Upload(logits, 2, 5), Bench.Indices([1, 3]));
        AssertClose(logprobs, expected, 1, "logprobs");
        AssertClose(lse, expectedLse, 1, "lse");
        AssertClose(entropy, expectedEntropy, 4, "entropy");
    }

    [Test]
    public void Rising_logits_and_masked_tokens()
    {
        // The maximum rises at every token and the last third is masked by −∞: the oracle gets what is left.
        int V = Pick(1500, 60), left = V / 3 * 2;
        double[] open = [.. Enumerable.Range(0, left).Select(j => (double)(0.02f * j))], row = [.. open, .. Enumerable.Repeat(double.NegativeInfinity, V - left)];
        double[] expected = new double[2], expectedLse = new double[2], expectedEntropy = new double[2];
        Reference.LogProb.Forward(expected, expectedLse, expectedEntropy, [.. open, .. open], [3, left - 1], 0.7f, 2, left);

        Tensor logprobs = Bench.Overwritten(2), lse = Bench.Overwritten(2), entropy = Bench.Overwritten(2);
        double[] logits = [.. row, .. row.Reverse()];
        Kernels.LogProb.Forward(logprobs, lse, entropy, Bench.Upload(logits, 2, V), Bench.Indices([3, V - left]), 0.7f);
        AssertClose(logprobs, expected, 4, "logprobs");
        AssertClose(lse, expectedLse, 4, "lse");
        AssertClose(entropy, expectedEntropy, 4, "entropy");
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, V) = bench.IsSimulated ? (21, 101) : (67, 301);
        Tensor logits = bench.Upload(TestData.Normal(1, N * V, 3), N, V), dLogprobs = bench.Upload(TestData.Normal(2, N));
        var targets = bench.Indices(TestData.Integers(3, N, V));
        Tensor logprobs = bench.Overwritten(N), lse = bench.Overwritten(N), entropy = bench.Overwritten(N), dLogits = bench.Overwritten(N, V);
        bench.Kernels.LogProb.Forward(logprobs, lse, entropy, logits, targets, 0.9f);
        bench.Kernels.LogProb.Backward(dLogits, dLogprobs, lse, logits, targets, 0.9f);
        return [logprobs, lse, entropy, dLogits];
    }
}
