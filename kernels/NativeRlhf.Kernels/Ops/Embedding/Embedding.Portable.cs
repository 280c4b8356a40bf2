using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Forward: one group a row. Backward: gradients of the same token collide, so the rows are first put into a bucket for each row of a
/// table that occurs among them, by counting in integers; then one group owns each bucket and adds its rows in order. What is taken from
/// atomics, the places of buckets in memory and of rows in them, is undone before anything is added, so that it shows in no result.
/// </summary>
internal sealed class EmbeddingPortable(ComputeDevice device) : Embedding, IDisposable
{
    private readonly LaunchSize _size = new(device.Accelerator, 128), _narrow = new(device.Accelerator, 64);

    private readonly Scratch<int> _counts = new(device, "buckets of embeddings"), _rows = new(device, "buckets of embeddings");

    private readonly ByType<Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>> _forward = new(
        () => device.Load<ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>(ForwardKernel<Float32>),
        () => device.Load<ArrayView<float>, ArrayView<int>, ArrayView<int>, Bytes, Bytes, int>(ForwardKernel<BFloat16>));

    private readonly Action<KernelConfig, Buckets> _count = device.Load<Buckets>(CountKernel);

    private readonly Action<KernelConfig, Buckets> _start = device.Load<Buckets>(StartKernel);

    private readonly Action<KernelConfig, Buckets> _place = device.Load<Buckets>(PlaceKernel);

    private readonly Action<KernelConfig, Buckets> _order = device.Load<Buckets>(OrderKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, Buckets, int, int> _addRows =
        device.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, Buckets, int, int>(AddRowsKernel);

    public void Dispose()
    {
        _counts.Dispose();
        _rows.Dispose();
    }

    private protected override void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe) =>
        _forward[wte.Type](_size.Groups(y.Rows), y.View, tokens, positions, wte.Bytes, wpe.Bytes, y.Cols);

    private protected override void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions)
    {
        if (dY.Cols == 0) return;
        var buckets = Buckets.Of(_counts, _rows, tokens, positions, dY.Rows, dWte.Rows, dWpe.Rows);
        var items = _size.Elements(buckets.Items);
        _count(items, buckets);
        _start(items, buckets);
        _place(items, buckets);
        _order(items, buckets);
        _addRows(_narrow.Groups(buckets.Items), dWte.View, dWpe.View, dY.View, buckets, dY.Cols, dWte.HasQuads && dWpe.HasQuads && dY.HasQuads ? 1 : 0);
    }

    /// <summary>
    /// Items 0 to N − 1 are the rows of dY with the rows of wte that they go to, items N to 2N − 1 the same with those of wpe. A bucket is a row of
    /// wte, or V and a row of wpe.
    /// </summary>
    internal readonly struct Buckets(
        ArrayView<int> tokens, ArrayView<int> positions, ArrayView<int> counts, ArrayView<int> starts, ArrayView<int> arrivals, ArrayView<int> members, ArrayView<int> order, int rows, int vocabulary)
    {
        private readonly ArrayView<int> _tokens = tokens, _positions = positions;

        /// <summary>The items of each bucket, and behind them of all buckets that have got their place. Zeros outside of <see cref="BackwardCore"/>.</summary>
        public readonly ArrayView<int> Counts = counts;

        /// <summary>Where each bucket begins in <see cref="Members"/> and <see cref="Order"/>, if it has items.</summary>
        public readonly ArrayView<int> Starts = starts;

        /// <summary>The place of each item in its bucket, from 0: as they came.</summary>
        public readonly ArrayView<int> Arrivals = arrivals;

        /// <summary>The rows of each bucket: as they came.</summary>
        public readonly ArrayView<int> Members = members;

        /// <summary>The rows of each bucket in order.</summary>
        public readonly ArrayView<int> Order = order;

        /// <summary>N and V.</summary>
        public readonly int Rows = rows, Vocabulary = vocabulary;

        /// <summary>2N.</summary>
        public int Items => 2 * Rows;

        public static Buckets Of(Scratch<int> countsMemory, Scratch<int> rowsMemory, ArrayView<int> tokens, ArrayView<int> positions, int rows, int vocabulary, int length)
        {
            long buckets = Arena.AlignUp((long)vocabulary + length + 1), items = Arena.AlignUp(2L * rows);
            ArrayView<int> counts = countsMemory.Take(buckets), memory = rowsMemory.Take(buckets + (3 * items));
            return new Buckets(
                tokens, positions, counts.SubView(0, (long)vocabulary + length + 1), memory.SubView(0, buckets),
                memory.SubView(buckets, items), memory.SubView(buckets + items, items), memory.SubView(buckets + (2 * items), items), rows, vocabulary);
        }

        /// <summary>The bucket of an item.</summary>
        public int Of(long item) => item < Rows ? _tokens[item] : Vocabulary + _positions[item - Rows];

        /// <summary>The row of an item.</summary>
        public int Row(long item) => (int)(item < Rows ? item : item - Rows);
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

    /// <summary>How many items each bucket has, and a place in it for every one.</summary>
    [Kernel(Grouping.Explicit)]
    private static void CountKernel(Buckets buckets)
    {
        for (long i = ElementLoop.First; i < buckets.Items; i += ElementLoop.Step) buckets.Arrivals[i] = Atomic.Add(ref buckets.Counts[buckets.Of(i)], 1);
    }

    /// <summary>A place for each bucket, which its first item takes.</summary>
    [Kernel(Grouping.Explicit)]
    private static void StartKernel(Buckets buckets)
    {
        for (long i = ElementLoop.First; i < buckets.Items; i += ElementLoop.Step)
        {
            if (buckets.Arrivals[i] != 0) continue;
            int bucket = buckets.Of(i);
            buckets.Starts[bucket] = Atomic.Add(ref buckets.Counts[buckets.Counts.Length - 1], buckets.Counts[bucket]);
        }
    }

    /// <summary>Every row into its bucket.</summary>
    [Kernel(Grouping.Explicit)]
    private static void PlaceKernel(Buckets buckets)
    {
        for (long i = ElementLoop.First; i < buckets.Items; i += ElementLoop.Step) buckets.Members[buckets.Starts[buckets.Of(i)] + buckets.Arrivals[i]] = buckets.Row(i);
    }

    /// <summary>Every row to the place that as many rows of its bucket are before as are smaller.</summary>
    [Kernel(Grouping.Explicit)]
    private static void OrderKernel(Buckets buckets)
    {
        for (long i = ElementLoop.First; i < buckets.Items; i += ElementLoop.Step)
        {
            int bucket = buckets.Of(i), row = buckets.Row(i), start = buckets.Starts[bucket], end = start + buckets.Counts[bucket], place = start;
            for (int j = start; j < end; j++)
            {
                if (buckets.Members[j] < row) place++;
            }

            buckets.Order[place] = row;
        }
    }

    /// <summary>table[bucket] += dY[n] for the rows n of a bucket in order: by the group of its first item. Clears the counts.</summary>
    [Kernel(Grouping.Explicit)]
    private static void AddRowsKernel(ArrayView<float> dWte, ArrayView<float> dWpe, ArrayView<float> dY, Buckets buckets, int cols, int hasQuads)
    {
        int item = Grid.IdxX;
        if (item == 0 && Group.IdxX == 0) buckets.Counts[buckets.Counts.Length - 1] = 0;
        if (buckets.Arrivals[item] != 0) return;
        int bucket = buckets.Of(item), start = buckets.Starts[bucket], count = buckets.Counts[bucket];
        if (item < buckets.Rows) AddRows(dWte, bucket, dY, buckets.Order, start, count, cols, hasQuads != 0);
        else AddRows(dWpe, bucket - buckets.Vocabulary, dY, buckets.Order, start, count, cols, hasQuads != 0);
        Group.Barrier();
        if (Group.IdxX == 0) buckets.Counts[bucket] = 0;
    }

    private static void AddRows(ArrayView<float> table, int row, ArrayView<float> dY, ArrayView<int> order, int start, int count, int cols, bool hasQuads)
    {
        ArrayView<Float32> target = table.Cast<Float32>(), source = dY.Cast<Float32>();
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX)
        {
            int left = cols - c, j = start, end = start + count;
            long place = ((long)row * cols) + c;
            var sum = Tile.Quad(target, place, left, hasQuads);

            // Four rows are under way at a time.
            for (; j + 4 <= end; j += 4)
            {
                Float4 a = Tile.Quad(source, ((long)order[j] * cols) + c, left, hasQuads), b = Tile.Quad(source, ((long)order[j + 1] * cols) + c, left, hasQuads);
                Float4 d = Tile.Quad(source, ((long)order[j + 2] * cols) + c, left, hasQuads), e = Tile.Quad(source, ((long)order[j + 3] * cols) + c, left, hasQuads);
                sum = sum.Add(1, a).Add(1, b).Add(1, d).Add(1, e);
            }

            for (; j < end; j++) sum = sum.Add(1, Tile.Quad(source, ((long)order[j] * cols) + c, left, hasQuads));
            Tile.StoreQuad(target, place, left, hasQuads, sum);
        }
    }
}
