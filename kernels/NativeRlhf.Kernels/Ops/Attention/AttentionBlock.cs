using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// What the attention kernels do with one block of keys and one block of queries of a head. The scores of a block lie
/// transposed, s[key, query]: a vector holds one key's scores for several queries, so that maxima and sums over the keys
/// need no reduction within vectors, and all five products of forward and backward find s as it lies, whichever side is
/// summed over. <c>diagonal</c> is the position of the first query minus that of the first key: query i sees the keys
/// j ≤ i + diagonal, and what lies above that line is not computed, to the grain of register tiles.
/// </summary>
/// <typeparam name="S">The width.</typeparam>
/// <typeparam name="V">Its vector type.</typeparam>
internal static unsafe class AttentionBlock<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>Keys and queries of a block: two blocks of scores and the operands of head size 64 fit in a second-level cache of 1 MiB.</summary>
    public const int Length = 128;

    /// <summary>
    /// The row stride of scores and of transposed operands: room for a register tile that starts at the last vector, and an
    /// odd number of cache lines, so that a column does not fall on few sets of the cache.
    /// </summary>
    public const int Stride = Length + 16;

    private static int Rows => RegisterTile<S, V>.Rows;

    private static int Columns => RegisterTile<S, V>.Columns;

    /// <summary>The row stride of packed operands: the head size, rounded up to whole register tiles.</summary>
    public static int Padded(int size) => (size + Columns - 1) / Columns * Columns;

    /// <summary>
    /// Softmax over the keys as it grows by blocks (Milakov and Gimelshein 2018): with the maximum m and the sum
    /// l = Σ exp(s − m) so far, a block with a larger maximum m′ scales l and the output by exp(m − m′).
    /// y = softmax(q·kᵀ / √HS)·v for queries at the positions first, first + 1, …, which see the keys from 0 to their own, and
    /// before them all keys of a prefix.
    /// </summary>
    /// <param name="team">Whose scratch memory is used.</param>
    /// <param name="worker">Who runs this.</param>
    /// <param name="y">y (queries × size) =</param>
    /// <param name="strideY">The distance between rows of y.</param>
    /// <param name="lse">lse (queries) = m + log l; or null</param>
    /// <param name="strideLse">The distance between elements of lse.</param>
    /// <param name="q">q (queries × size)</param>
    /// <param name="strideQ">The distance between rows of q.</param>
    /// <param name="k">k (first + queries × size)</param>
    /// <param name="v">v (first + queries × size)</param>
    /// <param name="strideKV">The distance between rows of k and of v.</param>
    /// <param name="first">The position of the first query.</param>
    /// <param name="queries">How many queries, at most <see cref="Length"/>.</param>
    /// <param name="size">The head size, HS.</param>
    /// <param name="prefix">The distance from k to the first key of the prefix.</param>
    /// <param name="prefixLength">How many keys the prefix has; 0 for none.</param>
    public static void Forward(
        WorkerTeam team, int worker, float* y, nint strideY, float* lse, nint strideLse, float* q, nint strideQ, float* k, float* v, nint strideKV,
        int first, int queries, int size, nint prefix = 0, int prefixLength = 0)
    {
        int padded = Padded(size), end = first + queries;
        float* rows = team.Scratch(worker, (2 * Length * padded) + (size * Stride) + (Length * Stride) + (3 * Length));
        float* output = rows + (Length * padded), qT = output + (Length * padded), s = qT + (size * Stride);
        float* max = s + (Length * Stride), sum = max + Length, factor = sum + Length;
        for (int i = 0; i < queries; i += S.Width)
        {
            S.Store(max + i, S.Set(float.NegativeInfinity));
            S.Store(sum + i, S.Zero);
        }

        Transposition.Copy(qT, Stride, q, strideQ, queries, size, ahead: 16);
        float scale = 1 / MathF.Sqrt(size);
        bool accumulate = false;
        for (int j = 0; j < prefixLength; j += Length) Block(prefix + (j * strideKV), Math.Min(Length, prefixLength - j), Length);
        for (int j = 0; j < end; j += Length) Block(j * strideKV, Math.Min(Length, end - j), first - j);

        for (int i = 0; i < queries; i++)
        {
            Scale(y + (i * strideY), output + (i * padded), 1 / sum[i], size);
            if (lse != null) lse[i * strideLse] = (scale * max[i]) + MathF.Log(sum[i]);
        }

        void Block(nint at, int keys, int diagonal)
        {
            Scores(s, k + at, strideKV, qT, keys, queries, size, diagonal, next: v + at);
            Softmax(s, scale, max, sum, factor, keys, queries, diagonal);
            if (accumulate)
                for (int i = 0; i < queries; i++) Scale(output + (i * padded), output + (i * padded), factor[i], size);
            SumOverKeys(output, s, Tiled(v + at, strideKV, rows, keys, size), keys, queries, size, diagonal, accumulate);
            accumulate = true;
        }
    }

    /// <summary>s = exp(scale · (s − m)), zero above the diagonal, with the new maximum m; sum, and the factor of what was summed before.</summary>
    private static void Softmax(float* s, float scale, float* max, float* sum, float* factor, int keys, int queries, int diagonal)
    {
        V factors = S.Set(scale);
        for (int i = 0; i < queries; i += S.Width)
        {
            var (all, some, read) = Seen(i, keys, diagonal);
            V before = S.Load(max + i), m = before;
            float* sj = s + i;
            int j = 0;
            for (; j < all; j++, sj += Stride) m = S.Max(m, S.Load(sj));
            for (; j < some; j++, sj += Stride) m = S.Max(m, WhereSeen(S.Load(sj), S.Set(float.NegativeInfinity), i, j, diagonal));

            V rescale = SimdMath<S, V>.Exp(S.Multiply(factors, S.Subtract(before, m))), l = S.Multiply(S.Load(sum + i), rescale);
            S.Store(max + i, m);
            S.Store(factor + i, rescale);
            for (j = 0, sj = s + i; j < all; j++, sj += Stride)
            {
                V weight = SimdMath<S, V>.Exp(S.Multiply(factors, S.Subtract(S.Load(sj), m)));
                S.Store(sj, weight);
                l = S.Add(l, weight);
            }

            for (; j < some; j++, sj += Stride)
            {
                V weight = WhereSeen(SimdMath<S, V>.Exp(S.Multiply(factors, S.Subtract(S.Load(sj), m))), S.Zero, i, j, diagonal);
                S.Store(sj, weight);
                l = S.Add(l, weight);
            }

            for (; j < read; j++, sj += Stride) S.Store(sj, S.Zero);
            S.Store(sum + i, l);
        }
    }

    /// <summary>Rows that a register tile can read whole: those of the matrix, or copies with padding where the head size is no multiple of the tile's columns.</summary>
    public static Operand Tiled(float* source, nint stride, float* copy, int rows, int size)
    {
        nint padded = Padded(size);
        if (size == padded) return new Operand(source, stride);
        for (int r = 0; r < rows; r++) new ReadOnlySpan<float>(source + (r * stride), size).CopyTo(new Span<float>(copy + (r * padded), size));
        return new Operand(copy, padded);
    }

    /// <summary>Brings rows to the second-level cache.</summary>
    public static void Fetch(float* source, nint stride, int rows, int size)
    {
        for (int r = 0; r < rows && Sse.IsSupported; r++)
        {
            float* row = source + (r * stride);
            for (int d = 0; d < size; d += 16) Sse.Prefetch1(row + d);
            // A row that does not begin with a line may end in one more.
            Sse.Prefetch1(row + size - 1);
        }
    }

    /// <summary>destination (size) = scale · source</summary>
    public static void Scale(float* destination, float* source, float scale, int size)
    {
        V factor = S.Set(scale);
        int d = 0;
        for (; d <= size - S.Width; d += S.Width) S.Store(destination + d, S.Multiply(S.Load(source + d), factor));
        for (; d < size; d++) destination[d] = source[d] * scale;
    }

    /// <summary>
    /// s[key, query] = Σ_d k[key, d] · qT[d, query]. Rows of a head are short pieces of memory far apart, which no cache foresees: meanwhile the next keys
    /// are fetched, and what belongs to these and is needed afterwards.
    /// </summary>
    public static void Scores(float* s, float* k, nint strideK, float* qT, int keys, int queries, int size, int diagonal, float* next = null)
    {
        for (int j = 0; j < keys; j += Rows)
        {
            Fetch(k + ((j + Rows) * strideK), strideK, Math.Min(Rows, keys - j - Rows), size);
            if (next != null) Fetch(next + (j * strideK), strideK, Math.Min(Rows, keys - j), size);
            for (int i = Math.Max(0, j - diagonal) / S.Width * S.Width; i < queries; i += Columns)
                RegisterTile<S, V>.Multiply<Strided>(Math.Min(Rows, keys - j), Columns, size, k + (j * strideK), strideK, 1, qT + i, Stride, s + ((nint)j * Stride) + i, Stride, false);
        }
    }

    /// <summary>y[query, d] = (or +=) Σ_key s[key, query] · x[key, d]; y has padded rows.</summary>
    public static void SumOverKeys(float* y, float* s, Operand x, int keys, int queries, int size, int diagonal, bool accumulate)
    {
        nint padded = Padded(size);
        for (int d = 0; d < size; d += Columns)
        {
            for (int i = 0; i < queries; i += Rows)
            {
                int depth = Math.Min(keys, i + Rows + diagonal);
                RegisterTile<S, V>.Multiply<Adjacent>(
                    Math.Min(Rows, queries - i), Columns, depth, s + i, 1, Stride, x.Pointer + d, x.Stride, y + (i * padded) + d, padded, accumulate);
            }
        }
    }

    /// <summary>y[key, d] = (or +=) Σ_query s[key, query] · x[query, d]; y has the stride given.</summary>
    public static void SumOverQueries(float* y, nint stride, float* s, Operand x, int keys, int queries, int size, int diagonal, bool accumulate)
    {
        for (int d = 0; d < size; d += Columns)
        {
            for (int j = 0; j < keys; j += Rows)
            {
                int first = Math.Max(0, j - diagonal);
                RegisterTile<S, V>.Multiply<Strided>(
                    Math.Min(Rows, keys - j), Math.Min(Columns, size - d), queries - first, s + ((nint)j * Stride) + first, Stride, 1,
                    x.Pointer + (first * x.Stride) + d, x.Stride, y + (j * stride) + d, stride, accumulate);
            }
        }
    }

    /// <summary>
    /// Of the vector of queries from i on, all see the keys below the first bound, some see those up to the second. Those up
    /// to the third are seen by none, but lie in register tiles that are read, and so have to have weight zero.
    /// </summary>
    public static (int All, int Some, int Read) Seen(int i, int keys, int diagonal)
    {
        int first = i + diagonal;
        return (Math.Clamp(first + 1, 0, keys), Math.Clamp(first + S.Width, 0, keys), Math.Clamp(first + S.Width + Rows, 0, keys));
    }

    /// <summary>x in the lanes whose query i + lane sees key j, elsewhere the other value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WhereSeen(V x, V other, int i, int j, int diagonal) =>
        S.SelectGreater(S.Set(j - diagonal - i), S.Load((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Lanes))), other, x);

    // Constant data of the assembly: it does not move.
    private static ReadOnlySpan<float> Lanes => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// <summary>Rows of a matrix, a stride apart.</summary>
    public readonly struct Operand(float* pointer, nint stride)
    {
        /// <summary>The first row.</summary>
        public readonly float* Pointer = pointer;

        /// <summary>The distance between two rows.</summary>
        public readonly nint Stride = stride;
    }
}
