namespace NativeRlhf.Kernels.Tests.Oracle;

/// <summary>
/// The oracle's gradients against central differences in double. Every op becomes a scalar function, the dot product of
/// its output with fixed random weights, and dY is those weights.
/// </summary>
public class OracleGradientTests
{
    private const int B = 3, T = 7, N = B * T, C = 33, V = 101, NH = 3;

    [Test]
    public void Embedding()
    {
        double[] wte = TestData.Normal(1, V * C), wpe = TestData.Normal(2, T * C), dY = TestData.Normal(3, N * C);
        int[] tokens = TestData.Integers(4, N, V), positions = [.. Enumerable.Range(0, N).Select(n => n % T)];
        double Loss()
        {
            var y = new double[N * C];
            Reference.Embedding.Forward(y, tokens, positions, wte, wpe, N, C);
            return Dot(y, dY);
        }

        double[] dWte = new double[V * C], dWpe = new double[T * C];
        Reference.Embedding.Backward(dWte, dWpe, dY, tokens, positions, N, C);
        AssertGradient(Loss, wpe, dWpe);
        AssertGradient(Loss, wte, dWte, elements: V * C);
    }

    [Test]
    public void LayerNorm()
    {
        double[] x = TestData.Normal(1, N * C, 2, 0.5), weight = TestData.Normal(2, C, 0.3, 1), bias = TestData.Normal(3, C), dY = TestData.Normal(4, N * C);
        double[] y = new double[N * C], mean = new double[N], rstd = new double[N];
        double Loss()
        {
            Reference.LayerNorm.Forward(y, mean, rstd, x, weight, bias, 1e-5, N, C);
            return Dot(y, dY);
        }

        Loss();
        double[] dX = new double[N * C], dWeight = new double[C], dBias = new double[C];
        Reference.LayerNorm.Backward(dX, dWeight, dBias, dY, x, mean, rstd, weight, N, C);
        AssertGradient(Loss, x, dX, elements: N * C);
        AssertGradient(Loss, weight, dWeight);
        AssertGradient(Loss, bias, dBias);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void MatMul(bool outIn)
    {
        double[] x = TestData.Normal(1, N * C), weight = TestData.Normal(2, C * V), bias = TestData.Normal(3, V), residual = TestData.Normal(4, N * V), dY = TestData.Normal(5, N * V);
        double Loss()
        {
            var y = new double[N * V];
            Reference.MatMul.Forward(y, x, weight, bias, residual, outIn, N, C, V);
            return Dot(y, dY);
        }

        double[] dX = new double[N * C], dWeight = new double[C * V], dBias = new double[V];
        Reference.MatMul.BackwardInput(dX, dY, weight, outIn, accumulate: false, N, C, V);
        Reference.MatMul.BackwardWeight(dWeight, dBias, x, dY, outIn, N, C, V);
        AssertGradient(Loss, x, dX);
        AssertGradient(Loss, weight, dWeight);
        AssertGradient(Loss, bias, dBias);
        AssertGradient(Loss, residual, dY);
    }

    [TestCase(new[] { 7, 7, 7 })]
    [TestCase(new[] { 1, 13, 2, 5 })]
    [TestCase(new[] { 21 })]
    public void Attention(int[] lengths)
    {
        int[] offsets = TestData.Offsets(lengths);
        double[] qkv = TestData.Normal(1, N * 3 * C), dY = TestData.Normal(2, N * C);
        double[] y = new double[N * C], lse = new double[N * NH], dQkv = new double[N * 3 * C];
        double Loss()
        {
            Reference.Attention.Forward(y, lse, qkv, offsets, NH, C);
            return Dot(y, dY);
        }

        Loss();
        Reference.Attention.Backward(dQkv, dY, y, lse, qkv, offsets, NH, C);
        AssertGradient(Loss, qkv, dQkv, elements: 400);
    }

    [Test]
    public void Cached_attention_is_attention()
    {
        int[] lengths = [7, 1, 13], offsets = TestData.Offsets(lengths);
        double[] qkv = TestData.Normal(1, N * 3 * C), y = new double[N * C], lse = new double[N * NH];
        Reference.Attention.Forward(y, lse, qkv, offsets, NH, C);

        const int capacity = 15;
        int[] slots = [.. lengths.SelectMany((length, s) => Enumerable.Repeat(2 - s, length))];
        int[] positions = [.. lengths.SelectMany(length => Enumerable.Range(0, length))];
        double[] cached = new double[N * C], keys = new double[B * capacity * C], values = new double[B * capacity * C];
        Reference.CachedAttention.Forward(cached, keys, values, qkv, slots, positions, capacity, NH, C);
        Assert.That(Tolerance.RelativeError(cached, y), Is.LessThan(1e-13));
    }

    private static readonly TestCaseData[] Functions =
    [
        Case(Reference.Activation.GeluTanh, Reference.Activation.GeluTanhDerivative, "gelu_new"),
        Case(Reference.Activation.GeluExact, Reference.Activation.GeluExactDerivative, "gelu"),
        Case(Reference.Activation.Relu, Reference.Activation.ReluDerivative, "relu"),
    ];

    private static TestCaseData Case(Func<double, double> f, Func<double, double> derivative, string name) =>
        new TestCaseData(f, derivative).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Functions))]
    public void Activation(Func<double, double> f, Func<double, double> derivative)
    {
        double[] x = TestData.Normal(1, N * C, 2), dY = TestData.Normal(2, N * C), dX = new double[N * C];
        double Loss()
        {
            var y = new double[N * C];
            Reference.Activation.Forward(y, x, f);
            return Dot(y, dY);
        }

        Reference.Activation.Backward(dX, dY, x, derivative);
        AssertGradient(Loss, x, dX, elements: N * C);
    }

    [Test]
    public void Dropout()
    {
        double[] x = TestData.Normal(1, N * C), residual = TestData.Normal(2, N * C), dY = TestData.Normal(3, N * C), dX = new double[N * C];
        double Loss()
        {
            var y = new double[N * C];
            Reference.Dropout.Forward(y, x, residual, seed: 42, stream: 3, step: 9, firstRow: 4, probability: 0.25, N, C);
            return Dot(y, dY);
        }

        Reference.Dropout.Backward(dX, dY, seed: 42, stream: 3, step: 9, firstRow: 4, probability: 0.25, N, C);
        AssertGradient(Loss, x, dX, elements: N * C);
        AssertGradient(Loss, residual, dY);
    }

    [Test]
    public void Gather()
    {
        int[] rows = [20, 3, 7, 0];
        double[] x = TestData.Normal(1, N * C), dY = TestData.Normal(2, rows.Length * C), dX = new double[N * C];
        double Loss()
        {
            var y = new double[rows.Length * C];
            Reference.Elementwise.Gather(y, x, rows, C);
            return Dot(y, dY);
        }

        Reference.Elementwise.ScatterAdd(dX, dY, rows, C);
        AssertGradient(Loss, x, dX, elements: N * C);
    }

    [TestCase(1)]
    [TestCase(0.7)]
    [TestCase(2.5)]
    public void LogProb(double temperature)
    {
        double[] logits = TestData.Normal(1, N * V, 3), dLogprobs = TestData.Normal(2, N), dLogits = new double[N * V];
        double[] logprobs = new double[N], lse = new double[N];
        int[] targets = TestData.Integers(3, N, V);
        double Loss()
        {
            Reference.LogProb.Forward(logprobs, lse, null, logits, targets, temperature, N, V);
            return Dot(logprobs, dLogprobs);
        }

        Loss();
        Reference.LogProb.Backward(dLogits, dLogprobs, lse, logits, targets, temperature, N, V);
        AssertGradient(Loss, logits, dLogits, elements: 500);
    }

    [Test]
    public void RankingLoss_K_wise()
    {
        // Two prompts: four answers ranked 2 < 0 < 3 < 1, and three with a tie (its pair is left out).
        int[] winners = [2, 2, 2, 0, 0, 3, 4, 4], losers = [0, 3, 1, 3, 1, 1, 5, 6];
        double[] weights = [.. Enumerable.Repeat(1 / 12.0, 6), .. Enumerable.Repeat(1 / 4.0, 2)];
        double[] scores = TestData.Normal(1, 7, 2), dScores = new double[7], statistics = new double[4];
        double Loss()
        {
            Reference.RankingLoss.Forward(statistics, new double[7], scores, winners, losers, weights);
            return statistics[0];
        }

        Reference.RankingLoss.Forward(statistics, dScores, scores, winners, losers, weights);
        AssertGradient(Loss, scores, dScores);
        Assert.That(statistics[3], Is.EqualTo(8));
    }

    [Test]
    public void PolicyLoss_on_both_sides_of_the_clip()
    {
        // Every pair of {ratio below, inside, above the range} and {positive, negative, no advantage}.
        double[] changes = [-0.5, -0.3, -0.1, 0.05, 0.15, 0.25, 0.6];
        double[] advantages = [1.3, -0.7, 0];
        double[] logprobs = [.. changes.SelectMany(change => advantages.Select(_ => -2 + change))];
        double[] A = [.. changes.SelectMany(_ => advantages)], old = TestData.Filled(A.Length, -2), dLogprobs = new double[A.Length];
        const double scale = 1.0 / 21;
        double Loss()
        {
            var statistics = new double[5];
            Reference.PpoLoss.Policy(statistics, new double[A.Length], logprobs, old, A, 0.2, scale);
            return scale * statistics[0];
        }

        var totals = new double[5];
        Reference.PpoLoss.Policy(totals, dLogprobs, logprobs, old, A, 0.2, scale);
        AssertGradient(Loss, logprobs, dLogprobs);

        // Beyond the range in the favoured direction: 2 ratios above 1.2 with A > 0, 2 below 0.8 with A < 0.
        Assert.That(totals[1], Is.EqualTo(4));
        Assert.That(dLogprobs.Count(d => d == 0), Is.EqualTo(4 + changes.Length));
        Assert.That(totals[4], Is.EqualTo(Math.Exp(0.6) - 1).Within(1e-12));
    }

    [Test]
    public void KlPenalty_is_zero_at_the_reference_and_positive_elsewhere()
    {
        double[] changes = [-0.7, -0.1, 0, 0.2, 1.5];
        double[] reference = TestData.Filled(changes.Length, -2), logprobs = [.. changes.Select(change => change - 2)];
        double[] weights = [0.3, 1, 2, 0.5, 0.1], dLogprobs = new double[changes.Length];
        double Loss()
        {
            var statistics = new double[1];
            Reference.PpoLoss.Kl(statistics, new double[changes.Length], logprobs, reference, weights);
            return statistics[0];
        }

        Reference.PpoLoss.Kl(new double[1], dLogprobs, logprobs, reference, weights);
        AssertGradient(Loss, logprobs, dLogprobs);
        Assert.That(dLogprobs[2], Is.Zero);
        Assert.That(Loss(), Is.GreaterThan(0));
    }

    [Test]
    public void ValueLoss_on_both_sides_of_the_clip()
    {
        double[] changes = [-0.9, -0.4, -0.1, 0.15, 0.3, 1.2];
        double[] targets = [-2, 0.45, 3];
        double[] values = [.. changes.SelectMany(change => targets.Select(_ => 0.5 + change))];
        double[] R = [.. changes.SelectMany(_ => targets)], old = TestData.Filled(R.Length, 0.5), dValues = new double[R.Length];
        const double scale = 0.1 / 18;
        double Loss()
        {
            var statistics = new double[3];
            Reference.PpoLoss.Value(statistics, new double[R.Length], values, old, R, 0.2, scale);
            return scale * statistics[0];
        }

        var totals = new double[3];
        Reference.PpoLoss.Value(totals, dValues, values, old, R, 0.2, scale);
        AssertGradient(Loss, values, dValues);

        // Values that left the range towards the return: 2 changes below with R = −2, 2 above with R = 3.
        Assert.That(totals[1], Is.EqualTo(4));
        Assert.That(dValues.Count(d => d == 0), Is.EqualTo(4));
    }

    /// <summary>
    /// Compares <paramref name="gradient"/> with (f(x + h) − f(x − h)) / 2h, by norm over up to <paramref name="elements"/>
    /// elements spread over x.
    /// </summary>
    private static void AssertGradient(Func<double> loss, double[] x, double[] gradient, int elements = 150)
    {
        int stride = Math.Max(1, x.Length / elements);
        List<double> analytic = [], numeric = [];
        for (int i = 0; i < x.Length; i += stride)
        {
            const double h = 1e-5;
            double kept = x[i];
            x[i] = kept + h;
            double above = loss();
            x[i] = kept - h;
            double below = loss();
            x[i] = kept;
            numeric.Add((above - below) / (2 * h));
            analytic.Add(gradient[i]);
        }

        Assert.That(Tolerance.RelativeError([.. analytic], [.. numeric]), Is.LessThanOrEqualTo(Tolerance.FiniteDifferences));
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
