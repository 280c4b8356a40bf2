using NativeRlhf.Rl;

namespace NativeRlhf.Tests.Rl;

public class WhiteningTests
{
    private static readonly float[] Nine = [1.2f, 1.3f, 1.4f, 1.5f, 1.6f, 1.7f, 1.8f, 1.9f, 2.0f];

    [Test]
    public void The_mean_may_stay()
    {
        float[] values = [.. Nine];
        Whitening.Whiten(values, keepMean: true);
        Assert.That(values, Is.EqualTo(new[] { 0.0508, 0.4381, 0.8254, 1.2127, 1.6, 1.9873, 2.3746, 2.7619, 3.1492 }).Within(5e-5));
    }

    [Test]
    public void Or_go_to_zero()
    {
        float[] values = [.. Nine];
        Whitening.Whiten(values, keepMean: false);
        (double mean, double variance) = Whitening.MeanAndVariance(values);
        Assert.That(mean, Is.EqualTo(0).Within(1e-6));
        Assert.That(variance, Is.EqualTo(1).Within(1e-6));
    }

    [Test]
    public void Packed_values_need_no_mask()
    {
        // Of [1, 2, 3, 4] with the mask [0, 1, 1, 0]: mean 2.5, unbiased variance 0.5.
        float[] all = [1, 2, 3, 4];
        (double mean, double variance) = Whitening.MeanAndVariance(all.AsSpan(1, 2));
        Assert.That((mean, variance * 2 / (2 - 1)), Is.EqualTo((2.5, 0.5)));
    }

    [Test]
    public void Equal_values_become_zero_and_none_stay_none()
    {
        float[] values = [3, 3, 3];
        Whitening.Whiten(values, keepMean: false);
        Assert.That(values, Is.All.Zero);
        Assert.DoesNotThrow(() => Whitening.Whiten([], keepMean: true));
    }

    [Test]
    public void Scores_of_reference_answers_are_normalised()
    {
        float[] raw = [1, 2, 3, 6];
        ScoreNormalization bias = ScoreNormalization.ToZeroMean(raw);
        Assert.That(bias, Is.EqualTo(new ScoreNormalization(1, -3)));
        ScoreNormalization both = ScoreNormalization.ToUnitVariance(raw);
        float[] scores = [.. raw.Select(score => (float)(both.Scale * score + both.Bias))];
        (double mean, double variance) = Whitening.MeanAndVariance(scores);
        Assert.That(mean, Is.EqualTo(0).Within(1e-6));
        Assert.That(variance, Is.EqualTo(1).Within(1e-6));
        Assert.Throws<ArgumentException>(() => ScoreNormalization.ToUnitVariance([2, 2]));
        Assert.Throws<ArgumentException>(() => ScoreNormalization.ToZeroMean([]));
    }
}
