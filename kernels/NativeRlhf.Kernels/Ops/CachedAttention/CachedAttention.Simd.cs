using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Decoding is bound by the reading of the cache. A row on its own is cut along its positions, not by heads: an item reads
/// 64 whole rows of keys and of values, one after another in memory, for all heads, and leaves a softmax over its own
/// positions; another pass joins the parts of a row. Rows that follow each other in a slot (a prompt) share what they
/// read: they are done by blocks, like attention without a cache.
/// </summary>
internal sealed unsafe class CachedAttentionSimd<S, V>(WorkerTeam team) : CachedAttention, IDisposable
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Rows that one item appends to the cache, or whose parts it joins.</summary>
    private const int BlockRows = 16;

    /// <summary>Positions of a part.</summary>
    private const int PartLength = 64;

    /// <summary>From this many rows on, a block costs less than each row on its own.</summary>
    private const int ShortestRun = 16;

    // Reused from call to call: blocks as (first row, rows), rows on their own as (row, first part), parts as (row, first position).
    private readonly List<(int Row, int Rows)> _blocks = [];
    private readonly List<(int Row, int Part)> _rows = [];
    private readonly List<(int Row, int Position)> _parts = [];

    // For each part the weighted sum of the values (C), and of each head the maximum and the sum of the weights.
    private readonly ScratchMemory _sums = new();

    public void Dispose() => _sums.Dispose();

    private protected override void ForwardCore(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        int* slot = slots.Pointer(), position = positions.Pointer();
        team.For((y.Rows + BlockRows - 1) / BlockRows, new Append(keys.Pointer, values.Pointer, qkv.Pointer, slot, position, capacity, y.Rows, y.Cols));
        Plan(slot, position, y.Rows);
        float* sums = _sums.Take((nuint)_parts.Count * (nuint)(y.Cols + (2 * heads)));

        var call = new Call(team, y.Pointer, keys.Pointer, values.Pointer, qkv.Pointer, slot, position, capacity, heads, y.Cols);
        team.For((_blocks.Count * heads) + _parts.Count, new Attend(call, _blocks, _parts, sums));
        team.For((_rows.Count + BlockRows - 1) / BlockRows, new Join(call, _rows, sums));
    }

    /// <summary>Finds the rows that follow each other, and cuts everything into blocks and parts.</summary>
    private void Plan(int* slots, int* positions, int rows)
    {
        _blocks.Clear();
        _rows.Clear();
        _parts.Clear();
        for (int first = 0, end; first < rows; first = end)
        {
            end = first + 1;
            while (end < rows && slots[end] == slots[first] && positions[end] == positions[first] + end - first) end++;
            for (int r = first; r < end;)
            {
                int count = end - first >= ShortestRun ? Math.Min(AttentionBlock<S, V>.Length, end - r) : 1;
                if (end - first >= ShortestRun)
                {
                    _blocks.Add((r, count));
                }
                else
                {
                    _rows.Add((r, _parts.Count));
                    for (int p = 0; p <= positions[r]; p += PartLength) _parts.Add((r, p));
                }

                r += count;
            }
        }
    }

    private readonly struct Append(float* keys, float* values, float* qkv, int* slots, int* positions, int capacity, int rows, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            for (int r = index * BlockRows; r < Math.Min(rows, (index + 1) * BlockRows); r++)
            {
                nint place = (((nint)slots[r] * capacity) + positions[r]) * width;
                float* k = qkv + ((nint)r * 3 * width) + width;
                new ReadOnlySpan<float>(k, width).CopyTo(new Span<float>(keys + place, width));
                new ReadOnlySpan<float>(k + width, width).CopyTo(new Span<float>(values + place, width));
            }
        }
    }

    /// <summary>What a call is about.</summary>
    private readonly struct Call(
        WorkerTeam team, float* y, float* keys, float* values, float* qkv, int* slots, int* positions, int capacity, int heads, int width)
    {
        public readonly WorkerTeam Team = team;
        public readonly float* Keys = keys, Values = values;
        public readonly int* Positions = positions;
        public readonly int Heads = heads, Width = width, Size = width / heads;

        public float* Query(int row) => qkv + ((nint)row * 3 * Width);

        public float* Output(int row) => y + ((nint)row * Width);

        public nint Slot(int row) => (nint)slots[row] * capacity * Width;
    }

    /// <summary>One head of a block of rows, or all heads of a part of a row.</summary>
    private readonly struct Attend(Call call, List<(int Row, int Rows)> blocks, List<(int Row, int Position)> parts, float* sums) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int part = index - (blocks.Count * call.Heads);
            if (part >= 0)
            {
                Part(parts[part].Row, parts[part].Position, sums + ((nint)part * (call.Width + (2 * call.Heads))), call.Team.Scratch(worker, call.Heads * PartLength));
                return;
            }

            // The last block of a prompt sees the most keys: it comes first.
            var (row, rows) = blocks[blocks.Count - 1 - (index / call.Heads)];
            int column = index % call.Heads * call.Size;
            nint cache = call.Slot(row) + column;
            AttentionBlock<S, V>.Forward(
                call.Team, worker, call.Output(row) + column, call.Width, null, 0, call.Query(row) + column, 3 * call.Width,
                call.Keys + cache, call.Values + cache, call.Width, call.Positions[row], rows, call.Size);
        }

        /// <summary>With s[h, j] = q·k[j] / √HS, m = maxⱼ s, w = exp(s − m): the sum of w·v[j], then m and the sum of w of every head.</summary>
        private void Part(int row, int position, float* sum, float* s)
        {
            int heads = call.Heads, size = call.Size, width = call.Width, count = Math.Min(PartLength, call.Positions[row] + 1 - position);
            float* q = call.Query(row), k = call.Keys + call.Slot(row) + ((nint)position * width), v = call.Values + (k - call.Keys);
            float* max = sum + width, total = max + heads;
            int i = 0;
            for (; i <= count - 4; i += 4, k += 4 * width)
                for (int h = 0; h < heads; h++) SimdMath<S, V>.DotFour(s + (h * PartLength) + i, q + (h * size), k + (h * size), width, size);
            for (; i < count; i++, k += width)
                for (int h = 0; h < heads; h++) s[(h * PartLength) + i] = SimdMath<S, V>.Dot(q + (h * size), k + (h * size), size);

            float scale = 1 / MathF.Sqrt(size);
            for (int h = 0; h < heads; h++)
            {
                float* sh = s + (h * PartLength);
                for (int j = count; j % S.Width != 0; j++) sh[j] = float.NegativeInfinity;
                float m = SimdMath<S, V>.Maximum(sh, count);
                V factor = S.Set(scale), largest = S.Set(m), l = S.Zero;
                for (int j = 0; j < count; j += S.Width)
                {
                    V weight = SimdMath<S, V>.Exp(S.Multiply(factor, S.Subtract(S.Load(sh + j), largest)));
                    S.Store(sh + j, weight);
                    l = S.Add(l, weight);
                }

                (max[h], total[h]) = (scale * m, S.Sum(l));
            }

            new Span<float>(sum, width).Clear();
            for (i = 0; i <= count - 4; i += 4, v += 4 * width)
                for (int h = 0; h < heads; h++) SimdMath<S, V>.AddFour(sum + (h * size), v + (h * size), width, s + (h * PartLength) + i, 1, size);
            for (; i < count; i++, v += width)
                for (int h = 0; h < heads; h++) SimdMath<S, V>.AddScaled(sum + (h * size), v + (h * size), s[(h * PartLength) + i], size);
        }
    }

    /// <summary>y = Σ exp(m − M)·sum / Σ exp(m − M)·total over the parts of a row, with the largest M of their maxima.</summary>
    private readonly struct Join(Call call, List<(int Row, int Part)> rows, float* sums) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int heads = call.Heads, size = call.Size, width = call.Width, length = width + (2 * heads);
            for (int r = index * BlockRows; r < Math.Min(rows.Count, (index + 1) * BlockRows); r++)
            {
                var (row, first) = rows[r];
                int parts = (call.Positions[row] / PartLength) + 1;
                float* sum = sums + ((nint)first * length), output = call.Output(row);
                for (int h = 0; h < heads; h++)
                {
                    float* max = sum + width + h, total = max + heads, y = output + (h * size);
                    float largest = max[0], all = 0;
                    for (int p = 1; p < parts; p++) largest = MathF.Max(largest, max[p * length]);
                    new Span<float>(y, size).Clear();
                    for (int p = 0; p < parts; p++)
                    {
                        float weight = MathF.Exp(max[p * length] - largest);
                        all += weight * total[p * length];
                        SimdMath<S, V>.AddScaled(y, sum + (p * length) + (h * size), weight, size);
                    }

                    AttentionBlock<S, V>.Scale(y, y, 1 / all, size);
                }
            }
        }
    }
}
