namespace NativeRlhf.Reference;

/// <summary>
/// AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019): every weight moves by about the learning rate, in the direction
/// of the averaged gradient m, relative to the averaged size √v of its gradient. Both averages start at zero, which the
/// factors 1 − βᵗ correct. Weight decay acts on the weight itself, not through the gradient.
/// </summary>
public static class AdamW
{
    /// <summary>
    /// g ← gradientScale·g; m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·λ·w; then
    /// w ← w − lr·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) (Kingma and Ba, algorithm 1; PyTorch), or
    /// w ← w − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε) (the form at the end of their section 2; TensorFlow 1), where ε weighs
    /// more in early steps.
    /// </summary>
    /// <param name="weights">w (any shape) +=</param>
    /// <param name="gradients">g (as many)</param>
    /// <param name="firstMoments">m (as many) =</param>
    /// <param name="secondMoments">v (as many) =</param>
    /// <param name="learningRate">lr</param>
    /// <param name="beta1">β₁</param>
    /// <param name="beta2">β₂</param>
    /// <param name="epsilon">ε</param>
    /// <param name="weightDecay">λ</param>
    /// <param name="gradientScale">The factor on the gradient.</param>
    /// <param name="step">t, from 1</param>
    /// <param name="tensorFlow">Whether ε is added as in TensorFlow 1.</param>
    public static void Step(
        double[] weights, double[] gradients, double[] firstMoments, double[] secondMoments, double learningRate,
        double beta1, double beta2, double epsilon, double weightDecay, double gradientScale, int step, bool tensorFlow)
    {
        double correction1 = 1 - Math.Pow(beta1, step), correction2 = 1 - Math.Pow(beta2, step);
        for (int i = 0; i < weights.Length; i++)
        {
            double g = gradientScale * gradients[i];
            double m = firstMoments[i] = beta1 * firstMoments[i] + (1 - beta1) * g;
            double v = secondMoments[i] = beta2 * secondMoments[i] + (1 - beta2) * g * g;
            weights[i] -= learningRate * weightDecay * weights[i];
            weights[i] -= tensorFlow
                ? learningRate * Math.Sqrt(correction2) / correction1 * m / (Math.Sqrt(v) + epsilon)
                : learningRate * (m / correction1) / (Math.Sqrt(v / correction2) + epsilon);
        }
    }
}
