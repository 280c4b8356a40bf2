using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Reporting.Charts;

namespace NativeRlhf.Reporting.Tests;

public sealed class CurveTests
{
    private static readonly Arbitrary<Point[]> Curves = Gen.Choose(-1000, 1000).ListOf().Select(list => list.Select((y, i) => new Point(y, i)).ToArray()).ToArbitrary();

    [Test]
    public void ThinnedCurvesKeepTheirEndsAndExtremes() =>
        Prop.ForAll(Curves, Gen.Choose(4, 40).ToArbitrary(), (points, most) =>
        {
            var thin = Curve.Thin(points, most);
            if (points.Length <= most) return thin.SequenceEqual(points);
            return thin.Count <= most && thin[0] == points[0] && thin[^1] == points[^1]
                && thin.Min(point => point.Y) == points.Min(point => point.Y) && thin.Max(point => point.Y) == points.Max(point => point.Y)
                && thin.Zip(thin.Skip(1)).All(pair => pair.First.X < pair.Second.X) && thin.All(points.Contains);
        }).QuickCheckThrowOnFailure();

    [Test]
    public void ALongCurveKeepsASingleSpike()
    {
        var points = Enumerable.Range(0, 100_000).Select(i => new Point(i == 54_321 ? 9 : Math.Sin(i), i)).ToArray();
        var thin = Curve.Thin(points, 300);
        Assert.That(thin, Has.Count.LessThanOrEqualTo(300));
        Assert.That(thin.Where(point => point.Y == 9).Select(point => point.X), Is.EqualTo(new[] { 54_321.0 }));
    }

    /// <summary>By hand with w = 0.5: s = 1, 2.5, 5.25 over masses 0.5, 0.75, 0.875, each times 0.5.</summary>
    [Test]
    public void SmoothingIsTheCorrectedMovingAverage()
    {
        var smooth = Curve.Smooth([new Point(2), new Point(4, 1), new Point(8, 2)], 0.5);
        Assert.That(smooth.Select(point => point.Y), Is.EqualTo(new[] { 2, (0.5 + 2) / 0.75, (0.25 + 1 + 4) / 0.875 }).Within(1e-12));
        Assert.That(smooth.Select(point => point.X), Is.EqualTo(new double[] { 0, 1, 2 }));
    }

    [Test]
    public void WithoutWeightNothingIsSmoothed() =>
        Prop.ForAll(Curves, points => Curve.Smooth(points, 0).Select(point => point.Y).SequenceEqual(points.Select(point => point.Y))).QuickCheckThrowOnFailure();

    [Test]
    public void SpreadItemsBeginAndEndWithTheFirstAndTheLast() =>
        Prop.ForAll(Gen.Choose(2, 200).ToArbitrary(), Gen.Choose(2, 50).ToArbitrary(), (count, most) =>
        {
            int[] items = [.. Enumerable.Range(0, count)];
            var spread = Curve.Spread(items, most);
            return spread.Count == Math.Min(count, most) && spread[0] == 0 && spread[^1] == count - 1 && spread.Distinct().Count() == spread.Count;
        }).QuickCheckThrowOnFailure();
}
