using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group for each row and head. It takes as many cached positions at a time as it has threads: each thread scores one
/// position, then each sums one column of the values. Every row reads its part of the cache once, which is all there is
/// to share in decoding; a prompt is better served by <see cref="Attention"/>'s tiles.
/// </summary>
internal sealed class CachedAttentionPortable(ComputeDevice device) : CachedAttention
{
    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, int> _store =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, int>(StoreKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, int, float> _attend =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<int>, int, int, float>(AttendKernel);

    private protected override void ForwardCore(
        Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        int headSize = y.Cols / heads;
        _store(_size.Groups(y.Rows), keys.View, values.View, qkv.View, slots, positions, capacity, y.Cols);
        _attend(_size.Groups(y.Rows, heads), y.View, keys.View, values.View, qkv.View, slots, positions, capacity, headSize, (float)(1 / Math.Sqrt(headSize)));
    }

    /// <summary>Writes k and v of every row into the caches.</summary>
    [Kernel(Grouping.Explicit)]
    private static void StoreKernel(
        ArrayView<float> keys, ArrayView<float> values, ArrayView<float> qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int width)
    {
        int row = Grid.IdxX;
        long source = ((long)row * 3 * width) + width;
        long place = (((long)slots[row] * capacity) + positions[row]) * width;
        for (int c = Group.IdxX; c < width; c += Group.DimX)
        {
            keys[place + c] = qkv[source + c];
            values[place + c] = qkv[source + width + c];
        }
    }

    /// <summary>Softmax as it grows: with a new maximum, what was summed before is scaled down.</summary>
    [Kernel(Grouping.Explicit)]
    private static void AttendKernel(
        ArrayView<float> y, ArrayView<float> keys, ArrayView<float> values, ArrayView<float> qkv,
        ArrayView<int> slots, ArrayView<int> positions, int capacity, int headSize, float scale)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var weights = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int row = Grid.IdxX, column = Grid.IdxY * headSize, width = Grid.DimY * headSize, length = positions[row] + 1, lane = Group.IdxX;
        long cache = ((long)slots[row] * capacity * width) + column, query = ((long)row * 3 * width) + column, output = ((long)row * width) + column;
        float max = -float.MaxValue, sum = 0;
        for (int first = 0; first < length; first += Group.DimX)
        {
            int count = Math.Min(Group.DimX, length - first);
            float score = float.NegativeInfinity;
            if (lane < count)
            {
                long key = cache + ((long)(first + lane) * width);
                float dot = 0;
                for (int c = 0; c < headSize; c++) dot += qkv[query + c] * keys[key + c];
                score = dot * scale;
            }

            float newMax = MathF.Max(max, GroupReduce.Max(shared, score));
            float factor = MathF.Exp(max - newMax), weight = MathF.Exp(score - newMax);
            max = newMax;
            weights[lane] = weight;
            sum = (sum * factor) + GroupReduce.Sum(shared, weight);
            float after = first + count < length ? 1 : 1 / sum;
            for (int c = lane; c < headSize; c += Group.DimX)
            {
                float weighted = first == 0 ? 0 : y[output + c] * factor;
                long value = cache + ((long)first * width) + c;
                for (int j = 0; j < count; j++)
                {
                    weighted += weights[j] * values[value];
                    value += width;
                }

                y[output + c] = weighted * after;
            }
        }
    }
}
