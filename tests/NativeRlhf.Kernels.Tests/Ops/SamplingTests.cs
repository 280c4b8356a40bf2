using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class SamplingTests(string device, string variant) : OpTests(device, variant)
{
    private const ulong Seed = 0x5EED0000002A;

    /// <summary>How near to a boundary of the cumulative distribution float32 may decide otherwise than the oracle.</summary>
    private const double BoundaryWidth = 1e-5;

    [TestCase(1f, 0, 1f)]
    [TestCase(0.7f, 0, 1f)]
    [TestCase(1.5f, 0, 1f)]
    [TestCase(1f, 10, 1f)]
    [TestCase(1f, 1, 1f)]
    [TestCase(1f, 500, 1f)]
    [TestCase(1f, 0, 0.9f)]
    [TestCase(1f, 0, 0.01f)]
    [TestCase(0.8f, 20, 0.8f)]
    public void Draws_the_oracles_tokens(float temperature, int topK, float topP)
    {
        foreach (int V in Pick([1, 5, 16, 101, 1027], new[] { 5, 101 }))
        {
            int R = Pick(200, 10);
            double[] logits = TestData.Normal(V, R * V, 2);
            int[] streams = [.. Enumerable.Range(0, R).Select(r => r % 7)], positions = [.. Enumerable.Range(0, R).Select(r => 1000 + (r / 7))];
            var settings = new SamplingSettings(temperature, topK, topP, Seed);
            int[] tokens = Draw(Bench, logits, V, streams, positions, settings);
            for (int r = 0; r < R; r++)
            {
                double[] p = Reference.Sampling.Probabilities(logits[(r * V)..((r + 1) * V)], temperature, topK, topP);
                int expected = Reference.Sampling.Draw(p, Seed, (uint)streams[r], (uint)positions[r]);
                if (tokens[r] == expected) continue;

                double u = Reference.Philox.Uniform(Seed, Reference.Philox.SamplingPurpose, (uint)streams[r], (uint)positions[r]);
                double upper = p.Take(tokens[r] + 1).Sum(), lower = upper - p[tokens[r]];
                Assert.That(u, Is.InRange(lower - BoundaryWidth, upper + BoundaryWidth), $"V = {V}, row {r}: token {tokens[r]}, oracle {expected}");
                Assert.That(p[tokens[r]], Is.Positive, $"V = {V}, row {r}: token {tokens[r]} is not allowed");
            }
        }
    }

    [Test]
    public void Frequencies_are_the_softmax()
    {
        int R = Pick(5000, 150);
        double[] row = [0.3, -1, 1.2, 0, 0.8, -0.4, 0.1], p = Reference.Sampling.Probabilities(row, 1, 0, 1);
        int[] tokens = Draw(Bench, Repeat(row, R), row.Length, [.. Enumerable.Range(0, R)], new int[R], new SamplingSettings(1, 0, 1, Seed));
        double chiSquare = p.Select((pj, j) => Math.Pow(tokens.Count(t => t == j) - (R * pj), 2) / (R * pj)).Sum();
        // Six degrees of freedom: 22.46 is exceeded with probability 0.001.
        Assert.That(chiSquare, Is.InRange(0, 22.46));
    }

    [TestCase(1f, 3, 1f, new[] { 2, 4, 6 })]
    [TestCase(1f, 0, 0.6f, new[] { 2, 4, 6 })]
    [TestCase(1f, 4, 0.5f, new[] { 2, 4 })]
    [TestCase(0.3f, 0, 0.9f, new[] { 2, 4, 6 })]
    public void Exactly_the_allowed_tokens_are_drawn(float temperature, int topK, float topP, int[] allowed)
    {
        int R = Pick(2000, 40);
        double[] row = [0.3, -1, 1.2, 0, 0.9, -0.4, 0.6, 0.2];
        Assert.That(Reference.Sampling.Probabilities(row, temperature, topK, topP).Count(p => p > 0), Is.EqualTo(allowed.Length));
        int[] tokens = Draw(Bench, Repeat(row, R), row.Length, [.. Enumerable.Range(0, R)], new int[R], new SamplingSettings(temperature, topK, topP, Seed));
        Assert.That(tokens.Distinct().Order(), Is.EqualTo(allowed));
    }

    [Test]
    public void Equal_logits_stay_together()
    {
        // Equal logits from one end of a vector to the other, of which top-k = 2 and top-p = 0.5 would cut some off.
        int V = Pick(43, 7), R = Pick(3000, 50), other = V / 2;
        double[] row = TestData.Filled(V, 3.7f);
        row[2] = 5;
        row[0] = row[other] = -2;
        int[] allowed = [.. Enumerable.Range(1, V - 1).Where(j => j != other)];
        int[] streams = [.. Enumerable.Range(0, R)];
        foreach (var settings in new[] { new SamplingSettings(1.3f, 2, 1, Seed), new SamplingSettings(1.3f, 0, 0.5f, Seed) })
        {
            int[] tokens = Draw(Bench, Repeat(row, R), V, streams, new int[R], settings);
            Assert.That(tokens.Distinct().Order(), Is.EqualTo(allowed));
        }
    }

    [Test]
    public void Temperature_zero_takes_the_first_largest()
    {
        foreach (int V in new[] { 1, 16, 101 })
        {
            const int R = 9;
            double[] logits = TestData.Normal(V, R * V);
            int[] expected = new int[R];
            for (int r = 0; r < R; r++)
            {
                expected[r] = (r * 13) % V;
                logits[(r * V) + expected[r]] = 10;
                logits[(r * V) + V - 1] = 10;
            }

            Assert.That(Draw(Bench, logits, V, new int[R], new int[R], new SamplingSettings(0, 0, 1, Seed)), Is.EqualTo(expected));
        }
    }

    [Test]
    public void A_row_without_a_distribution_has_no_token([Values(0f, 1f)] float temperature, [Values] bool restricted)
    {
        // One logit of every second row, at all places of vectors and of the rest behind them; then none above −∞.
        int V = Pick(1027, 21), step = Pick(41, 5);
        int[] places = [.. Enumerable.Range(0, V).Where(j => j % step == 0 || j > V - 4)];
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
        {
            int R = 2 * places.Length;
            double[] logits = TestData.Normal(7, R * V, 2);
            for (int i = 0; i < places.Length; i++)
            {
                var row = logits.AsSpan(2 * i * V, V);
                if (double.IsNegativeInfinity(bad)) row.Fill(bad);
                else row[places[i]] = bad;
            }

            var settings = restricted ? new SamplingSettings(temperature, 5, 0.9f, Seed) : new SamplingSettings(temperature, 0, 1, Seed);
            int[] tokens = Draw(Bench, logits, V, [.. Enumerable.Range(0, R)], new int[R], settings);
            Assert.That(tokens.Where((_, r) => r % 2 == 0), Is.All.EqualTo(-1), $"{bad}");
            Assert.That(tokens.Where((_, r) => r % 2 == 1), Is.All.InRange(0, V - 1), "the rows between");
        }
    }

    [TestCase(0f)]
    [TestCase(1e-40f)]
    [TestCase(1e-30f)]
    [TestCase(1f)]
    public void Tokens_of_minus_infinity_are_never_drawn(float temperature)
    {
        // At a small temperature the largest logit alone is left, though 1/T is beyond the floats.
        int V = Pick(300, 20), R = Pick(500, 12);
        double[] row = TestData.Filled(V, double.NegativeInfinity);
        (row[3], row[V - 2]) = (1.2, 1.5);
        int[] tokens = Draw(Bench, Repeat(row, R), V, [.. Enumerable.Range(0, R)], new int[R], new SamplingSettings(temperature, 10, 0.99f, Seed));
        Assert.That(tokens.Distinct().Order(), Is.EqualTo(temperature < 1 ? new[] { V - 2 } : [3, V - 2]));
    }

    [Test]
    public void Seed_stream_and_position_each_change_the_draw()
    {
        const int R = 24;
        double[] logits = new double[R * R];
        int[] zeros = new int[R], count = [.. Enumerable.Range(0, R)];
        var settings = new SamplingSettings(1, 0, 1, Seed);
        int[] first = Draw(Bench, logits, R, count, zeros, settings);
        Assert.That(Draw(Bench, logits, R, count, zeros, settings), Is.EqualTo(first), "the same again");
        Assert.That(Draw(Bench, logits, R, count, zeros, settings with { Seed = 1 }), Is.Not.EqualTo(first));
        Assert.That(Draw(Bench, logits, R, zeros, count, settings), Is.Not.EqualTo(first));
        Assert.That(Draw(Bench, logits, R, zeros, zeros, settings).Distinct().Count(), Is.EqualTo(1), "one stream and position, one number");
    }

    [Test]
    public void Variants_draw_the_same_tokens()
    {
        // Launched kernels have an exponential of their own: theirs may differ where a draw lies at a boundary, which is rare.
        int R = Pick(200, 24), V = Pick(3001, 101);
        double[] logits = TestData.Normal(3, R * V, 2);
        int[] streams = [.. Enumerable.Range(0, R)], positions = new int[R];
        var scalar = KernelVariants.Open("cpu", "scalar");
        foreach (var settings in new[] { new SamplingSettings(1, 0, 1, Seed), new SamplingSettings(0.9f, 50, 0.95f, Seed), new SamplingSettings(1.2f, 0, 0.9f, Seed) })
        {
            int[] tokens = Draw(Bench, logits, V, streams, positions, settings);
            Assert.That(Draw(scalar, logits, V, streams, positions, settings), Is.EqualTo(tokens));
            if (scalar != Bench) scalar.End();
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        int R = bench.IsSimulated ? 12 : 100, V = 101;
        int[] tokens = Draw(bench, TestData.Normal(1, R * V, 2), V, [.. Enumerable.Range(0, R)], new int[R], new SamplingSettings(1.1f, 30, 0.9f, Seed));
        return [bench.Upload(Array.ConvertAll(tokens, t => (double)t))];
    }

    private static int[] Draw(Workbench bench, double[] logits, int V, int[] streams, int[] positions, SamplingSettings settings)
    {
        int R = streams.Length;
        var tokens = bench.Indices([.. Enumerable.Repeat(-1, R)]);
        bench.Kernels.Sampling.Forward(tokens, bench.Upload(logits, R, V), bench.Indices(streams), bench.Indices(positions), settings);
        return bench.Read(tokens);
    }

    private static double[] Repeat(double[] row, int count) => [.. Enumerable.Repeat(row, count).SelectMany(r => r)];
}
