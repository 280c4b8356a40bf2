using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Reporting.Charts;

namespace NativeRlhf.Reporting.Tests;

public sealed class ScaleTests
{
    private static readonly Gen<double> Numbers = Gen.OneOf(
        Gen.Choose(-1000, 1000).Select(n => (double)n), Gen.Choose(-1000000, 1000000).Select(n => n / 1e7),
        Gen.Choose(-300, 300).Select(n => Math.Pow(10, n)), ArbMap.Default.GeneratorFor<double>());

    private static readonly Arbitrary<double[]> Values = Gen.NonEmptyListOf(Numbers).Select(list => list.ToArray()).ToArbitrary();

    [TestCase(new[] { 0.0, 10 }, 6, new[] { 0.0, 2, 4, 6, 8, 10 })]
    [TestCase(new[] { 0.828, 6.491 }, 5, new[] { 0.0, 2, 4, 6, 8 })]
    [TestCase(new[] { -0.3, 0.12 }, 6, new[] { -0.3, -0.2, -0.1, 0, 0.1, 0.2 })]
    [TestCase(new[] { 0.1, 0.3 }, 4, new[] { 0.1, 0.2, 0.3 })]
    public void LinearTicksAreRound(double[] values, int most, double[] expected) => Assert.That(AxisScale.For(values, most).Ticks, Is.EqualTo(expected));

    [Test]
    public void ExactScalesEndAtTheirValues()
    {
        var scale = AxisScale.For([1, 60], 8, isExact: true, wholeSteps: true);
        Assert.That((scale.Low, scale.High), Is.EqualTo((1.0, 60.0)));
        Assert.That(scale.Ticks, Is.EqualTo(new double[] { 10, 20, 30, 40, 50, 60 }));
        Assert.That(AxisScale.For([1, 2], 8, isExact: true, wholeSteps: true).Ticks, Is.EqualTo(new double[] { 1, 2 }));
    }

    [TestCase(new[] { 2e5, 6e6 }, 8, new[] { 2e5, 5e5, 1e6, 2e6, 5e6 }, true)]
    [TestCase(new[] { 0.003, 40 }, 6, new[] { 0.001, 0.01, 0.1, 1, 10, 100 }, false)]
    public void LogarithmicTicksAreRound(double[] values, int most, double[] expected, bool isExact)
    {
        var scale = AxisScale.For(values, most, isLogarithmic: true, isExact: isExact);
        Assert.That(scale.IsLogarithmic);
        Assert.That(scale.Ticks, Is.EqualTo(expected));
        Assert.That(scale.Position(Math.Sqrt(scale.Low * scale.High)), Is.EqualTo(0.5).Within(1e-12));
    }

    [Test]
    public void WithoutPositiveValuesAScaleIsLinear() => Assert.That(AxisScale.For([-1, 0], 5, isLogarithmic: true).IsLogarithmic, Is.False);

    [Test]
    public void ScalesHoldForAllValues() =>
        Prop.ForAll(Values, Gen.Choose(3, 9).ToArbitrary(), Gen.Choose(0, 15).ToArbitrary(), (values, most, kind) =>
        {
            var scale = AxisScale.For(values, most, isLogarithmic: (kind & 1) > 0, isPercent: (kind & 2) > 0, isExact: (kind & 4) > 0, fromZero: (kind & 8) > 0);
            double[] ticks = [.. scale.Ticks];
            bool isOrdered = ticks.Zip(ticks.Skip(1)).All(pair => pair.First < pair.Second);
            bool isInside = ticks.All(tick => tick >= scale.Low && tick <= scale.High);
            bool areThere = (kind & 4) > 0 || ticks.Length >= 2;
            bool areDistinct = ticks.Select(scale.Label).Distinct().Count() == ticks.Length;
            bool spansAll = values.Where(double.IsFinite).All(value => scale.Position(value) is >= 0 and <= 1)
                && values.Where(value => Math.Abs(value) is < 1e290 and > 1e-280).All(value => (scale.IsLogarithmic && value <= 0) || (value >= scale.Low && value <= scale.High));
            return (scale.Low < scale.High && isOrdered && isInside && areThere && spansAll && ticks.Length <= most)
                .Label($"{scale.Low} to {scale.High}: {string.Join(' ', ticks.Select(scale.Label))}").And(areDistinct);
        }).QuickCheckThrowOnFailure();

    [TestCase(new[] { 0.0, 0.5 }, false, "0.0 0.1 0.2 0.3 0.4 0.5")]
    [TestCase(new[] { 0.0, 1 }, true, "0 % 20 % 40 % 60 % 80 % 100 %")]
    [TestCase(new[] { 0.0, 0.02 }, true, "0.0 % 0.5 % 1.0 % 1.5 % 2.0 %")]
    [TestCase(new[] { 0.0, 30000 }, false, "0 5 k 10 k 15 k 20 k 25 k 30 k")]
    [TestCase(new[] { 0.0, 2.5e6 }, false, "0 0.5 M 1.0 M 1.5 M 2.0 M 2.5 M")]
    [TestCase(new[] { 0.0, 0.0004 }, false, "0 1e-4 2e-4 3e-4 4e-4")]
    [TestCase(new[] { -2.0, 0 }, false, "−2.0 −1.5 −1.0 −0.5 0.0")]
    public void LabelsHaveTheDigitsThatTheyNeed(double[] values, bool isPercent, string expected)
    {
        var scale = AxisScale.For(values, 7, isPercent: isPercent);
        Assert.That(string.Join(' ', scale.Ticks.Select(scale.Label)).Replace('\u00a0', ' ').Replace('\u2009', ' '), Is.EqualTo(expected));
    }

    [TestCase(0.85026, null, "0.8503")]
    [TestCase(12345, null, "12 345")]
    [TestCase(1234567, null, "1.23 M")]
    [TestCase(-0.00001234, null, "−1.234e-5")]
    [TestCase(0.4567, "%", "45.67 %")]
    [TestCase(0, null, "0")]
    [TestCase(-0.00004, "%", "0.0 %")]
    public void ValuesHaveFourDigits(double value, string? unit, string expected) =>
        Assert.That(Charts.Numbers.Value(value, unit).Replace('\u2009', ' ').Replace('\u00a0', ' '), Is.EqualTo(expected));

    [TestCase(3.24, "3.2 s")]
    [TestCase(59.96, "1 min 00 s")]
    [TestCase(229.5, "3 min 50 s")]
    [TestCase(7500, "2 h 05 min")]
    public void DurationsAreInTheirUnits(double seconds, string expected) => Assert.That(Charts.Numbers.Duration(seconds).Replace('\u00a0', ' '), Is.EqualTo(expected));

    [TestCase(999, "999")]
    [TestCase(999_600, "1 M")]
    [TestCase(956_832, "957 k")]
    public void CountsHaveThreeDigits(double count, string expected) => Assert.That(Charts.Numbers.Count(count).Replace('\u00a0', ' '), Is.EqualTo(expected));
}
