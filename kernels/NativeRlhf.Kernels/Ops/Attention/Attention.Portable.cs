using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention by tiles: a group owns a tile of rows of one head and walks over the tiles of the rows that they see, or that
/// see them. What lies between is masked, so that a tile may span several sequences. Every gradient is summed by the
/// one group that owns its row, in order, without atomics; the running output lies in y itself, so that any head size fits.
/// </summary>
internal sealed class AttentionPortable(ComputeDevice device) : Attention
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float> _forward =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float>(ForwardKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float> _queries =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float>(QueryGradientKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float> _keys =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, int, int, float>(KeyValueGradientKernel);

    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int headSize = y.Cols / heads;
        _forward(_size.RowTiles(y.Rows, heads), y.View, lse.View, qkv.View, layout.RowStarts.View, y.Rows, headSize, Scale(headSize));
    }

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int headSize = y.Cols / heads;
        var tiles = _size.RowTiles(y.Rows, heads);
        _queries(tiles, dQkv.View, dY.View, y.View, lse.View, qkv.View, layout.RowStarts.View, y.Rows, headSize, Scale(headSize));
        _keys(tiles, dQkv.View, dY.View, y.View, lse.View, qkv.View, layout.RowStarts.View, y.Rows, headSize, Scale(headSize));
    }

    private static float Scale(int headSize) => (float)(1 / Math.Sqrt(headSize));

    /// <summary>
    /// Softmax over the keys seen so far, as it grows by tiles: with m the maximum and l = Σ exp(s − m), a new tile with
    /// maximum m′ scales what was summed before by exp(m − m′).
    /// </summary>
    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel(
        ArrayView<float> y, ArrayView<float> lse, ArrayView<float> qkv, ArrayView<int> rowStarts, int rows, int headSize, float scale)
    {
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var weights = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var partMax = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var partSum = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var rescale = SharedMemory.Allocate<float>(Tile.MaxSide);
        var normalize = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, width = Grid.DimY * headSize, stride = 3 * width;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), end = own + ownCount;
        long query = ((long)own * stride) + (head * headSize);

        // For the reductions along a row, E/4 threads share it, each with a part of the columns.
        int linear = (Group.IdxY * Group.DimX) + Group.IdxX;
        int row = linear % side, part = linear / side, parts = Group.DimX / Tile.PerThread, partLength = side / parts;
        float max = -float.MaxValue, sum = 0;

        int first = rowStarts[own];
        for (int other = first; other < end; other += side)
        {
            int otherCount = Math.Min(side, end - other);
            long key = ((long)other * stride) + width + (head * headSize), value = key + width;
            var scores = Tile.RowProducts(aPanel, bPanel, qkv, query, stride, ownCount, qkv, key, stride, otherCount, headSize);
            int ownRow = own + (Tile.PerThread * Group.IdxY), otherRow = other + (Tile.PerThread * Group.IdxX);
            Tile.StoreTransposed(weights, new Tile4x4(
                Masked(scores.R0, scale, rowStarts, ownRow, otherRow, rows),
                Masked(scores.R1, scale, rowStarts, ownRow + 1, otherRow, rows),
                Masked(scores.R2, scale, rowStarts, ownRow + 2, otherRow, rows),
                Masked(scores.R3, scale, rowStarts, ownRow + 3, otherRow, rows)));
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
            Group.Barrier();
            float factor = MathF.Exp(max - newMax);
            sum *= factor;
            for (int p = 0; p < parts; p++) sum += partSum[(p * side) + row];
            max = newMax;
            if (part == 0)
            {
                rescale[row] = factor;
                normalize[row] = other + side < end ? 1 : 1 / sum;
            }

            Group.Barrier();
            for (int c = 0; c < headSize; c += side)
            {
                var product = Weighted(aPanel, weights, qkv, value + c, stride, otherCount, headSize - c);
                int column = c + (Tile.PerThread * Group.IdxX), r = Tile.PerThread * Group.IdxY;
                long place = ((long)(own + r) * width) + (head * headSize) + column;
                int columns = headSize - column;
                bool fresh = other == first;
                if (r < ownCount) Accumulate(y, place, columns, product.R0, rescale[r], normalize[r], fresh);
                if (r + 1 < ownCount) Accumulate(y, place + width, columns, product.R1, rescale[r + 1], normalize[r + 1], fresh);
                if (r + 2 < ownCount) Accumulate(y, place + (2L * width), columns, product.R2, rescale[r + 2], normalize[r + 2], fresh);
                if (r + 3 < ownCount) Accumulate(y, place + (3L * width), columns, product.R3, rescale[r + 3], normalize[r + 3], fresh);
            }
        }

        if (part == 0 && row < ownCount) lse[((long)(own + row) * Grid.DimY) + head] = max + MathF.Log(sum);
    }

    /// <summary>dQ of a tile of queries, over the keys that they see.</summary>
    [Kernel(Grouping.Explicit)]
    private static void QueryGradientKernel(
        ArrayView<float> dQkv, ArrayView<float> dY, ArrayView<float> y, ArrayView<float> lse, ArrayView<float> qkv,
        ArrayView<int> rowStarts, int rows, int headSize, float scale)
    {
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var dScores = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var parts = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var starts = SharedMemory.Allocate<int>(Tile.MaxSide);
        var norms = SharedMemory.Allocate<float>(Tile.MaxSide);
        var dots = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, width = Grid.DimY * headSize, stride = 3 * width;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), end = own + ownCount;
        long query = ((long)own * stride) + (head * headSize), output = ((long)own * width) + (head * headSize);
        LoadQueryRows(starts, norms, dots, parts, dY, y, lse, rowStarts, own, rows, width, headSize);

        int first = rowStarts[own];
        for (int other = first; other < end; other += side)
        {
            int otherCount = Math.Min(side, end - other);
            long key = ((long)other * stride) + width + (head * headSize), value = key + width;
            var s = Tile.RowProducts(aPanel, bPanel, qkv, query, stride, ownCount, qkv, key, stride, otherCount, headSize);
            var dp = Tile.RowProducts(aPanel, bPanel, dY, output, width, ownCount, qkv, value, stride, otherCount, headSize);
            int r = Tile.PerThread * Group.IdxY, otherRow = other + (Tile.PerThread * Group.IdxX);
            var p = new Tile4x4(
                QueryWeights(s.R0, scale, starts[r], norms[r], own + r, otherRow),
                QueryWeights(s.R1, scale, starts[r + 1], norms[r + 1], own + r + 1, otherRow),
                QueryWeights(s.R2, scale, starts[r + 2], norms[r + 2], own + r + 2, otherRow),
                QueryWeights(s.R3, scale, starts[r + 3], norms[r + 3], own + r + 3, otherRow));
            Tile.StoreTransposed(dScores, new Tile4x4(
                ScoreGradient(p.R0, dp.R0, dots[r], dots[r], dots[r], dots[r], scale),
                ScoreGradient(p.R1, dp.R1, dots[r + 1], dots[r + 1], dots[r + 1], dots[r + 1], scale),
                ScoreGradient(p.R2, dp.R2, dots[r + 2], dots[r + 2], dots[r + 2], dots[r + 2], scale),
                ScoreGradient(p.R3, dp.R3, dots[r + 3], dots[r + 3], dots[r + 3], dots[r + 3], scale)));
            Group.Barrier();
            AddWeighted(dQkv, query, aPanel, dScores, qkv, key, stride, stride, ownCount, otherCount, headSize, other == first);
        }
    }

    /// <summary>dK and dV of a tile of keys, over the queries that see them: those of later rows of the same sequence.</summary>
    [Kernel(Grouping.Explicit)]
    private static void KeyValueGradientKernel(
        ArrayView<float> dQkv, ArrayView<float> dY, ArrayView<float> y, ArrayView<float> lse, ArrayView<float> qkv,
        ArrayView<int> rowStarts, int rows, int headSize, float scale)
    {
        var aPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var bPanel = SharedMemory.Allocate<float>(Tile.PanelLength);
        var weights = SharedMemory.Allocate<float>(Tile.MaxSide * Tile.Pitch);
        var parts = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var starts = SharedMemory.Allocate<int>(Tile.MaxSide);
        var norms = SharedMemory.Allocate<float>(Tile.MaxSide);
        var dots = SharedMemory.Allocate<float>(Tile.MaxSide);

        int side = Tile.Side, head = Grid.IdxY, width = Grid.DimY * headSize, stride = 3 * width;
        int own = Grid.IdxX * side, ownCount = Math.Min(side, rows - own), last = own + ownCount - 1;
        long key = ((long)own * stride) + width + (head * headSize), value = key + width;

        // Rows are packed, so the first tile whose sequence starts behind the last key ends the walk.
        for (int other = own; other < rows && rowStarts[other] <= last; other += side)
        {
            int otherCount = Math.Min(side, rows - other);
            long query = ((long)other * stride) + (head * headSize), output = ((long)other * width) + (head * headSize);
            LoadQueryRows(starts, norms, dots, parts, dY, y, lse, rowStarts, other, rows, width, headSize);
            var s = Tile.RowProducts(aPanel, bPanel, qkv, key, stride, ownCount, qkv, query, stride, otherCount, headSize);
            int ownRow = own + (Tile.PerThread * Group.IdxY), c = Tile.PerThread * Group.IdxX;
            var p = new Tile4x4(
                KeyWeights(s.R0, scale, starts, norms, ownRow, c, other),
                KeyWeights(s.R1, scale, starts, norms, ownRow + 1, c, other),
                KeyWeights(s.R2, scale, starts, norms, ownRow + 2, c, other),
                KeyWeights(s.R3, scale, starts, norms, ownRow + 3, c, other));
            Tile.StoreTransposed(weights, p);
            Group.Barrier();
            AddWeighted(dQkv, value, aPanel, weights, dY, output, stride, width, ownCount, otherCount, headSize, other == own);

            var dp = Tile.RowProducts(aPanel, bPanel, qkv, value, stride, ownCount, dY, output, width, otherCount, headSize);
            float d0 = dots[c], d1 = dots[c + 1], d2 = dots[c + 2], d3 = dots[c + 3];
            Tile.StoreTransposed(weights, new Tile4x4(
                ScoreGradient(p.R0, dp.R0, d0, d1, d2, d3, scale),
                ScoreGradient(p.R1, dp.R1, d0, d1, d2, d3, scale),
                ScoreGradient(p.R2, dp.R2, d0, d1, d2, d3, scale),
                ScoreGradient(p.R3, dp.R3, d0, d1, d2, d3, scale)));
            Group.Barrier();
            AddWeighted(dQkv, key, aPanel, weights, qkv, query, stride, stride, ownCount, otherCount, headSize, other == own);
        }
    }

    /// <summary>The scores of one query with four keys; −∞ where the key is of another sequence or later.</summary>
    private static Float4 Masked(Float4 s, float scale, ArrayView<int> rowStarts, int row, int key, int rows)
    {
        // A row beyond the last sees nothing.
        int start = row < rows ? rowStarts[row] : int.MaxValue;
        return new Float4(
            key >= start && key <= row ? s.X * scale : float.NegativeInfinity,
            key + 1 >= start && key + 1 <= row ? s.Y * scale : float.NegativeInfinity,
            key + 2 >= start && key + 2 <= row ? s.Z * scale : float.NegativeInfinity,
            key + 3 >= start && key + 3 <= row ? s.W * scale : float.NegativeInfinity);
    }

    /// <summary>p = exp(s − lse) of one query with four keys.</summary>
    private static Float4 QueryWeights(Float4 s, float scale, int start, float norm, int row, int key) => new(
        Weight(s.X, scale, norm, start, row, key),
        Weight(s.Y, scale, norm, start, row, key + 1),
        Weight(s.Z, scale, norm, start, row, key + 2),
        Weight(s.W, scale, norm, start, row, key + 3));

    /// <summary>p = exp(s − lse) of one key with four queries, those at <paramref name="c"/> of the tile that starts with row <paramref name="first"/>.</summary>
    private static Float4 KeyWeights(Float4 s, float scale, ArrayView<int> starts, ArrayView<float> norms, int key, int c, int first) => new(
        Weight(s.X, scale, norms[c], starts[c], first + c, key),
        Weight(s.Y, scale, norms[c + 1], starts[c + 1], first + c + 1, key),
        Weight(s.Z, scale, norms[c + 2], starts[c + 2], first + c + 2, key),
        Weight(s.W, scale, norms[c + 3], starts[c + 3], first + c + 3, key));

    private static float Weight(float s, float scale, float norm, int start, int row, int key) =>
        key >= start && key <= row ? MathF.Exp((s * scale) - norm) : 0;

    /// <summary>ds = p·(dp − D)·scale.</summary>
    private static Float4 ScoreGradient(Float4 p, Float4 dp, float d0, float d1, float d2, float d3, float scale) => new(
        p.X * (dp.X - d0) * scale, p.Y * (dp.Y - d1) * scale, p.Z * (dp.Z - d2) * scale, p.W * (dp.W - d3) * scale);

    /// <summary>
    /// For a tile of queries: where their sequence starts, lse, and D = dY·y. Ends with a barrier; whoever read the
    /// arrays before has passed one since.
    /// </summary>
    private static void LoadQueryRows(
        ArrayView<int> starts, ArrayView<float> norms, ArrayView<float> dots, ArrayView<float> partial,
        ArrayView<float> dY, ArrayView<float> y, ArrayView<float> lse, ArrayView<int> rowStarts, int first, int rows, int width, int headSize)
    {
        int side = Tile.Side, linear = (Group.IdxY * Group.DimX) + Group.IdxX;
        int r = linear % side, part = linear / side, parts = Group.DimX / Tile.PerThread, row = first + r;
        float dot = 0;
        if (row < rows)
        {
            long origin = ((long)row * width) + (Grid.IdxY * headSize);
            for (int c = part; c < headSize; c += parts) dot += dY[origin + c] * y[origin + c];
        }

        partial[linear] = dot;
        Group.Barrier();
        if (part == 0)
        {
            for (int p = 1; p < parts; p++) dot += partial[(p * side) + r];
            dots[r] = dot;
            starts[r] = row < rows ? rowStarts[row] : int.MaxValue;
            norms[r] = row < rows ? lse[((long)row * Grid.DimY) + Grid.IdxY] : 0;
        }

        Group.Barrier();
    }

    /// <summary>The tile weightsᵀ·B: weights[inner, row] from shared memory, B[inner, column] at <paramref name="origin"/>. Ends with a barrier.</summary>
    private static Tile4x4 Weighted(
        ArrayView<float> panel, ArrayView<float> weights, ArrayView<float> b, long origin, int stride, int innerCount, int columns)
    {
        Tile4x4 product = default;
        for (int k = 0; k < innerCount; k += Group.DimX)
        {
            Tile.Load(panel, b, origin + ((long)k * stride), 1, stride, columns, innerCount - k);
            Group.Barrier();
            product = Tile.MultiplyAdd(product, weights, k, panel);
            Group.Barrier();
        }

        return product;
    }

    /// <summary>Adds weightsᵀ·B, all columns of the head, to the own rows of <paramref name="target"/>, or sets them.</summary>
    private static void AddWeighted(
        ArrayView<float> target, long targetOrigin, ArrayView<float> panel, ArrayView<float> weights, ArrayView<float> b, long origin,
        int targetStride, int stride, int ownCount, int otherCount, int headSize, bool fresh)
    {
        for (int c = 0; c < headSize; c += Tile.Side)
        {
            var product = Weighted(panel, weights, b, origin + c, stride, otherCount, headSize - c);
            int column = c + (Tile.PerThread * Group.IdxX), r = Tile.PerThread * Group.IdxY;
            long place = targetOrigin + ((long)r * targetStride) + column;
            int columns = headSize - column;
            if (r < ownCount) Accumulate(target, place, columns, product.R0, 1, 1, fresh);
            if (r + 1 < ownCount) Accumulate(target, place + targetStride, columns, product.R1, 1, 1, fresh);
            if (r + 2 < ownCount) Accumulate(target, place + (2L * targetStride), columns, product.R2, 1, 1, fresh);
            if (r + 3 < ownCount) Accumulate(target, place + (3L * targetStride), columns, product.R3, 1, 1, fresh);
        }
    }

    /// <summary>target = (target·before + v)·after for up to four columns; the target is not read where it is fresh.</summary>
    private static void Accumulate(ArrayView<float> target, long place, int columns, Float4 v, float before, float after, bool fresh)
    {
        if (columns > 0) target[place] = ((fresh ? 0 : target[place] * before) + v.X) * after;
        if (columns > 1) target[place + 1] = ((fresh ? 0 : target[place + 1] * before) + v.Y) * after;
        if (columns > 2) target[place + 2] = ((fresh ? 0 : target[place + 2] * before) + v.Z) * after;
        if (columns > 3) target[place + 3] = ((fresh ? 0 : target[place + 3] * before) + v.W) * after;
    }
}
