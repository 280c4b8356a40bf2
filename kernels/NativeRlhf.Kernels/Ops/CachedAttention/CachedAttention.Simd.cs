using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One item is one head of one row; the cache is read once, row after row.</summary>
internal sealed unsafe class CachedAttentionSimd<S, V>(WorkerTeam team) : CachedAttention
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 16;

    private protected override void ForwardCore(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        team.For((y.Rows + BlockRows - 1) / BlockRows, new Append(
            keys.Pointer, values.Pointer, qkv.Pointer, slots.Pointer(), positions.Pointer(), capacity, y.Rows, y.Cols));
        team.For(y.Rows * heads, new Attend(
            team, y.Pointer, keys.Pointer, values.Pointer, qkv.Pointer, slots.Pointer(), positions.Pointer(), capacity, heads, y.Cols));
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

    private readonly struct Attend(
        WorkerTeam team, float* y, float* keys, float* values, float* qkv, int* slots, int* positions, int capacity, int heads, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int row = index / heads, head = index % heads, size = width / heads, count = positions[row] + 1;
            nint first = ((nint)slots[row] * capacity * width) + (head * size);
            float* q = qkv + ((nint)row * 3 * width) + (head * size), destination = y + ((nint)row * width) + (head * size);
            float* scores = team.Scratch(worker, count);
            float scale = 1 / MathF.Sqrt(size), max = float.NegativeInfinity;
            for (int j = 0; j < count; j++)
            {
                scores[j] = scale * SimdMath<S, V>.Dot(q, keys + first + ((nint)j * width), size);
                max = MathF.Max(max, scores[j]);
            }

            V shift = S.Set(-max), sums = S.Zero;
            int i = 0;
            for (; i <= count - S.Width; i += S.Width)
            {
                V e = SimdMath<S, V>.Exp(S.Add(S.Load(scores + i), shift));
                S.Store(scores + i, e);
                sums = S.Add(sums, e);
            }

            float sum = S.Sum(sums);
            for (; i < count; i++) sum += scores[i] = MathF.Exp(scores[i] - max);

            float inverse = 1 / sum;
            int d = 0;
            for (; d <= size - S.Width; d += S.Width)
            {
                V total = S.Zero;
                float* value = values + first + d;
                for (int j = 0; j < count; j++, value += width) total = S.FusedMultiplyAdd(S.Set(scores[j]), S.Load(value), total);
                S.Store(destination + d, S.Multiply(total, S.Set(inverse)));
            }

            for (; d < size; d++)
            {
                float total = 0;
                for (int j = 0; j < count; j++) total += scores[j] * values[first + ((nint)j * width) + d];
                destination[d] = total * inverse;
            }
        }
    }
}
