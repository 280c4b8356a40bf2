using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One item is one head of one sequence, so that no two threads write to the same gradient. Keys (and, in backward, values)
/// are transposed into scratch memory once an item, (HS, T); a row of scores is then a sum of vectors along T. The scratch
/// grows linearly in T.
/// </summary>
internal sealed unsafe class AttentionSimd<S, V>(WorkerTeam team) : Attention
    where S : struct, ISimd<V>
    where V : struct
{
    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads) =>
        team.For(layout.Sequences * heads, new ForwardHead(
            team, y.Pointer, lse.Pointer, qkv.Pointer, layout.Offsets.View.Pointer(), heads, y.Cols));

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads) =>
        team.For(layout.Sequences * heads, new BackwardHead(
            team, dQkv.Pointer, dY.Pointer, y.Pointer, lse.Pointer, qkv.Pointer, layout.Offsets.View.Pointer(), heads, y.Cols));

    private static int Padded(int length) => (length + S.Width - 1) / S.Width * S.Width;

    /// <summary>transposed (HS, padded) = the rows of x (T, HS) with the given stride; the padding is zeros.</summary>
    private static void Transpose(float* transposed, float* x, int stride, int length, int padded, int size)
    {
        for (int t = 0; t < length; t++)
        {
            float* row = x + ((nint)t * stride);
            for (int d = 0; d < size; d++) transposed[((nint)d * padded) + t] = row[d];
        }

        for (int d = 0; d < size; d++)
            for (int t = length; t < padded; t++) transposed[((nint)d * padded) + t] = 0;
    }

    /// <summary>products[j] = scale · Σ_d x[d] · transposed[d, j] for j below count, rounded up to whole vectors.</summary>
    private static void RowProducts(float* products, float* x, float* transposed, int count, int padded, int size, float scale)
    {
        V factor = S.Set(scale);
        int j = 0;
        // Four vectors at a time: enough independent sums to hide the latency of the multiply-add.
        for (; j <= Padded(count) - (4 * S.Width); j += 4 * S.Width)
        {
            V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
            float* column = transposed + j;
            for (int d = 0; d < size; d++, column += padded)
            {
                V xd = S.Set(x[d]);
                s0 = S.FusedMultiplyAdd(xd, S.Load(column), s0);
                s1 = S.FusedMultiplyAdd(xd, S.Load(column + S.Width), s1);
                s2 = S.FusedMultiplyAdd(xd, S.Load(column + (2 * S.Width)), s2);
                s3 = S.FusedMultiplyAdd(xd, S.Load(column + (3 * S.Width)), s3);
            }

            S.Store(products + j, S.Multiply(s0, factor));
            S.Store(products + j + S.Width, S.Multiply(s1, factor));
            S.Store(products + j + (2 * S.Width), S.Multiply(s2, factor));
            S.Store(products + j + (3 * S.Width), S.Multiply(s3, factor));
        }

        for (; j < count; j += S.Width)
        {
            V sum = S.Zero;
            float* column = transposed + j;
            for (int d = 0; d < size; d++, column += padded) sum = S.FusedMultiplyAdd(S.Set(x[d]), S.Load(column), sum);
            S.Store(products + j, S.Multiply(sum, factor));
        }
    }

    /// <summary>y[d] = Σ_j weights[j] · rows[j, d] for j below count.</summary>
    private static void WeightedRows(float* y, float* weights, float* rows, int stride, int count, int size)
    {
        int d = 0;
        for (; d <= size - (2 * S.Width); d += 2 * S.Width)
        {
            V a0 = S.Zero, a1 = S.Zero, b0 = S.Zero, b1 = S.Zero;
            float* row = rows + d;
            int j = 0;
            for (; j + 1 < count; j += 2, row += 2 * (nint)stride)
            {
                V first = S.Set(weights[j]), second = S.Set(weights[j + 1]);
                a0 = S.FusedMultiplyAdd(first, S.Load(row), a0);
                a1 = S.FusedMultiplyAdd(first, S.Load(row + S.Width), a1);
                b0 = S.FusedMultiplyAdd(second, S.Load(row + stride), b0);
                b1 = S.FusedMultiplyAdd(second, S.Load(row + stride + S.Width), b1);
            }

            if (j < count)
            {
                V last = S.Set(weights[j]);
                a0 = S.FusedMultiplyAdd(last, S.Load(row), a0);
                a1 = S.FusedMultiplyAdd(last, S.Load(row + S.Width), a1);
            }

            S.Store(y + d, S.Add(a0, b0));
            S.Store(y + d + S.Width, S.Add(a1, b1));
        }

        for (; d <= size - S.Width; d += S.Width)
        {
            V sum = S.Zero;
            for (int j = 0; j < count; j++) sum = S.FusedMultiplyAdd(S.Set(weights[j]), S.Load(rows + ((nint)j * stride) + d), sum);
            S.Store(y + d, sum);
        }

        for (; d < size; d++)
        {
            float sum = 0;
            for (int j = 0; j < count; j++) sum += weights[j] * rows[((nint)j * stride) + d];
            y[d] = sum;
        }
    }

    private readonly struct ForwardHead(WorkerTeam team, float* y, float* lse, float* qkv, int* offsets, int heads, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int sequence = index / heads, head = index % heads, size = width / heads, stride = 3 * width;
            int start = offsets[sequence], length = offsets[sequence + 1] - start, padded = Padded(length);
            float* q = qkv + ((nint)start * stride) + (head * size), k = q + width, v = k + width;
            float* keys = team.Scratch(worker, (size + 1) * padded), scores = keys + ((nint)size * padded);
            Transpose(keys, k, stride, length, padded, size);
            float scale = 1 / MathF.Sqrt(size);
            for (int i = 0; i < length; i++)
            {
                RowProducts(scores, q + ((nint)i * stride), keys, i + 1, padded, size, scale);
                float max = SimdMath<S, V>.Maximum(scores, i + 1);
                int end = Padded(i + 1);
                for (int j = i + 1; j < end; j++) scores[j] = float.NegativeInfinity;
                V shift = S.Set(-max), sums = S.Zero;
                for (int j = 0; j < end; j += S.Width)
                {
                    V e = SimdMath<S, V>.Exp(S.Add(S.Load(scores + j), shift));
                    S.Store(scores + j, e);
                    sums = S.Add(sums, e);
                }

                float sum = S.Sum(sums), inverse = 1 / sum;
                V factor = S.Set(inverse);
                for (int j = 0; j < end; j += S.Width) S.Store(scores + j, S.Multiply(S.Load(scores + j), factor));
                nint row = start + i;
                WeightedRows(y + (row * width) + (head * size), scores, v, stride, i + 1, size);
                lse[(row * heads) + head] = max + MathF.Log(sum);
            }
        }
    }

    private readonly struct BackwardHead(
        WorkerTeam team, float* dQkv, float* dY, float* y, float* lse, float* qkv, int* offsets, int heads, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int sequence = index / heads, head = index % heads, size = width / heads, stride = 3 * width;
            int start = offsets[sequence], length = offsets[sequence + 1] - start, padded = Padded(length);
            float* q = qkv + ((nint)start * stride) + (head * size), k = q + width, v = k + width;
            float* dQ = dQkv + ((nint)start * stride) + (head * size), dK = dQ + width, dV = dK + width;
            float* keys = team.Scratch(worker, 2 * (size + 1) * padded), values = keys + ((nint)size * padded);
            float* p = values + ((nint)size * padded), dS = p + padded;
            Transpose(keys, k, stride, length, padded, size);
            Transpose(values, v, stride, length, padded, size);
            for (int t = 0; t < length; t++)
            {
                new Span<float>(dK + ((nint)t * stride), size).Clear();
                new Span<float>(dV + ((nint)t * stride), size).Clear();
            }

            float scale = 1 / MathF.Sqrt(size);
            for (int i = 0; i < length; i++)
            {
                nint row = start + i;
                float* dYi = dY + (row * width) + (head * size), qi = q + ((nint)i * stride);
                float d = SimdMath<S, V>.Dot(dYi, y + (row * width) + (head * size), size);
                RowProducts(p, qi, keys, i + 1, padded, size, scale);
                RowProducts(dS, dYi, values, i + 1, padded, size, 1);
                V shift = S.Set(-lse[(row * heads) + head]), center = S.Set(d), factor = S.Set(scale);
                for (int j = 0; j <= i; j += S.Width)
                {
                    V probability = SimdMath<S, V>.Exp(S.Add(S.Load(p + j), shift));
                    S.Store(p + j, probability);
                    S.Store(dS + j, S.Multiply(S.Multiply(probability, S.Subtract(S.Load(dS + j), center)), factor));
                }

                WeightedRows(dQ + ((nint)i * stride), dS, k, stride, i + 1, size);
                for (int j = 0; j <= i; j++)
                {
                    SimdMath<S, V>.AddScaled(dV + ((nint)j * stride), dYi, p[j], size);
                    SimdMath<S, V>.AddScaled(dK + ((nint)j * stride), qi, dS[j], size);
                }
            }
        }
    }
}
