using BenchmarkDotNet.Attributes;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Bench;

/// <summary>The three products of a linear layer. 2·N·IC·OC floating-point operations each.</summary>
public class MatMulBenchmark : OpBenchmark
{
    private Tensor _x, _w, _bias, _y, _dX, _dW, _dBias;

    /// <summary>N, IC and OC: square ones, layers of GPT-2 small and of a model of width 128.</summary>
    [Params("512,512,512", "1024,1024,1024", "2048,2048,2048", "256,768,3072", "256,3072,768", "2048,128,512", "16,768,2304", "1,768,3072")]
    public string Shape { get; set; } = "";

    /// <inheritdoc/>
    protected override void Setup()
    {
        int[] sizes = [.. Shape.Split(',').Select(int.Parse)];
        (int n, int inputs, int outputs) = (sizes[0], sizes[1], sizes[2]);
        (_x, _w, _bias, _y) = (Random(n, inputs), Random(inputs, outputs), Random(1, outputs), Random(n, outputs));
        (_dX, _dW, _dBias) = (Random(n, inputs), Random(inputs, outputs), Random(1, outputs));
    }

    /// <summary>y = x·W + b.</summary>
    [Benchmark]
    public void Forward() => Kernels.MatMul.Forward(_y, _x, _w, _bias);

    /// <summary>dX = dY·Wᵀ.</summary>
    [Benchmark]
    public void BackwardInput() => Kernels.MatMul.BackwardInput(_dX, _y, _w);

    /// <summary>dW += xᵀ·dY.</summary>
    [Benchmark]
    public void BackwardWeight() => Kernels.MatMul.BackwardWeight(_dW, _dBias, _x, _y);
}
