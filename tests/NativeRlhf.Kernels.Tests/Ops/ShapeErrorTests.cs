using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

/// <summary>Operands that do not fit together: one line that names the op, the operand and both shapes.</summary>
public class ShapeErrorTests
{
    private Workbench _bench = null!;

    private KernelSet Kernels => _bench.Kernels;

    [OneTimeSetUp]
    public void Open() => _bench = new Workbench(ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 }));

    [OneTimeTearDown]
    public void Close() => _bench.Dispose();

    [TearDown]
    public void End() => _bench.End();

    [Test]
    public void Embedding()
    {
        var indices = _bench.Indices(new int[5]);
        AssertError(() => Kernels.Embedding.Forward(T(6, 3), indices, indices, T(9, 3), T(4, 3)), "Embedding: tokens has 5 elements, expected at least 6");
        AssertError(() => Kernels.Embedding.Forward(T(5, 3), indices, indices, T(9, 4), T(4, 3)), "Embedding: wte is (9, 4), expected (9, 3)");
        AssertError(() => Kernels.Embedding.Backward(T(9, 3), T(4, 2), T(5, 3), indices, indices), "Embedding: wpe is (4, 2), expected (4, 3)");
    }

    [Test]
    public void LayerNorm()
    {
        AssertError(() => Kernels.LayerNorm.Forward(T(5, 4), T(5, 1), T(5, 1), T(5, 3), T(3, 1), T(3, 1), 1e-5f), "LayerNorm: y is (5, 4), expected (5, 3)");
        AssertError(() => Kernels.LayerNorm.Forward(T(5, 3), T(5, 1), T(5, 1), T(5, 3), T(3, 1), T(4, 1), 1e-5f), "LayerNorm: bias is (4, 1), expected a vector of 3");
        AssertError(
            () => Kernels.LayerNorm.Backward(T(5, 3), T(3, 1), T(3, 1), T(6, 3), T(5, 3), T(5, 1), T(5, 1), T(3, 1)), "LayerNorm: dY is (6, 3), expected (5, 3)");
    }

    [Test]
    public void MatMul()
    {
        AssertError(() => Kernels.MatMul.Forward(T(5, 4), T(5, 3), T(4, 3)), "MatMul: weight is (4, 3), expected (3, 4)");
        AssertError(() => Kernels.MatMul.Forward(T(5, 4), T(5, 3), T(3, 4), layout: WeightLayout.OutIn), "MatMul: weight is (3, 4), expected (4, 3)");
        AssertError(() => Kernels.MatMul.Forward(T(5, 4), T(5, 3), T(3, 4), T(2, 2)), "MatMul: bias is (2, 2), expected a vector of 4");
        AssertError(() => Kernels.MatMul.Forward(T(5, 4), T(5, 3), T(3, 4), residual: T(4, 4)), "MatMul: residual is (4, 4), expected (5, 4)");
        AssertError(() => Kernels.MatMul.Forward(T(5, 4), T(5, 3), T(3, 4), activated: T(5, 3)), "MatMul: activated is (5, 3), expected (5, 4)");
        AssertError(() => Kernels.MatMul.Forward(Tensor.None, T(5, 3), T(3, 4), activated: T(4, 4)), "MatMul: activated is (4, 4), expected (5, 4)");
        AssertError(() => Kernels.MatMul.BackwardInput(T(6, 3), T(5, 4), T(3, 4)), "MatMul: dX is (6, 3), expected (5, 3)");
        AssertError(() => Kernels.MatMul.BackwardWeight(T(3, 4), T(3, 1), T(5, 3), T(5, 4)), "MatMul: dBias is (3, 1), expected a vector of 4");
    }

    [Test]
    public void Attention()
    {
        var layout = _bench.Layout([0, 2, 5]);
        AssertError(() => Kernels.Attention.Forward(T(5, 6), T(5, 4), T(5, 18), layout, 4), "Attention: 4 heads do not divide width 6");
        AssertError(() => Kernels.Attention.Forward(T(6, 6), T(6, 2), T(6, 18), layout, 2), "Attention: y is (6, 6), expected (5, 6)");
        AssertError(() => Kernels.Attention.Forward(T(5, 6), T(5, 2), T(5, 12), layout, 2), "Attention: qkv is (5, 12), expected (5, 18)");
        AssertError(() => Kernels.Attention.Backward(T(5, 6), T(5, 6), T(5, 6), T(5, 2), T(5, 18), layout, 2), "Attention: dQkv is (5, 6), expected (5, 18)");
    }

    [Test]
    public void CachedAttention()
    {
        var indices = _bench.Indices([0, 1]);
        AssertError(
            () => Kernels.CachedAttention.Forward(T(2, 6), T(7, 6), T(7, 6), T(2, 18), indices, indices, 4, 2), "CachedAttention: keys (7, 6) are not whole slots of 4 positions");
        AssertError(
            () => Kernels.CachedAttention.Forward(T(3, 6), T(8, 6), T(8, 6), T(3, 18), indices, indices, 4, 2), "CachedAttention: slots has 2 elements, expected at least 3");
        AssertError(
            () => Kernels.CachedAttention.Forward(T(2, 6), T(8, 6), T(8, 5), T(2, 18), indices, indices, 4, 2), "CachedAttention: values is (8, 5), expected (8, 6)");
    }

    [Test]
    public void Elementwise_functions()
    {
        AssertError(() => Kernels.Activation.Forward(T(5, 3), T(3, 5), ActivationKind.Relu), "Activation: y is (5, 3), expected (3, 5)");
        AssertError(() => Kernels.Dropout.Forward(T(5, 3), T(5, 3), new DropoutKey(1, 1, 1, 0, 1)), "Dropout: probability 1 is not in [0, 1)");
        AssertError(() => Kernels.Dropout.Forward(T(5, 3), T(5, 3), default, T(5, 2)), "Dropout: residual is (5, 2), expected (5, 3)");
        AssertError(() => Kernels.Elementwise.Combine(T(5, 3), 1, T(4, 3), 0), "Combine: y is (5, 3) and x is (4, 3)");
        AssertError(() => Kernels.Elementwise.Gather(T(3, 4), T(9, 5), _bench.Indices([1, 2, 3])), "Gather: x is (9, 5), expected (9, 4)");
        AssertError(() => Kernels.Elementwise.ScatterAdd(T(9, 4), T(3, 4), _bench.Indices([1, 2])), "ScatterAdd: rows has 2 elements, expected at least 3");
    }

    [Test]
    public void Losses()
    {
        var targets = _bench.Indices(new int[5]);
        AssertError(() => Kernels.LogProb.Forward(T(4, 1), T(5, 1), default, T(5, 9), targets), "LogProb: logprobs is (4, 1), expected a vector of 5");
        AssertError(() => Kernels.LogProb.Forward(T(5, 1), T(5, 1), T(9, 1), T(5, 9), targets), "LogProb: entropy is (9, 1), expected a vector of 5");
        AssertError(() => Kernels.LogProb.Forward(T(5, 1), T(5, 1), default, T(5, 9), targets, 0), "LogProb: temperature 0 is not positive");
        AssertError(() => Kernels.LogProb.Backward(T(5, 8), T(5, 1), T(5, 1), T(5, 9), targets), "LogProb: dLogits is (5, 8), expected (5, 9)");
        AssertError(() => Kernels.RankingLoss.Forward(T(4, 1), T(3, 1), T(3, 1), targets, targets, T(6, 1)), "RankingLoss: winners has 5 elements, expected at least 6");
        AssertError(() => Kernels.PpoLoss.Policy(T(3, 1), T(3, 1), T(3, 1), T(3, 1), T(3, 1), 0.2f, 1), "PpoLoss: statistics is (3, 1), expected a vector of 5");
        AssertError(() => Kernels.PpoLoss.Value(T(3, 1), T(3, 1), T(3, 1), T(4, 1), T(3, 1), 0.2f, 1), "PpoLoss: oldValues is (4, 1), expected a vector of 3");
    }

    [Test]
    public void Optimizer_and_sampling()
    {
        var step = new AdamWStep(0.1f, 0.9f, 0.99f, 1e-8f, 0, 1, 1, AdamForm.PyTorch);
        AssertError(() => Kernels.AdamW.Step(T(4, 1), T(3, 1), T(4, 1), T(4, 1), step), "AdamW: weights (4, 1), gradients (3, 1), moments (4, 1) and (4, 1) differ in size");
        AssertError(() => Kernels.AdamW.Step(T(4, 1), T(4, 1), T(4, 1), T(4, 1), step with { Step = 0 }), "AdamW: step 0 is below 1");
        AssertError(() => Kernels.Norm.SumOfSquares(T(2, 1), T(4, 1)), "Norm: partials is (2, 1), expected a vector of 1");

        var rows = _bench.Indices(new int[2]);
        AssertError(() => Kernels.Sampling.Forward(rows, T(3, 5), rows, rows, new SamplingSettings(1, 0, 1, 1)), "Sampling: tokens has 2 elements, expected at least 3");
        foreach (float none in new[] { -1, float.NaN, float.PositiveInfinity })
            AssertError(() => Kernels.Sampling.Forward(rows, T(2, 5), rows, rows, new SamplingSettings(none, 0, 1, 1)), $"Sampling: temperature {none} is not a number of at least 0");
        AssertError(() => Kernels.Sampling.Forward(rows, T(2, 5), rows, rows, new SamplingSettings(1, -2, 1, 1)), "Sampling: top-k -2 is negative");
        AssertError(() => Kernels.Sampling.Forward(rows, T(2, 5), rows, rows, new SamplingSettings(1, 0, 0, 1)), "Sampling: top-p 0 is not in (0, 1]");
    }

    private static void AssertError(Action call, string message) =>
        Assert.That(call, Throws.ArgumentException.With.Message.EqualTo(message));

    private Tensor T(int rows, int cols) => _bench.Overwritten(rows, cols);
}
