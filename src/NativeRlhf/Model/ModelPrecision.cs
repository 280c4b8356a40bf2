using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// How a model's weights are kept and what meets in its matrix products. Everything else is float32 in all three: the residual
/// stream (each layer adds to it, and in bfloat16 the small additions would be lost in the rounding of the large sum), the statistics and
/// parameters of layer norms, biases, softmax, logits, log-probabilities, losses, the scalar head, sums, gradients of the weights and
/// the optimizer's moments.
/// </summary>
public enum ModelPrecision
{
    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>
    /// Weights in float32, which the optimizer updates, and beside them a copy of the matrices in bfloat16, which the passes read;
    /// activations between matrix products in bfloat16. For models that are trained.
    /// </summary>
    Mixed,

    /// <summary>
    /// As <see cref="Mixed"/>, but matrices are kept in bfloat16 alone. For models that are frozen; where one is trained, its
    /// matrices are rounded stochastically.
    /// </summary>
    BFloat16,
}

/// <summary>What follows from a precision.</summary>
public static class ModelPrecisions
{
    /// <summary>The type of the operands of matrix products, and of the activations between them.</summary>
    /// <param name="precision">The precision.</param>
    /// <returns>float32 or bfloat16.</returns>
    public static ElementType Operands(this ModelPrecision precision) => precision == ModelPrecision.Float32 ? ElementType.Float32 : ElementType.BFloat16;
}
