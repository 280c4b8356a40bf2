using BenchmarkDotNet.Attributes;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Bench;

/// <summary>
/// Attention of width 128 with 4 heads at a fixed amount of work, N · T = 2²²; for T = 4,096 it is four times as much, as
/// that is one sequence.
/// </summary>
public class AttentionBenchmark : OpBenchmark
{
    private const int Width = 128, Heads = 4, Work = 1 << 22;

    private Tensor _qkv, _y, _lse, _dQkv, _dY;
    private SequenceLayout _layout = null!;

    /// <summary>T, the length of every sequence.</summary>
    [Params(128, 256, 512, 1024, 2048, 4096)]
    public int Length { get; set; }

    /// <inheritdoc/>
    protected override void Setup()
    {
        int rows = Work / Length, sequences = Math.Max(1, rows / Length);
        rows = sequences * Length;
        (_qkv, _y, _lse, _dQkv, _dY) = (Random(rows, 3 * Width), Random(rows, Width), Random(rows, Heads), Random(rows, 3 * Width), Random(rows, Width));
        _layout = new SequenceLayout(Device);
        _layout.Set([.. Enumerable.Range(0, sequences + 1).Select(s => s * Length)]);
        Forward();
    }

    /// <summary>y = softmax(q·kᵀ/√HS)·v.</summary>
    [Benchmark]
    public void Forward() => Kernels.Attention.Forward(_y, _lse, _qkv, _layout, Heads);

    /// <summary>Its gradients.</summary>
    [Benchmark]
    public void Backward() => Kernels.Attention.Backward(_dQkv, _dY, _y, _lse, _qkv, _layout, Heads);
}
