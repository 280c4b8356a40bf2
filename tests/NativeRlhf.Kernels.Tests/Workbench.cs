using ILGPU;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification;

namespace NativeRlhf.Kernels.Tests;

/// <summary>A device with memory for one test at a time, in which what reads or writes beyond an operand is found.</summary>
internal sealed class Workbench : IDisposable
{
    private readonly GuardedMemory _memory;
    private readonly List<IDisposable> _indices = [];

    public Workbench(ComputeDevice device)
    {
        Device = device;
        _memory = new GuardedMemory(device);
    }

    public ComputeDevice Device { get; }

    public KernelSet Kernels => Device.Kernels;

    /// <summary>
    /// Whether kernels are launched on ILGPU's CPU accelerator, a simulator that takes milliseconds for a launch: tests use
    /// smaller shapes there.
    /// </summary>
    public bool IsSimulated => Device.IsHostMemory && Kernels.Chosen.Values.Contains(KernelVariants.Portable);

    /// <summary>A tensor with these values.</summary>
    public Tensor Upload(double[] values, int rows, int cols, ElementType type = ElementType.Float32)
    {
        var tensor = _memory.Take(rows, cols, type);
        Device.Upload(tensor, Array.ConvertAll(values, v => (float)v));
        return tensor;
    }

    /// <summary>A vector with these values.</summary>
    public Tensor Upload(double[] values) => Upload(values, values.Length, 1);

    /// <summary>A tensor for an output that is overwritten: it holds NaN.</summary>
    public Tensor Overwritten(int rows, int cols = 1) => Upload(TestData.Filled(rows * cols, double.NaN), rows, cols);

    /// <summary>A tensor for an output that is added to: it holds ones.</summary>
    public Tensor Accumulated(int rows, int cols = 1) => Upload(TestData.Filled(rows * cols, 1), rows, cols);

    /// <summary>Integers on the device.</summary>
    public ArrayView<int> Indices(int[] values)
    {
        var buffer = Device.AllocateIndices(values.Length);
        _indices.Add(buffer);
        buffer.Set(values);
        return buffer.View;
    }

    /// <summary>A batch of packed sequences.</summary>
    public SequenceLayout Layout(int[] offsets, int[]? prefixes = null)
    {
        var layout = new SequenceLayout(Device);
        _indices.Add(layout);
        layout.Set(offsets, prefixes);
        return layout;
    }

    public float[] ReadFloats(Tensor tensor)
    {
        var values = new float[tensor.Length];
        Device.Download(tensor, values);
        return values;
    }

    public double[] Read(Tensor tensor) => Array.ConvertAll(ReadFloats(tensor), v => (double)v);

    public int[] Read(ArrayView<int> view)
    {
        var values = new int[view.Length];
        Device.Download(view, values);
        return values;
    }

    /// <summary>Ends a test: nothing may have been written outside of the tensors.</summary>
    public void End()
    {
        int touched = _memory.Reset();
        foreach (var indices in _indices) indices.Dispose();
        _indices.Clear();
        Assert.That(touched, Is.Negative, "an element outside of all tensors was written");
    }

    public void Dispose()
    {
        _memory.Dispose();
        Device.Dispose();
    }
}
