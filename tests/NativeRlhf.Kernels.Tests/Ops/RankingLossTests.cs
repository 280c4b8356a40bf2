using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class RankingLossTests(string device, string variant) : OpTests(device, variant)
{
    [Test]
    public void Loss_and_gradient()
    {
        foreach (var (M, P) in new[] { (2, 1), (7, 11), (33, 101) })
        {
            var (scores, winners, losers, weights) = Case(M, P);
            double[] expected = new double[4], expectedScores = new double[M];
            Reference.RankingLoss.Forward(expected, expectedScores, scores, winners, losers, weights);

            Tensor statistics = Bench.Overwritten(4), dScores = Bench.Overwritten(M);
            Kernels.RankingLoss.Forward(statistics, dScores, Bench.Upload(scores), Bench.Indices(winners), Bench.Indices(losers), Bench.Upload(weights));
            AssertClose(statistics, expected, P, $"statistics of {P} pairs of {M}");
            AssertClose(dScores, expectedScores, P, $"dScores of {P} pairs of {M}");
            double[] actual = Bench.Read(statistics);
            Assert.That(actual[0], Is.EqualTo(expected[0]).Within(1e-5 * expected[0]));
            Assert.That(actual[1], Is.EqualTo(expected[1]));
            Assert.That(actual[3], Is.EqualTo(P));
        }
    }

    [Test]
    public void Equal_and_far_scores()
    {
        Tensor statistics = Bench.Overwritten(4), dScores = Bench.Overwritten(4);
        Kernels.RankingLoss.Forward(
            statistics, dScores, Bench.Upload([0.5, 0.5, -500, 500]), Bench.Indices([0, 2, 3]), Bench.Indices([1, 3, 2]), Bench.Upload([1, 0.5, 0.25]));
        AssertClose(statistics, [Math.Log(2) + 500, 1.5, 0, 3], 1, "statistics");
        AssertClose(dScores, [-0.5, 0.5, -0.5, 0.5], 1, "dScores");
    }

    [Test]
    public void No_pairs_give_zeros()
    {
        Tensor statistics = Bench.Overwritten(4), dScores = Bench.Overwritten(3);
        Kernels.RankingLoss.Forward(statistics, dScores, Bench.Upload([1, 2, 3]), Bench.Indices([]), Bench.Indices([]), Bench.Upload([], 0, 1));
        Assert.That(Bench.Read(statistics), Is.All.Zero);
        Assert.That(Bench.Read(dScores), Is.All.Zero);
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (scores, winners, losers, weights) = Case(33, 101);
        Tensor statistics = bench.Overwritten(4), dScores = bench.Overwritten(33);
        bench.Kernels.RankingLoss.Forward(statistics, dScores, bench.Upload(scores), bench.Indices(winners), bench.Indices(losers), bench.Upload(weights));
        return [statistics, dScores];
    }

    private static (double[] Scores, int[] Winners, int[] Losers, double[] Weights) Case(int M, int P)
    {
        int[] winners = TestData.Integers(1, P, M);
        int[] losers = [.. TestData.Integers(2, P, M - 1).Select((l, p) => l < winners[p] ? l : l + 1)];
        return (TestData.Normal(3, M, 2), winners, losers, [.. Enumerable.Range(0, P).Select(p => (double)(float)(1.0 / (P * (1 + p % 3))))]);
    }
}
