using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group for each row and head. It takes as many cached positions at a time as it has threads: each thread scores one
/// position; then the threads share out the positions, and four columns each of the values. Every row reads its part of the cache
/// once, which is all there is to share in decoding; a prompt is better served by <see cref="Attention"/>'s tiles.
/// </summary>
internal sealed class CachedAttentionPortable(ComputeDevice device) : CachedAttention
{
    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly ByType<Action<KernelConfig, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>> _store = new(
        () => device.Accelerator.LoadStreamKernel<Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>(StoreKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>(StoreKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Bytes, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>> _attend = new(
        () => device.Accelerator.LoadStreamKernel<Bytes, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>(AttendKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<Bytes, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>(AttendKernel<BFloat16>));

    private protected override void ForwardCore(
        Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        int headSize = y.Cols / heads;
        var shape = new Shape(capacity, headSize, y.HasQuads && keys.HasQuads && values.HasQuads && qkv.HasQuads);
        _store[qkv.Type](_size.Groups(y.Rows), keys.Bytes, values.Bytes, qkv.Bytes, slots, positions, capacity, y.Cols);
        _attend[qkv.Type](_size.Heads(y.Rows, heads, headSize), y.Bytes, keys.Bytes, values.Bytes, qkv.Bytes, slots, positions, shape);
    }

    /// <summary>The positions of a slot, the size of a head, 1/√HS, and whether the rows of all heads are aligned to four elements.</summary>
    internal readonly struct Shape(int capacity, int headSize, bool hasQuads)
    {
        public readonly int Capacity = capacity, HeadSize = headSize, HasQuads = hasQuads && headSize % 4 == 0 ? 1 : 0;
        public readonly float Scale = (float)(1 / Math.Sqrt(headSize));
    }

    /// <summary>Writes k and v of every row into the caches.</summary>
    [Kernel(Grouping.Explicit)]
    private static void StoreKernel<T>(
        Bytes keysBytes, Bytes valuesBytes, Bytes qkvBytes, ArrayView<int> slots, ArrayView<int> positions, int capacity, int width)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> keys = keysBytes.Cast<T>(), values = valuesBytes.Cast<T>(), qkv = qkvBytes.Cast<T>();
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
    private static void AttendKernel<T>(
        Bytes yBytes, Bytes keysBytes, Bytes valuesBytes, Bytes qkvBytes, ArrayView<int> slots, ArrayView<int> positions, Shape shape)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> y = yBytes.Cast<T>(), keys = keysBytes.Cast<T>(), values = valuesBytes.Cast<T>(), qkv = qkvBytes.Cast<T>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var weights = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var partial = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX, headSize = shape.HeadSize, head = Grid.IdxY * headSize, width = Grid.DimY * headSize, length = positions[row] + 1, lane = Group.IdxX;
        long cache = ((long)slots[row] * shape.Capacity * width) + head, query = ((long)row * 3 * width) + head;
        bool hasQuads = shape.HasQuads != 0;

        // Threads of the same part take every parts-th position, each its four columns; a wide head is shared by several groups.
        int first4 = Grid.IdxZ * Group.DimX, quads = Math.Min(Group.DimX, ((headSize + 3) / 4) - first4), parts = Group.DimX / quads;
        int part = lane / quads, column = 4 * (first4 + lane - (part * quads));
        float max = -float.MaxValue, sum = 0;
        Float4 output = default;
        for (int first = 0; first < length; first += Group.DimX)
        {
            int count = Math.Min(Group.DimX, length - first);
            float score = float.NegativeInfinity;
            if (lane < count)
            {
                long key = cache + ((long)(first + lane) * width);
                Float4 dots = default;
                for (int c = 0; c < headSize; c += 4)
                {
                    Float4 q = Tile.Quad(qkv, query + c, headSize - c, hasQuads), k = Tile.Quad(keys, key + c, headSize - c, hasQuads);
                    dots = new Float4(dots.X + (q.X * k.X), dots.Y + (q.Y * k.Y), dots.Z + (q.Z * k.Z), dots.W + (q.W * k.W));
                }

                score = (dots.X + dots.Y + (dots.Z + dots.W)) * shape.Scale;
            }

            float newMax = MathF.Max(max, GroupReduce.Max(shared, score));
            float factor = MathF.Exp(max - newMax), weight = MathF.Exp(score - newMax);
            max = newMax;
            weights[lane] = weight;
            sum = (sum * factor) + GroupReduce.Sum(shared, weight);
            output = output.Times(factor);
            if (part < parts)
            {
                long value = cache + ((long)first * width) + column;
                for (int j = part; j < count; j += parts) output = output.Add(weights[j], Tile.Quad(values, value + ((long)j * width), headSize - column, hasQuads));
            }
        }

        partial[lane] = output;
        Group.Barrier();
        if (part != 0) return;
        for (int p = 1; p < parts; p++) output = output.Add(1, partial[lane + (p * quads)]);
        Tile.StoreQuad(y, ((long)row * width) + head + column, headSize - column, hasQuads, output.Times(1 / sum));
    }
}
