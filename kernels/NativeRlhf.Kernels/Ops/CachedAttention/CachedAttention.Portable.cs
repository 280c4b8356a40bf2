using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// The cache is split: a group takes one row, one head and as many cached positions as it has threads, so that one long sequence
/// occupies the whole device. Each thread scores one position; then the threads share out the positions, and four columns each of the
/// values. A group leaves the maximum m of its scores, Σ exp(s − m) and Σ exp(s − m)·v; a second kernel brings all parts of a row to one
/// maximum and adds them in order. The parts are cut by position alone, so that a row's result does not depend on the rows beside it.
/// Every row reads its part of the cache once, which is all there is to share in decoding; a prompt is better served by
/// <see cref="Attention"/>'s tiles.
/// </summary>
internal sealed class CachedAttentionPortable(ComputeDevice device) : CachedAttention, IDisposable
{
    // Parts that lie in memory at a time: 17 MiB with heads of 64. More rows are done in turn.
    private const int MostParts = 1 << 16;

    private readonly LaunchSize _size = new(device.Accelerator, 64);

    private readonly Scratch<Float4> _parts = new(device, "parts of cached attention");

    private readonly ByType<Action<KernelConfig, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>> _store = new(
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>(StoreKernel<Float32>),
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, int, int>(StoreKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, ArrayView<Float4>, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>> _attend = new(
        () => device.Load<ArrayView<Float4>, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>(AttendKernel<Float32>),
        () => device.Load<ArrayView<Float4>, Bytes, Bytes, Bytes, ArrayView<int>, ArrayView<int>, Shape>(AttendKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Bytes, ArrayView<Float4>, ArrayView<int>, Shape>> _combine = new(
        () => device.Load<Bytes, ArrayView<Float4>, ArrayView<int>, Shape>(CombineKernel<Float32>),
        () => device.Load<Bytes, ArrayView<Float4>, ArrayView<int>, Shape>(CombineKernel<BFloat16>));

    public void Dispose() => _parts.Dispose();

    private protected override void ForwardCore(
        Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        int headSize = y.Cols / heads, parts = (capacity + _size.Group - 1) / _size.Group;
        bool hasQuads = y.HasQuads && keys.HasQuads && values.HasQuads && qkv.HasQuads;
        _store[qkv.Type](_size.Groups(y.Rows), keys.Bytes, values.Bytes, qkv.Bytes, slots, positions, capacity, y.Cols);

        int atOnce = (int)Math.Clamp(MostParts / ((long)heads * parts), 1, y.Rows);
        for (int first = 0; first < y.Rows; first += atOnce)
        {
            var shape = new Shape(first, Math.Min(atOnce, y.Rows - first), heads, headSize, capacity, parts, _size.Group, hasQuads);
            var memory = _parts.Take((long)shape.Rows * heads * parts * shape.PartLength);
            _attend[qkv.Type](_size.Parts(shape.Rows, heads, parts), memory, keys.Bytes, values.Bytes, qkv.Bytes, slots, positions, shape);
            _combine[qkv.Type](_size.Elements((long)shape.Rows * heads * shape.Quads), y.Bytes, memory, positions, shape);
        }
    }

    /// <summary>
    /// The rows from <c>FirstRow</c> on, NH, HS, the positions of a slot, parts of a row and positions of a part, 1/√HS, and whether the rows of
    /// all heads are aligned to four elements.
    /// </summary>
    internal readonly struct Shape(int firstRow, int rows, int heads, int headSize, int capacity, int parts, int partPositions, bool hasQuads)
    {
        public readonly int FirstRow = firstRow, Rows = rows, Heads = heads, HeadSize = headSize, Capacity = capacity, Parts = parts, PartPositions = partPositions;
        public readonly int HasQuads = hasQuads && headSize % 4 == 0 ? 1 : 0;
        public readonly float Scale = (float)(1 / Math.Sqrt(headSize));

        /// <summary>Quads of a head's columns; the last may not be whole.</summary>
        public int Quads => (HeadSize + 3) / 4;

        /// <summary>Quads of a part: its maximum and sum, and the columns.</summary>
        public int PartLength => 1 + Quads;

        /// <summary>Where the parts of a row and head begin.</summary>
        public long PartsOf(int row, int head) => (((long)row * Heads) + head) * Parts * PartLength;
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

    /// <summary>One part of one row and head. Parts behind the row's position stay as they are, and nobody looks at them.</summary>
    [Kernel(Grouping.Explicit)]
    private static void AttendKernel<T>(
        ArrayView<Float4> parts, Bytes keysBytes, Bytes valuesBytes, Bytes qkvBytes, ArrayView<int> slots, ArrayView<int> positions, Shape shape)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> keys = keysBytes.Cast<T>(), values = valuesBytes.Cast<T>(), qkv = qkvBytes.Cast<T>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var weights = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var sums = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = shape.FirstRow + Grid.IdxX, lane = Group.IdxX, first = Grid.IdxZ * shape.PartPositions;
        int count = Math.Min(shape.PartPositions, positions[row] + 1 - first);
        if (count <= 0) return;

        int headSize = shape.HeadSize, head = Grid.IdxY * headSize, width = shape.Heads * headSize;
        long cache = ((((long)slots[row] * shape.Capacity) + first) * width) + head, query = ((long)row * 3 * width) + head;
        bool hasQuads = shape.HasQuads != 0;
        float score = float.NegativeInfinity;
        if (lane < count)
        {
            long key = cache + ((long)lane * width);
            Float4 dots = default;
            for (int c = 0; c < headSize; c += 4)
            {
                Float4 q = Tile.Quad(qkv, query + c, headSize - c, hasQuads), k = Tile.Quad(keys, key + c, headSize - c, hasQuads);
                dots = new Float4(dots.X + (q.X * k.X), dots.Y + (q.Y * k.Y), dots.Z + (q.Z * k.Z), dots.W + (q.W * k.W));
            }

            score = (dots.X + dots.Y + (dots.Z + dots.W)) * shape.Scale;
        }

        float max = MathF.Max(-float.MaxValue, GroupReduce.Max(shared, score));
        float weight = MathF.Exp(score - max);
        weights[lane] = weight;
        float sum = GroupReduce.Sum(shared, weight);
        long place = shape.PartsOf(Grid.IdxX, Grid.IdxY) + ((long)Grid.IdxZ * shape.PartLength);
        if (lane == 0) parts[place] = new Float4(max, sum, 0, 0);

        // The threads of one share take every shares-th position, each its four columns; a wide head takes several rounds.
        for (int quad = 0; quad < shape.Quads; quad += Group.DimX)
        {
            int quads = Math.Min(Group.DimX, shape.Quads - quad), shares = Group.DimX / quads, share = lane / quads, own = quad + lane - (share * quads);
            Float4 output = default;
            if (share < shares)
            {
                long value = cache + (4 * own);
                for (int j = share; j < count; j += shares) output = output.Add(weights[j], Tile.Quad(values, value + ((long)j * width), headSize - (4 * own), hasQuads));
            }

            sums[lane] = output;
            Group.Barrier();
            if (share == 0)
            {
                for (int s = 1; s < shares; s++) output = output.Add(1, sums[lane + (s * quads)]);
                parts[place + 1 + own] = output;
            }

            Group.Barrier();
        }
    }

    /// <summary>
    /// y of up to four columns a thread: with M = max m, Σ exp(m − M)·Σ exp(s − m)·v / Σ exp(m − M)·Σ exp(s − m) over the parts in order.
    /// </summary>
    [Kernel(Grouping.Explicit)]
    private static void CombineKernel<T>(Bytes yBytes, ArrayView<Float4> parts, ArrayView<int> positions, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var y = yBytes.Cast<T>();
        for (long item = ElementLoop.First; item < (long)shape.Rows * shape.Heads * shape.Quads; item += ElementLoop.Step)
        {
            int pair = (int)(item / shape.Quads), quad = (int)(item - ((long)pair * shape.Quads)), row = pair / shape.Heads, head = pair - (row * shape.Heads);
            int count = (positions[shape.FirstRow + row] / shape.PartPositions) + 1;
            long first = shape.PartsOf(row, head);
            float max = -float.MaxValue, sum = 0;
            for (int p = 0; p < count; p++) max = MathF.Max(max, parts[first + ((long)p * shape.PartLength)].X);
            Float4 output = default;
            for (int p = 0; p < count; p++)
            {
                long place = first + ((long)p * shape.PartLength);
                var statistics = parts[place];
                float factor = MathF.Exp(statistics.X - max);
                sum += statistics.Y * factor;
                output = output.Add(factor, parts[place + 1 + quad]);
            }

            long target = ((((long)(shape.FirstRow + row) * shape.Heads) + head) * shape.HeadSize) + (4 * quad);
            Tile.StoreQuad(y, target, shape.HeadSize - (4 * quad), shape.HasQuads != 0, output.Times(1 / sum));
        }
    }
}
