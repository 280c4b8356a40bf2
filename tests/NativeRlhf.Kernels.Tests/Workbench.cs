using System.Runtime.InteropServices;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests;

/// <summary>
/// A device with memory for one test at a time. All memory outside of the tensors holds a NaN with bits of its own: what
/// reads beyond an operand spoils its result, and what writes beyond one is found at the end of the test.
/// </summary>
internal sealed class Workbench : IDisposable
{
    private const int Capacity = 4 << 20, Margin = 4096;

    private static readonly float Guard = BitConverter.UInt32BitsToSingle(0x7FC0DEAD);

    private readonly Arena _arena;
    private readonly List<IDisposable> _indices = [];
    private readonly List<(long Start, long Length)> _taken = [];
    private readonly float[] _guards = new float[Capacity];

    public Workbench(ComputeDevice device)
    {
        Device = device;
        _arena = device.AllocateArena(Capacity);
        Array.Fill(_guards, Guard);
        device.Upload(_arena.All, _guards);
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
        var tensor = Take(rows, cols, type);
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
        int used = (int)Math.Min(_arena.Used + Margin, Capacity);
        var front = _arena.All.Reshape(1, used);
        float[] content = ReadFloats(front);
        foreach (var (start, length) in _taken) Array.Fill(content, Guard, (int)start, (int)length);
        int touched = MemoryMarshal.Cast<float, uint>(content).IndexOfAnyExcept(BitConverter.SingleToUInt32Bits(Guard));

        Device.Upload(front, _guards.AsSpan(0, used));
        _arena.Reset();
        _taken.Clear();
        foreach (var indices in _indices) indices.Dispose();
        _indices.Clear();
        Assert.That(touched, Is.Negative, "an element outside of all tensors was written");
    }

    public void Dispose()
    {
        _arena.Dispose();
        Device.Dispose();
    }

    private Tensor Take(int rows, int cols, ElementType type)
    {
        // Half of the last word of an odd number of elements of bfloat16 is beyond it, and not looked at.
        _taken.Add((_arena.Used, (((long)rows * cols * type.Size()) + 3) / 4));
        var tensor = _arena.Take(rows, cols, "", type);
        // At least one guarded element between tensors, also where the length is a multiple of the alignment.
        _arena.Take(1, 1);
        return tensor;
    }
}
