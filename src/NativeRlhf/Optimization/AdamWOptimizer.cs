using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;

namespace NativeRlhf.Optimization;

/// <summary>The constants of an AdamW optimizer.</summary>
/// <param name="Beta1">β₁, decay of the first moment.</param>
/// <param name="Beta2">β₂, decay of the second moment.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="WeightDecay">λ, for tensors of two dimensions.</param>
/// <param name="GradientClip">The largest global norm of the gradient; 0 for no clipping.</param>
/// <param name="Form">Where ε is added.</param>
/// <param name="Seed">The seed of stochastic rounding, of weights that are of bfloat16 alone.</param>
public readonly record struct AdamWSettings(
    double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double WeightDecay = 0, double GradientClip = 0, AdamForm Form = AdamForm.PyTorch, ulong Seed = 0);

/// <summary>
/// AdamW over the flat ranges of what a model trains (all weights, some of them, or an adapter), with clipping of the global
/// gradient norm. Gradients accumulate in <see cref="Gradients"/> until <see cref="Step(double)"/>; gradients and moments have
/// memory for what is trained and no more, and are float32 whatever the weights are.
/// </summary>
public sealed class AdamWOptimizer : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly GptParameters _weights;
    private readonly AdamWSettings _settings;
    private readonly (long Start, long PartStart, long Length, bool HasWeightDecay)[] _ranges;
    private readonly Arena _arena;
    private readonly Tensor _partials;
    private readonly float[] _hostPartials;

    /// <summary>Allocates gradients and moments, all zero.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="settings">The constants.</param>
    /// <param name="trains">Which of <see cref="Gpt.Trainable"/> are trained; the others keep their values, without decay. Null for all.</param>
    public AdamWOptimizer(Gpt model, AdamWSettings settings, Func<TensorSpec, bool>? trains = null)
    {
        _device = model.Device;
        _weights = model.Trainable;
        _settings = settings;
        TensorSpec[] trained = [.. _weights.Specs.Where(trains ?? (_ => true))];
        Gradients = NewParameters("gradient of", "gradients");
        FirstMoments = NewParameters("first moment of", "moments");
        SecondMoments = NewParameters("second moment of", "moments");
        _ranges = [.. _weights.Ranges(Gradients)];
        _hostPartials = new float[_ranges.Sum(range => Norm.Blocks(range.Length))];
        _arena = _device.AllocateArena(_hostPartials.Length, "moments");
        _partials = _arena.Take(1, _hostPartials.Length, "sums of squares of the gradient");

        GptParameters NewParameters(string role, string purpose) => new(_device, model.Config, trained, role, purpose);
    }

    /// <summary>The accumulated gradient.</summary>
    public GptParameters Gradients { get; }

    /// <summary>Adam's m.</summary>
    public GptParameters FirstMoments { get; }

    /// <summary>Adam's v.</summary>
    public GptParameters SecondMoments { get; }

    /// <summary>The number of steps taken.</summary>
    public int Steps { get; set; }

    /// <summary>Sets the gradient to zero.</summary>
    public void ZeroGradients()
    {
        foreach (var (_, partStart, length, _) in _ranges) _device.Kernels.Elementwise.Fill(Gradients.Flat(partStart, length), 0);
    }

    /// <summary>One update.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <returns>The global norm of the gradient, before clipping.</returns>
    /// <exception cref="NonFiniteException">The norm is not finite; nothing was changed.</exception>
    public double Step(double learningRate) => Step(learningRate, GradientNorm());

    /// <summary>One update with a gradient whose norm is known.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <param name="norm">What <see cref="GradientNorm"/> has returned.</param>
    /// <returns><paramref name="norm"/></returns>
    /// <exception cref="NonFiniteException">The norm is not finite; nothing was changed.</exception>
    public double Step(double learningRate, double norm)
    {
        if (!double.IsFinite(norm)) throw new NonFiniteException(FormattableString.Invariant($"the norm of the gradient is {norm}"));
        double scale = _settings.GradientClip > 0 && norm > _settings.GradientClip ? _settings.GradientClip / norm : 1;
        Steps++;
        foreach (var (start, partStart, length, hasWeightDecay) in _ranges)
        {
            _device.Kernels.AdamW.Step(
                _weights.Flat(start, length), Gradients.Flat(partStart, length), FirstMoments.Flat(partStart, length), SecondMoments.Flat(partStart, length),
                new AdamWStep((float)learningRate, (float)_settings.Beta1, (float)_settings.Beta2, (float)_settings.Epsilon,
                    hasWeightDecay ? (float)_settings.WeightDecay : 0, (float)scale, Steps, _settings.Form, _settings.Seed, start),
                _weights.FlatCopy(start, length));
        }

        return norm;
    }

    /// <summary>The global norm of the gradient of what is trained.</summary>
    /// <returns>√Σ g².</returns>
    public double GradientNorm()
    {
        int block = 0;
        foreach (var (_, partStart, length, _) in _ranges)
        {
            int blocks = Norm.Blocks(length);
            _device.Kernels.Norm.SumOfSquares(_partials.Range(block, blocks), Gradients.Flat(partStart, length));
            block += blocks;
        }

        _device.Download(_partials, _hostPartials);
        double sum = 0;
        foreach (float partial in _hostPartials) sum += partial;
        return Math.Sqrt(sum);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Gradients.Dispose();
        FirstMoments.Dispose();
        SecondMoments.Dispose();
        _arena.Dispose();
    }
}
