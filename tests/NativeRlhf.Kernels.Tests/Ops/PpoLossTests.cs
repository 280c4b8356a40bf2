using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class PpoLossTests(string device, string variant) : OpTests(device, variant)
{
    private const float ClipRange = 0.2f, Scale = 1 / 128f;

    [TestCase(1)]
    [TestCase(21)]
    [TestCase(700)]
    public void Policy(int N)
    {
        double[] old = TestData.Normal(1, N, 1, -3), logprobs = Moved(old, 2, 0.3), A = TestData.Normal(3, N);
        double[] expected = TestData.Filled(5, 1), expectedLogprobs = new double[N];
        Reference.PpoLoss.Policy(expected, expectedLogprobs, logprobs, old, A, ClipRange, Scale);

        Tensor statistics = Bench.Accumulated(5), dLogprobs = Bench.Overwritten(N);
        Kernels.PpoLoss.Policy(statistics, dLogprobs, Bench.Upload(logprobs), Bench.Upload(old), Bench.Upload(A), ClipRange, Scale);
        // logprob − oldLogprob cancels, at about 3 against 0.3.
        AssertClose(dLogprobs, expectedLogprobs, 10, "dLogprobs");
        AssertEach(statistics, expected, N);
        Assert.That(N < 700 || expectedLogprobs.Count(d => d == 0) is > 100 and < 600);
    }

    [TestCase(1)]
    [TestCase(21)]
    [TestCase(700)]
    public void Value(int N)
    {
        double[] old = TestData.Normal(1, N), values = Moved(old, 2, 0.4), returns = TestData.Normal(3, N, 1.5);
        double[] expected = TestData.Filled(3, 1), expectedValues = new double[N];
        Reference.PpoLoss.Value(expected, expectedValues, values, old, returns, ClipRange, Scale);

        Tensor statistics = Bench.Accumulated(3), dValues = Bench.Overwritten(N);
        Kernels.PpoLoss.Value(statistics, dValues, Bench.Upload(values), Bench.Upload(old), Bench.Upload(returns), ClipRange, Scale);
        AssertClose(dValues, expectedValues, 1, "dValues");
        AssertEach(statistics, expected, N);
        Assert.That(N < 700 || expectedValues.Count(d => d == 0) is > 50 and < 600);
    }

    [TestCase(1)]
    [TestCase(21)]
    [TestCase(700)]
    public void Kl(int N)
    {
        double[] reference = TestData.Normal(1, N, 1, -3), logprobs = Moved(reference, 2, 0.6), weights = [.. TestData.Normal(3, N).Select(w => (double)(float)Math.Abs(w))];
        double[] expected = TestData.Filled(1, 1), expectedLogprobs = TestData.Filled(N, 1);
        Reference.PpoLoss.Kl(expected, expectedLogprobs, logprobs, reference, weights);

        Tensor statistics = Bench.Accumulated(1), dLogprobs = Bench.Accumulated(N);
        Kernels.PpoLoss.Kl(statistics, dLogprobs, Bench.Upload(logprobs), Bench.Upload(reference), Bench.Upload(weights));
        AssertClose(dLogprobs, expectedLogprobs, 10, "dLogprobs");
        Assert.That(Bench.Read(statistics)[0], Is.EqualTo(expected[0]).Within(1e-6 * (N + expected[0])));
    }

    [Test]
    public void Without_a_change_the_ratio_is_exactly_one_and_the_gradient_is_the_advantage()
    {
        double[] logprobs = TestData.Normal(1, 21, 2, -4), A = TestData.Normal(2, 21);
        Tensor statistics = Bench.Upload(new double[PpoLoss.PolicyStatisticsLength]), dLogprobs = Bench.Overwritten(21), input = Bench.Upload(logprobs);
        Kernels.PpoLoss.Policy(statistics, dLogprobs, input, input, Bench.Upload(A), ClipRange, 1);
        double[] actual = Bench.Read(statistics);
        Assert.That(actual[1], Is.Zero);
        Assert.That(actual[2], Is.Zero);
        Assert.That(actual[3], Is.EqualTo(21));
        Assert.That(actual[4], Is.Zero);
        Assert.That(Bench.Read(dLogprobs), Is.EqualTo(A.Select(a => -a)));
    }

    [Test]
    public void The_largest_ratio_is_kept_over_calls()
    {
        var statistics = Bench.Upload(new double[5]);
        foreach (double change in new[] { 0.1, -0.7, 0.3 })
        {
            Kernels.PpoLoss.Policy(
                statistics, Bench.Overwritten(2), Bench.Upload([-1 + change, -1]), Bench.Upload([-1, -1]), Bench.Upload([1, 1]), ClipRange, 1);
        }

        Assert.That(Bench.Read(statistics)[4], Is.EqualTo(1 - Math.Exp(-0.7)).Within(1e-6));
    }

    private void AssertEach(Tensor statistics, double[] expected, int N)
    {
        double[] actual = Bench.Read(statistics);
        for (int i = 0; i < expected.Length; i++)
            Assert.That(actual[i], Is.EqualTo(expected[i]).Within(1e-6 * (N + Math.Abs(expected[i]))), $"statistics[{i}]");
        Assert.That(actual[1], Is.EqualTo(expected[1]));
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        const int N = 700;
        double[] old = TestData.Normal(1, N, 1, -3);
        Tensor before = bench.Upload(old), now = bench.Upload(Moved(old, 2, 0.3)), A = bench.Upload(TestData.Normal(3, N));
        Tensor policy = bench.Accumulated(5), value = bench.Accumulated(3), dLogprobs = bench.Overwritten(N), dValues = bench.Overwritten(N);
        bench.Kernels.PpoLoss.Policy(policy, dLogprobs, now, before, A, ClipRange, Scale);
        bench.Kernels.PpoLoss.Value(value, dValues, now, before, A, ClipRange, Scale);
        Tensor kl = bench.Accumulated(1), dKl = bench.Accumulated(N);
        bench.Kernels.PpoLoss.Kl(kl, dKl, now, before, A);
        return [policy, dLogprobs, value, dValues, kl, dKl];
    }

    private static double[] Moved(double[] values, int seed, double scale) =>
        [.. values.Zip(TestData.Normal(seed, values.Length, scale), (v, change) => (double)(float)(v + change))];
}
