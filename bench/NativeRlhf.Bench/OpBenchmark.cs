using BenchmarkDotNet.Attributes;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Bench;

/// <summary>What the benchmarks of operations share: a CPU device with a chosen variant, and tensors of random content.</summary>
public abstract class OpBenchmark
{
    private readonly List<Arena> _arenas = [];
    private uint _streams;

    /// <summary>The variant of every op that has it.</summary>
    [Params("simd512", "simd256")]
    public string Variant { get; set; } = "simd512";

    /// <summary>The device.</summary>
    protected ComputeDevice Device { get; private set; } = null!;

    /// <summary>Its ops.</summary>
    protected KernelSet Kernels => Device.Kernels;

    /// <summary>Opens the device and makes the tensors.</summary>
    [GlobalSetup]
    public void Open()
    {
        Device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Variants = new Dictionary<string, string> { ["*"] = Variant } });
        Setup();
    }

    /// <summary>Closes the device.</summary>
    [GlobalCleanup]
    public void Close()
    {
        foreach (var arena in _arenas) arena.Dispose();
        Device.Dispose();
    }

    /// <summary>Makes the tensors.</summary>
    protected abstract void Setup();

    /// <summary>A tensor of uniform values in [−1, 1).</summary>
    protected Tensor Random(int rows, int cols)
    {
        var arena = Device.AllocateArena((long)rows * cols);
        _arenas.Add(arena);
        var tensor = arena.Take(rows, cols);
        var values = tensor.HostSpan;
        uint stream = _streams++;
        for (int i = 0; i < values.Length; i++) values[i] = (2 * Philox.ToUniform(Philox.At(42, RandomPurpose.Data, stream, (ulong)i).X)) - 1;
        return tensor;
    }
}
