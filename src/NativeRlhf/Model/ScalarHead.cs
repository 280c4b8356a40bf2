using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Model;

/// <summary>
/// The scalar head of a reward or value model: y[m] = hidden[rows[m]]·score + reward bias. (A reward scale is multiplied
/// into score.weight when a model is loaded.)
/// </summary>
public sealed class ScalarHead : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly KernelSet _kernels;
    private readonly Arena _arena;
    private readonly Tensor _x, _dX, _bias;
    private float _biasValue;

    /// <summary>Plans the memory.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="capacity">The most rows of one call.</param>
    public ScalarHead(ComputeDevice device, GptConfig config, int capacity)
    {
        _device = device;
        _kernels = device.Kernels;
        _arena = device.AllocateArena((2 * Arena.AlignUp((long)capacity * config.Width)) + Arena.AlignUp(1), "heads");
        _x = _arena.Take(capacity, config.Width, "hidden of scored tokens");
        _dX = _arena.Take(capacity, config.Width, "gradient of the hidden of scored tokens");
        _bias = _arena.Take(1, 1, "reward bias");
    }

    /// <summary>The scalars of some rows.</summary>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="hidden">hidden (N, C)</param>
    /// <param name="rows">rows (M)</param>
    /// <param name="y">y (M, 1) =</param>
    public void Forward(Gpt model, Tensor hidden, IndexBuffer rows, Tensor y)
    {
        if (_biasValue != model.Config.RewardBias) _device.Upload(_bias, [_biasValue = model.Config.RewardBias]);
        Tensor x = _x.Slice(0, rows.Length);
        _kernels.Elementwise.Gather(x, hidden, rows.View);
        _kernels.MatMul.Forward(y, x, model.Score, _bias, WeightLayout.OutIn);
    }

    /// <summary>The gradients of a loss, given its gradient at the scalars of the last <see cref="Forward"/>.</summary>
    /// <param name="model">The model of the forward pass.</param>
    /// <param name="gradients">Receives the gradient of score.weight, if it holds one; +=.</param>
    /// <param name="dHidden">dHidden (N, C) +=</param>
    /// <param name="rows">rows (M), no row twice</param>
    /// <param name="dY">dY (M, 1)</param>
    public void Backward(Gpt model, GptParameters gradients, Tensor dHidden, IndexBuffer rows, Tensor dY)
    {
        Tensor x = _x.Slice(0, rows.Length), dX = _dX.Slice(0, rows.Length);
        _kernels.MatMul.BackwardInput(dX, dY, model.Score, WeightLayout.OutIn);
        if (gradients.HasScore) _kernels.MatMul.BackwardWeight(gradients.Score, Tensor.None, x, dY, WeightLayout.OutIn);
        _kernels.Elementwise.ScatterAdd(dHidden, dX, rows.View);
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();
}
