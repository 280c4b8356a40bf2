using BenchmarkDotNet.Attributes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Bench;

/// <summary>Operations whose cost is the bytes that they read and write: 2,048 rows of width 768, or 16 million parameters.</summary>
public class StreamBenchmark : OpBenchmark
{
    private const int Rows = 2048, Width = 768;

    private Tensor _x, _y, _mean, _rstd, _weight, _bias, _inner, _activated, _parameters, _gradients, _first, _second, _partials;

    /// <inheritdoc/>
    protected override void Setup()
    {
        (_x, _y, _mean, _rstd, _weight, _bias) = (Random(Rows, Width), Random(Rows, Width), Random(Rows, 1), Random(Rows, 1), Random(1, Width), Random(1, Width));
        (_inner, _activated) = (Random(Rows, 4 * Width), Random(Rows, 4 * Width));
        (_parameters, _gradients, _first, _second) = (Random(1, 1 << 24), Random(1, 1 << 24), Random(1, 1 << 24), Random(1, 1 << 24));
        Kernels.Elementwise.Fill(_second, 1);
        _partials = Random(1, Norm.Blocks(_gradients.Length));
    }

    /// <summary>LayerNorm.</summary>
    [Benchmark]
    public void LayerNormForward() => Kernels.LayerNorm.Forward(_y, _mean, _rstd, _x, _weight, _bias, 1e-5f);

    /// <summary>GELU with tanh.</summary>
    [Benchmark]
    public void GeluForward() => Kernels.Activation.Forward(_activated, _inner, ActivationKind.GeluTanh);

    /// <summary>AdamW: 28 bytes a parameter.</summary>
    [Benchmark]
    public void AdamWStep() => Kernels.AdamW.Step(_parameters, _gradients, _first, _second, new AdamWStep(1e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, 1, 10, AdamForm.PyTorch));

    /// <summary>The gradient norm: 4 bytes a parameter.</summary>
    [Benchmark]
    public void SumOfSquares() => Kernels.Norm.SumOfSquares(_partials, _gradients);
}
