namespace NativeRlhf.Kernels.Tests.Oracle;

/// <summary>What gradients cannot show: the oracle's values against numbers known from elsewhere.</summary>
public class OracleValueTests
{
    // x·erfc(−x/√2)/2 and the tanh formula, computed with the C library.
    [TestCase(1, 0.8413447460685429, 0.8411919906082768)]
    [TestCase(-1, -0.15865525393145705, -0.15880800939172324)]
    [TestCase(0, 0, 0)]
    [TestCase(3, 2.99595030590511, 2.996362607918227)]
    [TestCase(-5, -1.4332578593959731e-06, -2.2917961972623857e-07)]
    public void Gelu(double x, double exact, double tanh)
    {
        Assert.That(Reference.Activation.GeluExact(x), Is.EqualTo(exact).Within(1e-15));
        Assert.That(Reference.Activation.GeluTanh(x), Is.EqualTo(tanh).Within(1e-15));
    }

    [Test]
    public void Gelu_series_and_continued_fraction_meet()
    {
        double inside = Reference.Activation.GeluExact(-4), outside = Reference.Activation.GeluExact(-4.000000001);
        Assert.That(inside, Is.EqualTo(-4 * 3.1671241833119921e-05).Within(1e-15));
        Assert.That(outside, Is.EqualTo(inside).Within(1e-12));
    }

    [Test]
    public void LayerNorm_has_mean_zero_and_variance_one()
    {
        double[] y = new double[4], mean = new double[1], rstd = new double[1];
        Reference.LayerNorm.Forward(y, mean, rstd, [1, 2, 3, 6], TestData.Filled(4, 1), new double[4], 0, 1, 4);
        Assert.That(mean[0], Is.EqualTo(3));
        Assert.That(rstd[0], Is.EqualTo(1 / Math.Sqrt(3.5)).Within(1e-15));
        Assert.That(y.Sum(), Is.Zero.Within(1e-15));
        Assert.That(y.Sum(v => v * v), Is.EqualTo(4).Within(1e-14));
    }

    [Test]
    public void LogProb_of_a_uniform_row()
    {
        double[] logprobs = new double[1], lse = new double[1], entropy = new double[1];
        Reference.LogProb.Forward(logprobs, lse, entropy, [1000, 1000, 1000, 1000], [2], 2, 1, 4);
        Assert.That(logprobs[0], Is.EqualTo(-Math.Log(4)).Within(1e-12));
        Assert.That(entropy[0], Is.EqualTo(Math.Log(4)).Within(1e-12));
        Assert.That(lse[0], Is.EqualTo(500 + Math.Log(4)).Within(1e-12));
    }

    [Test]
    public void Entropy_is_minus_the_mean_logprob()
    {
        const int V = 101;
        double[] logits = TestData.Normal(1, V, 3), logprobs = new double[1], lse = new double[1], entropy = new double[1];
        double expected = 0;
        for (int j = 0; j < V; j++)
        {
            Reference.LogProb.Forward(logprobs, lse, entropy, logits, [j], 0.8, 1, V);
            expected -= Math.Exp(logprobs[0]) * logprobs[0];
        }

        Assert.That(entropy[0], Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void RankingLoss_of_one_pair_and_of_far_scores()
    {
        double[] statistics = new double[4], dScores = new double[2];
        Reference.RankingLoss.Forward(statistics, dScores, [0.5, 0.5], [0], [1], [1]);
        Assert.That(statistics, Is.EqualTo([Math.Log(2), 0.5, 0, 1]).Within(1e-15));
        Assert.That(dScores, Is.EqualTo([-0.5, 0.5]).Within(1e-15));

        Reference.RankingLoss.Forward(statistics, dScores, [-1000, 1000], [0], [1], [1]);
        Assert.That(statistics[0], Is.EqualTo(2000));
        Assert.That(dScores, Is.EqualTo(new double[] { -1, 1 }));
    }

    [Test]
    public void AdamW_first_step_moves_by_the_learning_rate()
    {
        // At t = 1 the corrected averages are g and g², so that w moves by lr·g/(|g| + ε).
        double[] w = [1, 1], m = new double[2], v = new double[2];
        Reference.AdamW.Step(w, [4, -0.5], m, v, 0.01, 0.9, 0.95, 1e-8, 0.1, 0.5, 1, tensorFlow: false);
        Assert.That(w, Is.EqualTo([0.999 - 0.01, 0.999 + 0.01]).Within(1e-9));
        Assert.That(m, Is.EqualTo([0.2, -0.025]).Within(1e-15));
        Assert.That(v, Is.EqualTo([0.2, 0.003125]).Within(1e-15));

        // In TensorFlow's form ε is divided by √(1 − β₂): with a tiny gradient the step is shorter.
        w = [1];
        Reference.AdamW.Step(w, [1e-8], [0], [0], 0.01, 0.9, 0.95, 1e-8, 0, 1, 1, tensorFlow: true);
        Assert.That(w[0], Is.EqualTo(1 - (0.01 / (1 + (1 / Math.Sqrt(0.05))))).Within(1e-9));
    }

    [Test]
    public void Dropout_drops_its_share_and_keeps_the_mean()
    {
        double[] x = TestData.Filled(40_000, 1), y = new double[40_000];
        Reference.Dropout.Forward(y, x, null, 7, 1, 2, 0, 0.25, 400, 100);
        Assert.That(y.Count(v => v == 0) / 40_000.0, Is.EqualTo(0.25).Within(0.01));
        Assert.That(y.Where(v => v != 0), Is.All.EqualTo(1 / 0.75));

        // The mask of a row does not depend on where the batch is cut.
        double[] tail = new double[10_000];
        Reference.Dropout.Forward(tail, x, null, 7, 1, 2, 300, 0.25, 100, 100);
        Assert.That(tail, Is.EqualTo(y[30_000..]));

        double[] other = new double[40_000];
        Reference.Dropout.Forward(other, x, null, 7, 1, 3, 0, 0.25, 400, 100);
        Assert.That(other, Is.Not.EqualTo(y));
    }

    private static readonly double[] Logits = [Math.Log(0.1), Math.Log(0.4), Math.Log(0.05), Math.Log(0.3), Math.Log(0.15)];

    [TestCase(1, 0, 1, new[] { 0, 1, 2, 3, 4 })]
    [TestCase(1, 2, 1, new[] { 1, 3 })]
    [TestCase(1, 9, 1, new[] { 0, 1, 2, 3, 4 })]
    [TestCase(1, 0, 0.39, new[] { 1 })]
    [TestCase(1, 0, 0.41, new[] { 1, 3 })]
    [TestCase(1, 0, 0.86, new[] { 0, 1, 3, 4 })]
    [TestCase(1, 3, 0.8, new[] { 1, 3 }, Description = "0.4 and 0.3 of 0.85 are more than 0.8")]
    [TestCase(0, 0, 1, new[] { 1 })]
    public void Sampling_allows(double temperature, int topK, double topP, int[] allowed)
    {
        double[] p = Reference.Sampling.Probabilities(Logits, temperature, topK, topP);
        Assert.That(Enumerable.Range(0, 5).Where(j => p[j] > 0), Is.EqualTo(allowed));
        Assert.That(p.Sum(), Is.EqualTo(1).Within(1e-12));
        Assert.That(p[1] / p[allowed[0]], Is.EqualTo(Math.Exp(Logits[1] - Logits[allowed[0]])).Within(1e-12));
    }

    [Test]
    public void Sampling_keeps_equal_tokens_together()
    {
        Assert.That(Reference.Sampling.Probabilities([1, 2, 2, 0], 1, 1, 1), Is.EqualTo([0, 0.5, 0.5, 0]).Within(1e-15));
        Assert.That(Reference.Sampling.Probabilities([2, 2, 2, 2], 1, 0, 0.3), Is.EqualTo(TestData.Filled(4, 0.25)).Within(1e-15));
        Assert.That(Reference.Sampling.Probabilities([1, 2, 2, 0], 0, 0, 1), Is.EqualTo(new double[] { 0, 1, 0, 0 }));
    }
}
