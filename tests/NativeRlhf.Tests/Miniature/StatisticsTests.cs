using NativeRlhf.Miniature;

namespace NativeRlhf.Tests.Miniature;

public sealed class StatisticsTests
{
    [Test]
    public void A_tie_is_half_a_win() =>
        Assert.That(Statistics.Wins([7, 3, 5], [3, 7, 5]), Is.EqualTo(new[] { 1, 0, 0.5 }));

    [Test]
    public void The_interval_has_the_width_that_theory_gives()
    {
        var random = new WorldRandom(3, "sample");
        double[] values = [.. Enumerable.Range(0, 400).Select(_ => random.Chance(0.3) ? 1.0 : 0)];
        Interval interval = Statistics.Bootstrap(values, resamples: 2000);
        double error = 1.96 * Math.Sqrt(interval.Mean * (1 - interval.Mean) / values.Length);
        Assert.Multiple(() =>
        {
            Assert.That(interval.Mean, Is.EqualTo(values.Average()));
            Assert.That(interval.High - interval.Low, Is.EqualTo(2 * error).Within(0.1 * error));
        });
    }

    [Test]
    public void The_interval_holds_the_truth_as_often_as_it_claims()
    {
        int held = 0;
        for (int trial = 0; trial < 200; trial++)
        {
            var random = new WorldRandom(4, "trial", trial);
            double[] values = [.. Enumerable.Range(0, 60).Select(_ => random.Unit())];
            Interval interval = Statistics.Bootstrap(values, resamples: 200);
            held += interval.Low <= 0.5 && 0.5 <= interval.High ? 1 : 0;
        }

        Assert.That(held, Is.InRange(178, 198));
    }

    [Test]
    public void Same_seed_same_interval_constant_values_no_width()
    {
        double[] values = [.. Enumerable.Range(0, 50).Select(i => (double)(i % 7))];
        Assert.Multiple(() =>
        {
            Assert.That(Statistics.Bootstrap(values, 9), Is.EqualTo(Statistics.Bootstrap([.. values], 9)));
            Assert.That(Statistics.Bootstrap(values, 9), Is.Not.EqualTo(Statistics.Bootstrap(values, 10)));
            Assert.That(Statistics.Bootstrap([2, 2, 2]), Is.EqualTo(new Interval(2, 2, 2)));
            Assert.That(new Interval(1, 0, 2).IsDisjointFrom(new Interval(4, 3, 5)));
            Assert.That(new Interval(1, 0, 3).IsDisjointFrom(new Interval(4, 3, 5)), Is.False);
        });
    }

    [Test]
    public void Impossible_requests_are_refused()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => Statistics.Bootstrap([]), Throws.ArgumentException);
            Assert.That(() => Statistics.Bootstrap([1], level: 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Statistics.Bootstrap([1], resamples: 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Statistics.Wins([1], [1, 2]), Throws.ArgumentException);
        });
    }
}
