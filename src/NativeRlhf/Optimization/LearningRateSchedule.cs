namespace NativeRlhf.Optimization;

/// <summary>How the learning rate goes on after warm-up.</summary>
public enum LearningRateShape
{
    /// <summary>It stays at its peak.</summary>
    Constant,

    /// <summary>It falls in a straight line.</summary>
    Linear,

    /// <summary>It falls along half a cosine wave.</summary>
    Cosine,
}

/// <summary>
/// The learning rate of every step. Warm-up step i of w has (i + 1)/w of the peak. Step i of the n steps that follow,
/// counted from 0, has the progress p = i/n and
/// <code>
/// constant   peak
/// linear     peak · (f + (1 − f)(1 − p))
/// cosine     peak · (f + (1 − f) · ½(1 + cos πp))
/// </code>
/// so that both fall from the peak towards f · peak, which the step after the last one would have.
/// </summary>
/// <param name="Shape">How it goes on after warm-up.</param>
/// <param name="Peak">The learning rate after warm-up.</param>
/// <param name="Steps">All steps of the run, warm-up included, ≥ 1.</param>
/// <param name="WarmupSteps">w ≥ 0.</param>
/// <param name="FinalFraction">f in [0, 1]; of no effect when constant.</param>
public sealed record LearningRateSchedule(
    LearningRateShape Shape, double Peak, long Steps, long WarmupSteps = 0, double FinalFraction = 0)
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The step, counted from 0; beyond the last one the rate stays where it ends.</param>
    /// <returns>A rate between 0 and the peak.</returns>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (step < WarmupSteps)
            return Peak * (step + 1) / WarmupSteps;
        long rest = Steps - WarmupSteps;
        double progress = rest > 0 ? Math.Min(1, (double)(step - WarmupSteps) / rest) : 1;
        return Peak * Shape switch
        {
            LearningRateShape.Linear => FinalFraction + (1 - FinalFraction) * (1 - progress),
            LearningRateShape.Cosine => FinalFraction + (1 - FinalFraction) * 0.5 * (1 + Math.Cos(Math.PI * progress)),
            _ => 1,
        };
    }
}
