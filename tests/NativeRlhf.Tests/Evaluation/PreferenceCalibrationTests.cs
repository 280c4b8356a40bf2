using NativeRlhf.Evaluation;

namespace NativeRlhf.Tests.Evaluation;

public class PreferenceCalibrationTests
{
    /// <summary>The margin at which a model expects a preference with a probability.</summary>
    private static double Margin(double expected) => Math.Log(expected / (1 - expected));

    [Test]
    public void AModelThatIsRightAsOftenAsItExpectsHasNoError()
    {
        var calibration = new PreferenceCalibration();
        foreach (double expected in (double[])[0.6, 0.725, 0.9])
        {
            for (int i = 0; i < 1000; i++) calibration.Add(i < 1000 * expected ? Margin(expected) : -Margin(expected));
        }

        Assert.That(calibration.Pairs, Is.EqualTo(3000));
        Assert.That(calibration.Error, Is.EqualTo(0).Within(1e-9));
    }

    [Test]
    public void TheErrorIsTheDistanceWeightedByPairs()
    {
        var calibration = new PreferenceCalibration();
        // 30 pairs at 0.97 of which 21 are right, 10 at 0.52 of which all are: (30 · 0.27 + 10 · 0.48) / 40.
        for (int i = 0; i < 30; i++) calibration.Add(i < 21 ? Margin(0.97) : -Margin(0.97));
        for (int i = 0; i < 10; i++) calibration.Add(Margin(0.52));
        Assert.That(calibration.Error, Is.EqualTo(0.3225).Within(1e-9));

        var bins = calibration.ToJson()["bins"]!.AsArray();
        Assert.That(bins, Has.Count.EqualTo(10));
        Assert.That((long)bins[0]!["pairs"]!, Is.EqualTo(10));
        Assert.That((double)bins[9]!["expected"]!, Is.EqualTo(0.97).Within(1e-9));
        Assert.That((double)bins[9]!["observed"]!, Is.EqualTo(0.7).Within(1e-9));
        Assert.That((double)bins[9]!["from"]!, Is.EqualTo(0.95).Within(1e-9));
        Assert.That(bins[5]!["expected"], Is.Null, "no pair fell there");
    }

    [TestCase(0, 0)]
    [TestCase(1000, 0)]
    [TestCase(-1000, 1)]
    public void ExtremesHaveABin(double margin, double error)
    {
        var calibration = new PreferenceCalibration();
        calibration.Add(margin);
        Assert.That(calibration.Error, Is.EqualTo(error));
    }
}
