using ILGPU;
using NativeRlhf.Kernels.Device;
using Backward = System.Action<ILGPU.KernelConfig, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<byte>, ILGPU.ArrayView<float>, ILGPU.ArrayView<byte>, NativeRlhf.Kernels.Ops.AttentionPortable.Visibility, NativeRlhf.Kernels.Ops.AttentionPortable.Shape>;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention by tiles: a group owns a tile of rows of one head and walks over the tiles of the rows that they see, or that
/// see them. What lies between is masked, so that a tile may span several sequences. Every result is summed in the registers of
/// the one group that owns its rows, in order, without atomics; a head wider than a tile is cut into column tiles, each a group of
/// its own that computes the scores again.
/// </summary>
internal sealed class AttentionPortable(ComputeDevice device) : Attention
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly ByType<Action<KernelConfig, Bytes, ArrayView<float>, Bytes, Visibility, Shape>> _forward = new(
        () => device.Load<Bytes, ArrayView<float>, Bytes, Visibility, Shape>(ForwardKernel<Float32>),
        () => device.Load<Bytes, ArrayView<float>, Bytes, Visibility, Shape>(ForwardKernel<BFloat16>));

    private readonly ByType<Backward> _queries = new(
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, Visibility, Shape>(QueryGradientKernel<Float32>),
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, Visibility, Shape>(QueryGradientKernel<BFloat16>));

    private readonly ByType<Backward> _keys = new(
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, Visibility, Shape>(KeyValueGradientKernel<Float32>),
        () => device.Load<Bytes, Bytes, Bytes, ArrayView<float>, Bytes, Visibility, Shape>(KeyValueGradientKernel<BFloat16>));

    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        var shape = new Shape(y.Rows, y.Cols / heads, qkv.HasQuads && y.HasQuads);
        _forward[qkv.Type](_size.HeadTiles(y.Rows, heads, shape.HeadSize), y.Bytes, lse.View, qkv.Bytes, Visibility.Of(layout), shape);
    }

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        var shape = new Shape(y.Rows, y.Cols / heads, qkv.HasQuads && y.HasQuads && dQkv.HasQuads && dY.HasQuads);
        var tiles = _size.HeadTiles(y.Rows, heads, shape.HeadSize);
        _queries[qkv.Type](tiles, dQkv.Bytes, dY.Bytes, y.Bytes, lse.View, qkv.Bytes, Visibility.Of(layout), shape);
        _keys[qkv.Type](tiles, dQkv.Bytes, dY.Bytes, y.Bytes, lse.View, qkv.Bytes, Visibility.Of(layout), shape);
    }

    /// <summary>The rows, the size of a head, 1/√HS, and whether the rows of all heads are aligned to four elements.</summary>
    internal readonly struct Shape(int rows, int headSize, bool hasQuads)
    {
        public readonly int Rows = rows, HeadSize = headSize, HasQuads = hasQuads && headSize % 4 == 0 ? 1 : 0;
        public readonly float Scale = (float)(1 / Math.Sqrt(headSize));
    }

    /// <summary>What each row sees: of the rows up to itself those of its sequence, and those of the one that this continues.</summary>
    internal readonly struct Visibility(ArrayView<int> rowStarts, ArrayView<int> prefixEnds, ArrayView<int> ownStarts)
    {
        public readonly ArrayView<int> RowStarts = rowStarts, PrefixEnds = prefixEnds, OwnStarts = ownStarts;

        public static Visibility Of(SequenceLayout layout) => new(layout.RowStarts.View, layout.PrefixEnds.View, layout.OwnStarts.View);

        /// <summary>What a row sees; nothing if it lies beyond the last.</summary>
        public Span Of(int row, int rows) => row < rows ? new Span(RowStarts[row], PrefixEnds[row], OwnStarts[row]) : new Span(int.MaxValue, int.MaxValue, int.MaxValue);
    }

    /// <summary>What one row sees: the keys in [Start, PrefixEnd) and those from OwnStart to itself.</summary>
    internal readonly struct Span(int start, int prefixEnd, int ownStart)
    {
        public readonly int Start = start, PrefixEnd = prefixEnd, OwnStart = ownStart;

        public bool Sees(int row, int key) => key >= Start && key <= row && (key < PrefixEnd || key >= OwnStart);
    }

    /// <summary>
    /// Softmax over the keys seen so far, as it grows by tiles: with m the maximum and l = Σ exp(s − m), a new tile with
    /// maximum m′ scales what was summed before by exp(m − m′).
    /// </summary>
    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(Bytes yBytes, ArrayView<float> lse, Bytes qkvBytes, Visibility visibility, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var qkv = qkvBytes.Cast<T>();
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var weights = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var partMax = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var partSum = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var factors = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, width = Grid.DimY * shape.HeadSize, stride = 3 * width, rows = shape.Rows;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), end = own + ownCount, firstColumn = Grid.IdxZ * side;
        long query = ((long)own * stride) + (head * shape.HeadSize);
        bool hasQuads = shape.HasQuads != 0;
        var slot = Tile.Slot.Of(isOuterContiguous: false);

        // For the reductions along a row, E/4 threads share it, each with a part of the columns.
        int linear = (Group.IdxY * Group.DimX) + Group.IdxX;
        int row = linear % side, part = linear / side, parts = Group.DimX / Tile.PerThread, partLength = side / parts;
        float max = -float.MaxValue, sum = 0;
        Tile4x4 output = default;
        for (int other = visibility.RowStarts[own]; other < end; other += side)
        {
            int otherCount = Math.Min(side, end - other);
            long key = ((long)other * stride) + width + (head * shape.HeadSize), value = key + width + firstColumn;
            var scores = Tile.RowProducts(aPanel, bPanel, slot, qkv, query, stride, ownCount, qkv, key, stride, otherCount, shape.HeadSize, hasQuads);
            int ownRow = own + (Tile.PerThread * Group.IdxY), otherRow = other + (Tile.PerThread * Group.IdxX);
            Tile.StoreTransposed(weights, new Tile4x4(
                Masked(scores.R0, shape.Scale, visibility, ownRow, otherRow, rows),
                Masked(scores.R1, shape.Scale, visibility, ownRow + 1, otherRow, rows),
                Masked(scores.R2, shape.Scale, visibility, ownRow + 2, otherRow, rows),
                Masked(scores.R3, shape.Scale, visibility, ownRow + 3, otherRow, rows)));
            Group.Barrier();

            float newMax = max;
            for (int i = 0; i < partLength; i++) newMax = MathF.Max(newMax, weights[(((part * partLength) + i) * Tile.Pitch) + row]);
            partMax[linear] = newMax;
            Group.Barrier();
            for (int p = 0; p < parts; p++) newMax = MathF.Max(newMax, partMax[(p * side) + row]);
            float newSum = 0;
            for (int i = 0; i < partLength; i++)
            {
                int place = (((part * partLength) + i) * Tile.Pitch) + row;
                float weight = MathF.Exp(weights[place] - newMax);
                weights[place] = weight;
                newSum += weight;
            }

            partSum[linear] = newSum;
            float factor = MathF.Exp(max - newMax);
            if (part == 0) factors[row] = factor;
            Group.Barrier();
            sum *= factor;
            for (int p = 0; p < parts; p++) sum += partSum[(p * side) + row];
            max = newMax;
            output = Tile.AddWeighted(output.TimesRows(OfRows(factors)), bPanel, weights, qkv, value, stride, otherCount, shape.HeadSize - firstColumn, hasQuads);
        }

        if (part == 0)
        {
            factors[row] = 1 / sum;
            if (row < ownCount && firstColumn == 0) lse[((long)(own + row) * Grid.DimY) + head] = max + MathF.Log(sum);
        }

        Group.Barrier();
        Store<T>(yBytes, ((long)own * width) + (head * shape.HeadSize), width, ownCount, firstColumn, output.TimesRows(OfRows(factors)), shape);
    }

    /// <summary>dQ of a tile of queries, over the keys that they see.</summary>
    [Kernel(Grouping.Explicit)]
    private static void QueryGradientKernel<T>(
        Bytes dQkvBytes, Bytes dYBytes, Bytes yBytes, ArrayView<float> lse, Bytes qkvBytes, Visibility visibility, Shape shape)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> dY = dYBytes.Cast<T>(), y = yBytes.Cast<T>(), qkv = qkvBytes.Cast<T>();
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var dScores = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var parts = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var spans = SharedMemory.Allocate<Span>(Tile.MaxSide);
        var norms = SharedMemory.Allocate<float>(Tile.MaxSide);
        var dots = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, headSize = shape.HeadSize, width = Grid.DimY * headSize, stride = 3 * width, rows = shape.Rows;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), end = own + ownCount, firstColumn = Grid.IdxZ * side;
        long query = ((long)own * stride) + (head * headSize), output = ((long)own * width) + (head * headSize);
        bool hasQuads = shape.HasQuads != 0;
        var slot = Tile.Slot.Of(isOuterContiguous: false);
        LoadQueryRows(spans, norms, dots, parts, dY, y, lse, visibility, own, rows, width, headSize);

        Tile4x4 dQ = default;
        for (int other = visibility.RowStarts[own]; other < end; other += side)
        {
            int otherCount = Math.Min(side, end - other);
            long key = ((long)other * stride) + width + (head * headSize), value = key + width;
            var s = Tile.RowProducts(aPanel, bPanel, slot, qkv, query, stride, ownCount, qkv, key, stride, otherCount, headSize, hasQuads);
            var dp = Tile.RowProducts(aPanel, bPanel, slot, dY, output, width, ownCount, qkv, value, stride, otherCount, headSize, hasQuads);
            int r = Tile.PerThread * Group.IdxY, otherRow = other + (Tile.PerThread * Group.IdxX);
            float scale = shape.Scale;
            var p = new Tile4x4(
                QueryWeights(s.R0, scale, spans[r], norms[r], own + r, otherRow),
                QueryWeights(s.R1, scale, spans[r + 1], norms[r + 1], own + r + 1, otherRow),
                QueryWeights(s.R2, scale, spans[r + 2], norms[r + 2], own + r + 2, otherRow),
                QueryWeights(s.R3, scale, spans[r + 3], norms[r + 3], own + r + 3, otherRow));
            Tile.StoreTransposed(dScores, new Tile4x4(
                ScoreGradient(p.R0, dp.R0, dots[r], dots[r], dots[r], dots[r], scale),
                ScoreGradient(p.R1, dp.R1, dots[r + 1], dots[r + 1], dots[r + 1], dots[r + 1], scale),
                ScoreGradient(p.R2, dp.R2, dots[r + 2], dots[r + 2], dots[r + 2], dots[r + 2], scale),
                ScoreGradient(p.R3, dp.R3, dots[r + 3], dots[r + 3], dots[r + 3], dots[r + 3], scale)));
            Group.Barrier();
            dQ = Tile.AddWeighted(dQ, bPanel, dScores, qkv, key + firstColumn, stride, otherCount, headSize - firstColumn, hasQuads);
        }

        Store<T>(dQkvBytes, query, stride, ownCount, firstColumn, dQ, shape);
    }

    /// <summary>dK and dV of a tile of keys, over the queries that see them: those of later rows of the same sequence.</summary>
    [Kernel(Grouping.Explicit)]
    private static void KeyValueGradientKernel<T>(
        Bytes dQkvBytes, Bytes dYBytes, Bytes yBytes, ArrayView<float> lse, Bytes qkvBytes, Visibility visibility, Shape shape)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> dY = dYBytes.Cast<T>(), y = yBytes.Cast<T>(), qkv = qkvBytes.Cast<T>();
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var weights = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var parts = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var spans = SharedMemory.Allocate<Span>(Tile.MaxSide);
        var norms = SharedMemory.Allocate<float>(Tile.MaxSide);
        var dots = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, headSize = shape.HeadSize, width = Grid.DimY * headSize, stride = 3 * width, rows = shape.Rows;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), last = own + ownCount - 1, firstColumn = Grid.IdxZ * side;
        long key = ((long)own * stride) + width + (head * headSize), value = key + width;
        bool hasQuads = shape.HasQuads != 0;
        var slot = Tile.Slot.Of(isOuterContiguous: false);

        // Rows are packed, so the first tile whose sequence starts behind the last key ends the walk.
        Tile4x4 dK = default, dV = default;
        for (int other = own; other < rows && visibility.RowStarts[other] <= last; other += side)
        {
            int otherCount = Math.Min(side, rows - other);
            long query = ((long)other * stride) + (head * headSize), output = ((long)other * width) + (head * headSize);
            LoadQueryRows(spans, norms, dots, parts, dY, y, lse, visibility, other, rows, width, headSize);
            var s = Tile.RowProducts(aPanel, bPanel, slot, qkv, key, stride, ownCount, qkv, query, stride, otherCount, headSize, hasQuads);
            int ownRow = own + (Tile.PerThread * Group.IdxY), c = Tile.PerThread * Group.IdxX;
            float scale = shape.Scale;
            var p = new Tile4x4(
                KeyWeights(s.R0, scale, spans, norms, ownRow, c, other),
                KeyWeights(s.R1, scale, spans, norms, ownRow + 1, c, other),
                KeyWeights(s.R2, scale, spans, norms, ownRow + 2, c, other),
                KeyWeights(s.R3, scale, spans, norms, ownRow + 3, c, other));
            Tile.StoreTransposed(weights, p);
            Group.Barrier();
            dV = Tile.AddWeighted(dV, bPanel, weights, dY, output + firstColumn, width, otherCount, headSize - firstColumn, hasQuads);

            var dp = Tile.RowProducts(aPanel, bPanel, slot, qkv, value, stride, ownCount, dY, output, width, otherCount, headSize, hasQuads);
            float d0 = dots[c], d1 = dots[c + 1], d2 = dots[c + 2], d3 = dots[c + 3];
            Tile.StoreTransposed(weights, new Tile4x4(
                ScoreGradient(p.R0, dp.R0, d0, d1, d2, d3, scale),
                ScoreGradient(p.R1, dp.R1, d0, d1, d2, d3, scale),
                ScoreGradient(p.R2, dp.R2, d0, d1, d2, d3, scale),
                ScoreGradient(p.R3, dp.R3, d0, d1, d2, d3, scale)));
            Group.Barrier();
            dK = Tile.AddWeighted(dK, bPanel, weights, qkv, query + firstColumn, stride, otherCount, headSize - firstColumn, hasQuads);
        }

        Store<T>(dQkvBytes, key, stride, ownCount, firstColumn, dK, shape);
        Store<T>(dQkvBytes, value, stride, ownCount, firstColumn, dV, shape);
    }

    /// <summary>The scores of one query with four keys; −∞ where it does not see the key.</summary>
    private static Float4 Masked(Float4 s, float scale, Visibility visibility, int row, int key, int rows)
    {
        var span = visibility.Of(row, rows);
        return new Float4(
            span.Sees(row, key) ? s.X * scale : float.NegativeInfinity,
            span.Sees(row, key + 1) ? s.Y * scale : float.NegativeInfinity,
            span.Sees(row, key + 2) ? s.Z * scale : float.NegativeInfinity,
            span.Sees(row, key + 3) ? s.W * scale : float.NegativeInfinity);
    }

    /// <summary>p = exp(s − lse) of one query with four keys.</summary>
    private static Float4 QueryWeights(Float4 s, float scale, Span span, float norm, int row, int key) => new(
        Weight(s.X, scale, norm, span, row, key),
        Weight(s.Y, scale, norm, span, row, key + 1),
        Weight(s.Z, scale, norm, span, row, key + 2),
        Weight(s.W, scale, norm, span, row, key + 3));

    /// <summary>p = exp(s − lse) of one key with four queries, those at <paramref name="c"/> of the tile that starts with row <paramref name="first"/>.</summary>
    private static Float4 KeyWeights(Float4 s, float scale, ArrayView<Span> spans, ArrayView<float> norms, int key, int c, int first) => new(
        Weight(s.X, scale, norms[c], spans[c], first + c, key),
        Weight(s.Y, scale, norms[c + 1], spans[c + 1], first + c + 1, key),
        Weight(s.Z, scale, norms[c + 2], spans[c + 2], first + c + 2, key),
        Weight(s.W, scale, norms[c + 3], spans[c + 3], first + c + 3, key));

    private static float Weight(float s, float scale, float norm, Span span, int row, int key) =>
        span.Sees(row, key) ? MathF.Exp((s * scale) - norm) : 0;

    /// <summary>ds = p·(dp − D)·scale.</summary>
    private static Float4 ScoreGradient(Float4 p, Float4 dp, float d0, float d1, float d2, float d3, float scale) => new(
        p.X * (dp.X - d0) * scale, p.Y * (dp.Y - d1) * scale, p.Z * (dp.Z - d2) * scale, p.W * (dp.W - d3) * scale);

    /// <summary>
    /// For a tile of queries: what they see, lse, and D = dY·y. Ends with a barrier; whoever read the
    /// arrays before has passed one since.
    /// </summary>
    private static void LoadQueryRows<T>(
        ArrayView<Span> spans, ArrayView<float> norms, ArrayView<float> dots, ArrayView<float> partial,
        ArrayView<T> dY, ArrayView<T> y, ArrayView<float> lse, Visibility visibility, int first, int rows, int width, int headSize)
        where T : unmanaged, IElement<T>
    {
        int side = Tile.Side, linear = (Group.IdxY * Group.DimX) + Group.IdxX;
        int r = linear % side, part = linear / side, parts = Group.DimX / Tile.PerThread, row = first + r;
        float dot = 0;
        if (row < rows)
        {
            long origin = ((long)row * width) + (Grid.IdxY * headSize);
            for (int c = part; c < headSize; c += parts) dot += dY[origin + c].Value * y[origin + c].Value;
        }

        partial[linear] = dot;
        Group.Barrier();
        if (part == 0)
        {
            for (int p = 1; p < parts; p++) dot += partial[(p * side) + r];
            dots[r] = dot;
            spans[r] = visibility.Of(row, rows);
            norms[r] = row < rows ? lse[((long)row * Grid.DimY) + Grid.IdxY] : 0;
        }

        Group.Barrier();
    }

    /// <summary>The factors of the four rows of a thread.</summary>
    private static Float4 OfRows(ArrayView<float> factors) => factors.Cast<Float4>()[Group.IdxY];

    /// <summary>Stores a tile of the own rows and of a head's columns from <paramref name="firstColumn"/> on.</summary>
    private static void Store<T>(Bytes targetBytes, long origin, int stride, int ownCount, int firstColumn, Tile4x4 tile, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var target = targetBytes.Cast<T>();
        int column = firstColumn + (Tile.PerThread * Group.IdxX), r = Tile.PerThread * Group.IdxY, columns = shape.HeadSize - column;
        long place = origin + ((long)r * stride) + column;
        bool hasQuads = shape.HasQuads != 0;
        if (r < ownCount) Tile.StoreQuad(target, place, columns, hasQuads, tile.R0);
        if (r + 1 < ownCount) Tile.StoreQuad(target, place + stride, columns, hasQuads, tile.R1);
        if (r + 2 < ownCount) Tile.StoreQuad(target, place + (2L * stride), columns, hasQuads, tile.R2);
        if (r + 3 < ownCount) Tile.StoreQuad(target, place + (3L * stride), columns, hasQuads, tile.R3);
    }
}
