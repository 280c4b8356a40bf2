using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention by blocks of 128 queries and 128 keys (Dao et al. 2022), whose products are done by the register tile of
/// matmul. Forward gives out one block of queries of one head at a time; backward one head of one sequence and of all that
/// continue it, so that no two threads add to the same gradient. Both start with what takes longest, which balances sequences of different length.
/// How the work is cut does not depend on the number of threads, and scratch memory not on T.
/// </summary>
internal sealed unsafe class AttentionSimd<S, V>(WorkerTeam team) : Attention
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Length = AttentionBlock<S, V>.Length, Stride = AttentionBlock<S, V>.Stride;

    // Items in increasing order of work: forward how many keys the last query sees, backward how many rows, in the high half; and the sequence.
    private long[] _items = [];

    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int* offsets = layout.Offsets.View.Pointer(), prefixes = layout.Prefixes.View.Pointer();
        int count = 0;
        for (int s = 0; s < layout.Sequences; s++)
        {
            int rows = offsets[s + 1] - offsets[s], before = PrefixLength(s, offsets, prefixes);
            for (int first = 0; first < rows; first += Math.Min(Length, rows - first)) AddItem(ref count, before + first + Math.Min(Length, rows - first), s);
        }

        Array.Sort(_items, 0, count);
        team.For(count * heads, new ForwardBlock(team, y.Pointer, lse.Pointer, qkv.Pointer, offsets, prefixes, _items, count, heads, y.Cols));
    }

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int* offsets = layout.Offsets.View.Pointer(), prefixes = layout.Prefixes.View.Pointer();
        int count = 0;
        for (int s = 0, end; s < layout.Sequences; s = end)
        {
            end = End(s, layout.Sequences, prefixes);
            AddItem(ref count, offsets[end] - offsets[s], s);
        }

        Array.Sort(_items, 0, count);
        team.For(count * heads, new BackwardHead(
            team, dQkv.Pointer, dY.Pointer, y.Pointer, lse.Pointer, qkv.Pointer, offsets, prefixes, layout.Sequences, _items, count, heads, y.Cols));
    }

    private static int PrefixLength(int sequence, int* offsets, int* prefixes) =>
        prefixes[sequence] == sequence ? 0 : offsets[prefixes[sequence] + 1] - offsets[prefixes[sequence]];

    /// <summary>The sequence after those that continue the given one.</summary>
    private static int End(int sequence, int sequences, int* prefixes)
    {
        int end = sequence + 1;
        while (end < sequences && prefixes[end] == sequence) end++;
        return end;
    }

    private void AddItem(ref int count, int work, int sequence)
    {
        if (count == _items.Length) Array.Resize(ref _items, Math.Max(64, 2 * count));
        _items[count++] = ((long)work << 32) | (uint)sequence;
    }

    private readonly struct ForwardBlock(
        WorkerTeam team, float* y, float* lse, float* qkv, int* offsets, int* prefixes, long[] items, int count, int heads, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            long item = items[count - 1 - (index / heads)];
            int sequence = (int)item, before = PrefixLength(sequence, offsets, prefixes), end = (int)(item >> 32) - before;
            int head = index % heads, size = width / heads, stride = 3 * width, first = (end - 1) / Length * Length;
            nint start = offsets[sequence], row = start + first;
            float* q = qkv + (row * stride) + (head * size), k = qkv + (start * stride) + width + (head * size);
            AttentionBlock<S, V>.Forward(
                team, worker, y + (row * width) + (head * size), width, lse + (row * heads) + head, heads, q, stride, k, k + width, stride, first, end - first, size,
                (offsets[prefixes[sequence]] - start) * stride, before);
        }
    }

    /// <summary>
    /// With P = exp(S − lse), which is forward's softmax: dV = Pᵀ·dY; dP = dY·Vᵀ; dS = P ∘ (dP − D), D = Σ_d dY ∘ y;
    /// dQ = dS·K / √HS; dK = dSᵀ·Q / √HS.
    /// </summary>
    private readonly struct BackwardHead(
        WorkerTeam team, float* dQkv, float* dY, float* y, float* lse, float* qkv, int* offsets, int* prefixes, int sequences, long[] items, int count, int heads, int width) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int sequence = (int)items[count - 1 - (index / heads)], end = End(sequence, sequences, prefixes);
            for (int s = sequence; s < end; s++) Sequence(s, index % heads, worker);
        }

        /// <summary>
        /// Sets the gradients of a sequence's rows, and adds to those of the keys and values that it continues, which were
        /// set before.
        /// </summary>
        private void Sequence(int sequence, int head, int worker)
        {
            int size = width / heads, stride = 3 * width, length = offsets[sequence + 1] - offsets[sequence], padded = AttentionBlock<S, V>.Padded(size);
            nint start = offsets[sequence], prefix = (offsets[prefixes[sequence]] - start) * stride;
            int prefixLength = PrefixLength(sequence, offsets, prefixes);
            float* q = qkv + (start * stride) + (head * size), k = q + width, v = k + width;
            float* dQ = dQkv + (start * stride) + (head * size), dK = dQ + width, dV = dK + width;
            float scale = 1 / MathF.Sqrt(size);

            float* qRows = team.Scratch(worker, (4 * Length * padded) + (2 * size * Stride) + (2 * Length * Stride) + (2 * Length));
            float* dYRows = qRows + (Length * padded), kRows = dYRows + (Length * padded), dQRows = kRows + (Length * padded);
            float* qT = dQRows + (Length * padded), dYT = qT + (size * Stride), p = dYT + (size * Stride), dS = p + (Length * Stride);
            float* norms = dS + (Length * Stride), dots = norms + Length;

            for (int i = 0; i < length; i += Length)
            {
                int queries = Math.Min(Length, length - i);
                float* qi = q + ((nint)i * stride), dYi = dY + ((start + i) * width) + (head * size), yi = y + ((start + i) * width) + (head * size);
                AttentionBlock<S, V>.Operand queryRows = AttentionBlock<S, V>.Tiled(qi, stride, qRows, queries, size), gradientRows = AttentionBlock<S, V>.Tiled(dYi, width, dYRows, queries, size);
                Transposition.Copy(qT, Stride, qi, stride, queries, size, ahead: 16);
                Transposition.Copy(dYT, Stride, dYi, width, queries, size, ahead: 16);
                for (int n = 0; n < queries; n++)
                {
                    AttentionBlock<S, V>.Fetch(yi + ((nint)(n + 8) * width), width, 1, size);
                    norms[n] = lse[((start + i + n) * heads) + head];
                    dots[n] = SimdMath<S, V>.Dot(dYi + ((nint)n * width), yi + ((nint)n * width), size);
                }

                bool accumulate = false;
                for (int j = 0; j < prefixLength; j += Length) Block(prefix + ((nint)j * stride), Math.Min(Length, prefixLength - j), Length, isAdded: true);
                for (int j = 0; j <= i; j += Length) Block((nint)j * stride, Math.Min(Length, length - j), i - j, isAdded: j < i);
                for (int n = 0; n < queries; n++)
                    new ReadOnlySpan<float>(dQRows + (n * padded), size).CopyTo(new Span<float>(dQ + ((nint)(i + n) * stride), size));

                void Block(nint at, int keys, int diagonal, bool isAdded)
                {
                    AttentionBlock<S, V>.Scores(p, k + at, stride, qT, keys, queries, size, diagonal);
                    AttentionBlock<S, V>.Scores(dS, v + at, stride, dYT, keys, queries, size, diagonal);
                    ScoreGradients(p, dS, scale, norms, dots, keys, queries, diagonal);
                    AttentionBlock<S, V>.SumOverQueries(dV + at, stride, p, gradientRows, keys, queries, size, diagonal, isAdded);
                    AttentionBlock<S, V>.SumOverQueries(dK + at, stride, dS, queryRows, keys, queries, size, diagonal, isAdded);
                    AttentionBlock<S, V>.SumOverKeys(dQRows, dS, AttentionBlock<S, V>.Tiled(k + at, stride, kRows, keys, size), keys, queries, size, diagonal, accumulate);
                    accumulate = true;
                }
            }
        }

        /// <summary>p = exp(scale · p − lse) and dS = scale · p · (dS − D), both zero above the diagonal.</summary>
        private static void ScoreGradients(float* p, float* dS, float scale, float* norms, float* dots, int keys, int queries, int diagonal)
        {
            V factor = S.Set(scale);
            for (int i = 0; i < queries; i += S.Width)
            {
                var (all, some, read) = AttentionBlock<S, V>.Seen(i, keys, diagonal);
                V norm = S.Load(norms + i), dot = S.Load(dots + i);
                float* pj = p + i, dSj = dS + i;
                int j = 0;
                for (; j < all; j++, pj += Stride, dSj += Stride)
                {
                    V weight = SimdMath<S, V>.Exp(S.Subtract(S.Multiply(factor, S.Load(pj)), norm));
                    S.Store(pj, weight);
                    S.Store(dSj, S.Multiply(S.Multiply(factor, weight), S.Subtract(S.Load(dSj), dot)));
                }

                for (; j < some; j++, pj += Stride, dSj += Stride)
                {
                    V weight = SimdMath<S, V>.Exp(S.Subtract(S.Multiply(factor, S.Load(pj)), norm));
                    S.Store(pj, AttentionBlock<S, V>.WhereSeen(weight, S.Zero, i, j, diagonal));
                    S.Store(dSj, AttentionBlock<S, V>.WhereSeen(S.Multiply(S.Multiply(factor, weight), S.Subtract(S.Load(dSj), dot)), S.Zero, i, j, diagonal));
                }

                for (; j < read; j++, pj += Stride, dSj += Stride)
                {
                    S.Store(pj, S.Zero);
                    S.Store(dSj, S.Zero);
                }
            }
        }
    }
}
