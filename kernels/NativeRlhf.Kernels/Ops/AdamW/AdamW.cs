using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Where Adam's ε is added.</summary>
public enum AdamForm
{
    /// <summary>PyTorch's, after the bias correction of v: Δ = lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).</summary>
    PyTorch,

    /// <summary>TensorFlow 1's, before it, as in the original RLHF code: Δ = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε).</summary>
    TensorFlow,
}

/// <summary>The numbers of one AdamW step.</summary>
/// <param name="LearningRate">lr of this step.</param>
/// <param name="Beta1">β₁, decay of the first moment.</param>
/// <param name="Beta2">β₂, decay of the second moment.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="WeightDecay">λ, decoupled: w −= lr·λ·w before the update.</param>
/// <param name="GradientScale">Factor on the gradient: 1, or less where the global norm is clipped.</param>
/// <param name="Step">t, from 1.</param>
/// <param name="Form">Where ε is added.</param>
/// <param name="Seed">The run's seed, for the stochastic rounding of weights that are of bfloat16 alone.</param>
/// <param name="First">The place of the first weight among all of the model, a multiple of 4, so that each is rounded by a draw of its own.</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float GradientScale, int Step, AdamForm Form, ulong Seed = 0, long First = 0)
{
    /// <summary>The factor of m / denominator: lr/(1 − β₁ᵗ), times √(1 − β₂ᵗ) in TensorFlow's form.</summary>
    public float StepSize => (float)(LearningRate / (1 - Math.Pow(Beta1, Step)) * (Form == AdamForm.TensorFlow ? Math.Sqrt(1 - Math.Pow(Beta2, Step)) : 1));

    /// <summary>The factor of √v in the denominator: 1/√(1 − β₂ᵗ), or 1 in TensorFlow's form.</summary>
    public float RootScale => (float)(Form == AdamForm.TensorFlow ? 1 : 1 / Math.Sqrt(1 - Math.Pow(Beta2, Step)));
}

/// <summary>
/// AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019) over flat memory: g ← scale·g; m ← β₁m + (1 − β₁)g;
/// v ← β₂v + (1 − β₂)g²; w ← w − lr·λ·w − stepSize·m/(rootScale·√v + ε). Gradients and moments are float32. Weights are float32, of
/// which a copy in bfloat16 may be written for the passes to come; or of bfloat16 alone, and then rounded stochastically: an update is
/// often smaller than half their spacing, and would be lost in rounding to the nearest every time.
/// </summary>
public abstract class AdamW
{
    /// <summary>One update of a flat range of parameters.</summary>
    /// <param name="weights">w (any shape) +=</param>
    /// <param name="gradients">g (as many)</param>
    /// <param name="firstMoments">m (as many) =</param>
    /// <param name="secondMoments">v (as many) =</param>
    /// <param name="step">The step's numbers.</param>
    /// <param name="copy">copy (as many) = the weights, rounded to bfloat16; or none</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public void Step(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, in AdamWStep step, Tensor copy = default)
    {
        Guard.Require(nameof(AdamW), weights.Length == gradients.Length && weights.Length == firstMoments.Length && weights.Length == secondMoments.Length,
            $"weights {weights}, gradients {gradients}, moments {firstMoments} and {secondMoments} differ in size");
        Guard.Require(nameof(AdamW), copy.IsNone || (copy.Length == weights.Length && copy.Type == ElementType.BFloat16 && weights.Type == ElementType.Float32),
            $"the copy is {copy} and the weights are {weights}; a copy in bfloat16 goes with as many weights of float32");
        Guard.Require(nameof(AdamW), step.First % 4 == 0, $"the first weight is {step.First}, which is no multiple of 4");
        Guard.Require(nameof(AdamW), step.Step >= 1, $"step {step.Step} is below 1");
        if (weights.Length > 0) StepCore(weights, gradients, firstMoments, secondMoments, copy, step);
        Watch.Output(nameof(AdamW), weights);
        Watch.Output(nameof(AdamW), firstMoments);
        Watch.Output(nameof(AdamW), secondMoments);
    }

    private protected abstract void StepCore(Tensor weights, Tensor gradients, Tensor firstMoments, Tensor secondMoments, Tensor copy, in AdamWStep step);
}
