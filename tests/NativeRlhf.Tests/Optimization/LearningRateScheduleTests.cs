using NativeRlhf.Optimization;

namespace NativeRlhf.Tests.Optimization;

public class LearningRateScheduleTests
{
    [Test]
    public void Warm_up_begins_with_its_first_share_and_ends_at_the_peak()
    {
        // Ten steps of warm-up from a tenth, as in InstructGPT.
        var schedule = new LearningRateSchedule(LearningRateShape.Constant, 2, Steps: 100, WarmupSteps: 10);
        Assert.That(Enumerable.Range(0, 12).Select(step => schedule.At(step)),
            Is.EqualTo(new[] { 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.0, 2.0 }).Within(1e-12));
    }

    [Test]
    public void Linear_falls_in_a_straight_line()
    {
        var schedule = new LearningRateSchedule(LearningRateShape.Linear, 1, Steps: 4);
        Assert.That(Enumerable.Range(0, 6).Select(step => schedule.At(step)), Is.EqualTo(new[] { 1, 0.75, 0.5, 0.25, 0, 0 }).Within(1e-12));
        var above = new LearningRateSchedule(LearningRateShape.Linear, 10, Steps: 6, WarmupSteps: 2, FinalFraction: 0.5);
        Assert.That(Enumerable.Range(0, 7).Select(step => above.At(step)), Is.EqualTo(new[] { 5, 10, 10, 8.75, 7.5, 6.25, 5 }).Within(1e-12));
    }

    [Test]
    public void Cosine_falls_along_half_a_wave()
    {
        var schedule = new LearningRateSchedule(LearningRateShape.Cosine, 1, Steps: 4, FinalFraction: 0.1);
        double half = 0.5 * (1 + Math.Sqrt(0.5));
        Assert.That(Enumerable.Range(0, 5).Select(step => schedule.At(step)),
            Is.EqualTo(new[] { 1, 0.1 + 0.9 * half, 0.55, 0.1 + 0.9 * (1 - half), 0.1 }).Within(1e-12));
    }

    [Test]
    public void A_run_of_warm_up_alone_never_divides_by_zero() =>
        Assert.That(new LearningRateSchedule(LearningRateShape.Cosine, 1, Steps: 2, WarmupSteps: 2, FinalFraction: 0.1).At(2), Is.EqualTo(0.1).Within(1e-12));
}
