using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Forward: one group a row. Backward: gradients of the same token collide, so one thread owns a column of all tokens of a
/// bucket and adds the rows in order; it costs a look at every token for each bucket, but neither atomics nor sorting.
/// </summary>
internal sealed class EmbeddingPortable(ComputeDevice device) : Embedding
{
    // A token belongs to bucket token mod buckets, a power of two. As many buckets as fill a GPU for common widths.
    private readonly int _buckets = device.IsHostMemory ? 4 : 64;

    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly ByType<Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>> _forward = new(
        () => device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>(ForwardKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>(ForwardKernel<BFloat16>));

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, int> _addRows =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, int>(AddRowsKernel);

    private protected override void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe) =>
        _forward[wte.Type](_size.Groups(y.Rows), y.View, tokens, positions, wte.Bytes, wpe.Bytes, y.Cols);

    private protected override void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions)
    {
        if (dY.Cols == 0) return;
        var threads = _size.Elements((long)dY.Cols * _buckets);
        _addRows(threads, dWte.View, dY.View, tokens, dY.Rows, dY.Cols, _buckets);
        _addRows(threads, dWpe.View, dY.View, positions, dY.Rows, dY.Cols, _buckets);
    }

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(
        ArrayView<float> y, ArrayView<int> tokens, ArrayView<int> positions, Bytes wteBytes, Bytes wpeBytes, int cols)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> wte = wteBytes.Cast<T>(), wpe = wpeBytes.Cast<T>();
        int row = Grid.IdxX;
        long output = (long)row * cols, token = (long)tokens[row] * cols, position = (long)positions[row] * cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) y[output + c] = wte[token + c].Value + wpe[position + c].Value;
    }

    /// <summary>table[indices[n]] += dY[n] for all n in order.</summary>
    [Kernel(Grouping.Explicit)]
    private static void AddRowsKernel(ArrayView<float> table, ArrayView<float> dY, ArrayView<int> indices, int rows, int cols, int buckets)
    {
        for (long item = ElementLoop.First; item < (long)cols * buckets; item += ElementLoop.Step)
        {
            int bucket = (int)item / cols, c = (int)item - (bucket * cols);
            for (int n = 0; n < rows; n++)
            {
                int index = indices[n];
                if ((index & (buckets - 1)) == bucket) table[((long)index * cols) + c] += dY[((long)n * cols) + c];
            }
        }
    }
}
