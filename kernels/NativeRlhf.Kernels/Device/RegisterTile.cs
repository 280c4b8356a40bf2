using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace NativeRlhf.Kernels.Device;

/// <summary>How a tile finds its operands; a type, so that the JIT makes a loop for each way.</summary>
internal interface ITileOperands
{
    /// <summary>Whether the rows of a lie side by side, so that they are displacements of one address; else they have a stride.</summary>
    static abstract bool IsAdjacent { get; }

    /// <summary>How many rows of b ahead are fetched into the second-level cache; 0 where b is in a cache for sure.</summary>
    static virtual int Ahead => 0;

    /// <summary>Whether the rows of a lie one after the other in memory, so that those of the next tile are fetched from end to end, as many floats for each k as there are rows.</summary>
    static virtual bool FetchesNextRows => false;
}

/// <summary>Rows of a lie side by side.</summary>
internal readonly struct Adjacent : ITileOperands
{
    public static bool IsAdjacent => true;
}

/// <summary>Rows of a lie side by side, those of the next tile beside them, from where they are fetched; b is in a cache.</summary>
internal readonly struct AdjacentPassing : ITileOperands
{
    public static bool IsAdjacent => true;

    public static bool FetchesNextRows => true;
}

/// <summary>Rows of a lie where a matrix has them.</summary>
internal readonly struct Strided : ITileOperands
{
    public static bool IsAdjacent => false;
}

/// <summary>Rows of a lie where a matrix has them, and b may come from memory.</summary>
internal readonly struct StridedStreaming : ITileOperands
{
    public static bool IsAdjacent => false;

    public static int Ahead => 48;
}

/// <summary>Rows of a lie one after the other in memory, from where those of the next tile are fetched; b is in a cache.</summary>
internal readonly struct Passing : ITileOperands
{
    public static bool IsAdjacent => false;

    public static bool FetchesNextRows => true;
}

/// <summary>
/// The innermost product, which matmul and attention share: a tile of C (rows × two vectors, or one) stays in registers while
/// k runs. One k loads two vectors of B and multiplies them with one broadcast element of each row of A, 2·Rows
/// multiply-adds for 2 + Rows loads. 12 rows fill 24 of the 32 registers of AVX-512, 6 rows 12 of the 16 of narrower ones.
/// </summary>
/// <typeparam name="S">The width.</typeparam>
/// <typeparam name="V">Its vector type.</typeparam>
internal static unsafe class RegisterTile<S, V>
    where S : struct, ISimd<V>
    where V : struct
{
    /// <summary>How many k before the end of a tile its place in C is fetched: less than a microsecond, which memory takes at most.</summary>
    private const int LastDepth = 48;

    /// <summary>The most rows of a tile.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => S.Width >= 16 ? 12 : 6;
    }

    /// <summary>The most columns of a tile.</summary>
    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * S.Width;
    }

    /// <summary>c[r, j] = (or +=) Σₖ a[r, k] · b[k, j].</summary>
    /// <typeparam name="A">How the operands lie.</typeparam>
    /// <param name="rows">Rows of the tile, up to <see cref="Rows"/>.</param>
    /// <param name="columns">Columns of the tile, up to <see cref="Columns"/>.</param>
    /// <param name="depth">How many k.</param>
    /// <param name="a">a[r, k] lies at a[r · rowStep + k · depthStep]</param>
    /// <param name="rowStep">The distance between two rows of a; 1 where they are adjacent.</param>
    /// <param name="depthStep">The distance between two k of a.</param>
    /// <param name="b">b[k, j] lies at b[k · strideB + j]; whole vectors of each k are read, one for up to a vector's columns</param>
    /// <param name="strideB">The distance between rows of b.</param>
    /// <param name="c">c[r, j] lies at c[r · strideC + j]</param>
    /// <param name="strideC">The distance between rows of c.</param>
    /// <param name="accumulate">Whether the product is added to c.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<A>(
        int rows, int columns, int depth, float* a, nint rowStep, nint depthStep, float* b, nint strideB, float* c, nint strideC, bool accumulate)
        where A : struct, ITileOperands => Multiply<A>(rows, columns, depth, a, rowStep, depthStep, b, strideB, c, strideC, accumulate ? c : null, null);

    /// <summary>c[r, j] = Σₖ a[r, k] · b[k, j] + initial[r, j] + bias[j]; as above otherwise.</summary>
    /// <typeparam name="A">How the operands lie.</typeparam>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="columns">Columns of the tile.</param>
    /// <param name="depth">How many k.</param>
    /// <param name="a">a</param>
    /// <param name="rowStep">The distance between two rows of a.</param>
    /// <param name="depthStep">The distance between two k of a.</param>
    /// <param name="b">b</param>
    /// <param name="strideB">The distance between rows of b.</param>
    /// <param name="c">c</param>
    /// <param name="strideC">The distance between rows of c and of <paramref name="initial"/>.</param>
    /// <param name="initial">What the product is added to, c itself or another matrix; or null</param>
    /// <param name="bias">bias, one for each column; or null</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply<A>(
        int rows, int columns, int depth, float* a, nint rowStep, nint depthStep, float* b, nint strideB, float* c, nint strideC, float* initial, float* bias)
        where A : struct, ITileOperands
    {
        if (columns != Columns || rows != Rows) Border<A>(rows, columns, depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
        else if (S.Width >= 16) Tile<A, Height12, TwoVectors>(depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
        else Tile<A, Height6, TwoVectors>(depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
    }

    /// <summary>A tile at the right or lower border of its matrix.</summary>
    private static void Border<A>(
        int rows, int columns, int depth, float* a, nint rowStep, nint depthStep, float* b, nint strideB, float* c, nint strideC, float* initial, float* bias)
        where A : struct, ITileOperands
    {
        if (columns == Columns)
        {
            Heights<A, TwoVectors>(rows, depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
            return;
        }

        if (columns == S.Width)
        {
            Heights<A, OneVector>(rows, depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
            return;
        }

        // Columns that are no whole vector are computed whole and stored in part.
        float* tile = stackalloc float[Rows * Columns];
        if (columns > S.Width) Heights<A, TwoVectors>(rows, depth, a, rowStep, depthStep, b, strideB, tile, Columns, null, null);
        else Heights<A, OneVector>(rows, depth, a, rowStep, depthStep, b, strideB, tile, Columns, null, null);
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < columns; j++)
            {
                float sum = tile[(r * Columns) + j];
                if (bias != null) sum += bias[j];
                if (initial != null) sum += initial[(r * strideC) + j];
                c[(r * strideC) + j] = sum;
            }
        }
    }

    /// <summary>Rows at the lower border are done by lower tiles: 11 rows as 8 + 2 + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Heights<A, W>(int rows, int depth, float* a, nint rowStep, nint depthStep, float* b, nint strideB, float* c, nint strideC, float* initial, float* bias)
        where A : struct, ITileOperands
        where W : struct, IWidth
    {
        if (rows == Rows)
        {
            if (S.Width >= 16) Tile<A, Height12, W>(depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
            else Tile<A, Height6, W>(depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
            return;
        }

        if (S.Width >= 16 && rows >= 8) Step<A, Height8, W>(ref rows, depth, ref a, rowStep, depthStep, b, strideB, ref c, strideC, ref initial, bias);
        if (rows >= 4) Step<A, Height4, W>(ref rows, depth, ref a, rowStep, depthStep, b, strideB, ref c, strideC, ref initial, bias);
        if (rows >= 2) Step<A, Height2, W>(ref rows, depth, ref a, rowStep, depthStep, b, strideB, ref c, strideC, ref initial, bias);
        if (rows >= 1) Step<A, Height1, W>(ref rows, depth, ref a, rowStep, depthStep, b, strideB, ref c, strideC, ref initial, bias);
    }

    private static void Step<A, H, W>(
        ref int rows, int depth, ref float* a, nint rowStep, nint depthStep, float* b, nint strideB, ref float* c, nint strideC, ref float* initial, float* bias)
        where A : struct, ITileOperands
        where H : struct, IHeight
        where W : struct, IWidth
    {
        Tile<A, H, W>(depth, a, rowStep, depthStep, b, strideB, c, strideC, initial, bias);
        rows -= H.Rows;
        a += H.Rows * rowStep;
        c += H.Rows * strideC;
        if (initial != null) initial += H.Rows * strideC;
    }

    /// <summary>The loop over k. Heights and widths are types, so that the JIT drops what a smaller tile does not have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Tile<A, H, W>(int depth, float* a, nint rowStep, nint depthStep, float* b, nint strideB, float* c, nint strideC, float* initial, float* bias)
        where A : struct, ITileOperands
        where H : struct, IHeight
        where W : struct, IWidth
    {
        V r0L = S.Zero, r0R = S.Zero, r1L = S.Zero, r1R = S.Zero, r2L = S.Zero, r2R = S.Zero;
        V r3L = S.Zero, r3R = S.Zero, r4L = S.Zero, r4R = S.Zero, r5L = S.Zero, r5R = S.Zero;
        V r6L = S.Zero, r6R = S.Zero, r7L = S.Zero, r7R = S.Zero, r8L = S.Zero, r8R = S.Zero;
        V r9L = S.Zero, r9R = S.Zero, r10L = S.Zero, r10R = S.Zero, r11L = S.Zero, r11R = S.Zero;
        // Of rows with a stride three are addressed from one pointer, by one and two strides.
        float* a3 = a + (3 * rowStep), a6 = a3 + (3 * rowStep), a9 = a6 + (3 * rowStep);
        float* next = a + (H.Rows * rowStep);
        int last = Math.Min(depth, LastDepth);
        depth -= last;
        while (true)
        {
            for (; depth > 0; depth--, a += depthStep, b += strideB)
            {
                V left = S.Load(b), right = W.Vectors > 1 ? S.Load(b + S.Width) : S.Zero, x = S.Set(a[0]);
                if (A.Ahead > 0 && Sse.IsSupported)
                {
                    Sse.Prefetch1(b + (A.Ahead * strideB));
                    if (W.Vectors > 1) Sse.Prefetch1(b + (A.Ahead * strideB) + S.Width);
                }

                if (A.FetchesNextRows && Sse.IsSupported)
                {
                    Sse.Prefetch1(A.IsAdjacent ? a + ((2 * H.Rows) - 1) : next);
                    if (!A.IsAdjacent) next += H.Rows;
                }

                r0L = S.FusedMultiplyAdd(x, left, r0L);
                r0R = Right<W>(x, right, r0R);
                if (H.Rows > 1)
                {
                    x = Element<A>(a, a, rowStep, 1);
                    r1L = S.FusedMultiplyAdd(x, left, r1L);
                    r1R = Right<W>(x, right, r1R);
                }

                if (H.Rows > 2)
                {
                    x = Element<A>(a, a, rowStep, 2);
                    r2L = S.FusedMultiplyAdd(x, left, r2L);
                    r2R = Right<W>(x, right, r2R);
                    x = Element<A>(a, a3, rowStep, 3);
                    r3L = S.FusedMultiplyAdd(x, left, r3L);
                    r3R = Right<W>(x, right, r3R);
                }

                if (H.Rows > 4)
                {
                    x = Element<A>(a, a3, rowStep, 4);
                    r4L = S.FusedMultiplyAdd(x, left, r4L);
                    r4R = Right<W>(x, right, r4R);
                    x = Element<A>(a, a3, rowStep, 5);
                    r5L = S.FusedMultiplyAdd(x, left, r5L);
                    r5R = Right<W>(x, right, r5R);
                }

                if (H.Rows > 6)
                {
                    x = Element<A>(a, a6, rowStep, 6);
                    r6L = S.FusedMultiplyAdd(x, left, r6L);
                    r6R = Right<W>(x, right, r6R);
                    x = Element<A>(a, a6, rowStep, 7);
                    r7L = S.FusedMultiplyAdd(x, left, r7L);
                    r7R = Right<W>(x, right, r7R);
                }

                if (H.Rows > 8)
                {
                    x = Element<A>(a, a6, rowStep, 8);
                    r8L = S.FusedMultiplyAdd(x, left, r8L);
                    r8R = Right<W>(x, right, r8R);
                    x = Element<A>(a, a9, rowStep, 9);
                    r9L = S.FusedMultiplyAdd(x, left, r9L);
                    r9R = Right<W>(x, right, r9R);
                    x = Element<A>(a, a9, rowStep, 10);
                    r10L = S.FusedMultiplyAdd(x, left, r10L);
                    r10R = Right<W>(x, right, r10R);
                    x = Element<A>(a, a9, rowStep, 11);
                    r11L = S.FusedMultiplyAdd(x, left, r11L);
                    r11R = Right<W>(x, right, r11R);
                }

                if (A.IsAdjacent) continue;
                if (H.Rows > 3) a3 += depthStep;
                if (H.Rows > 6) a6 += depthStep;
                if (H.Rows > 9) a9 += depthStep;
            }

            if (last == 0) break;

            // What the product is added to, or stored over, comes to the first-level cache shortly before; if sooner, a and b would displace it.
            float* sum = initial == null ? c : initial;
            for (int r = 0; r < H.Rows && Sse.IsSupported; r++, sum += strideC)
            {
                // A row that does not start with a line ends in one more.
                Sse.Prefetch0(sum);
                if (W.Vectors > 1) Sse.Prefetch0(sum + S.Width);
                Sse.Prefetch0(sum + (W.Vectors * S.Width) - 1);
            }

            (depth, last) = (last, 0);
        }

        V biasL = bias == null ? S.Zero : S.Load(bias), biasR = bias == null || W.Vectors == 1 ? S.Zero : S.Load(bias + S.Width);
        nint distance = initial == null ? 0 : (nint)(initial - c);
        bool adds = initial != null;
        Store<W>(c, adds, distance, S.Add(r0L, biasL), S.Add(r0R, biasR));
        if (H.Rows > 1)
        {
            Store<W>(c += strideC, adds, distance, S.Add(r1L, biasL), S.Add(r1R, biasR));
        }

        if (H.Rows > 2)
        {
            Store<W>(c += strideC, adds, distance, S.Add(r2L, biasL), S.Add(r2R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r3L, biasL), S.Add(r3R, biasR));
        }

        if (H.Rows > 4)
        {
            Store<W>(c += strideC, adds, distance, S.Add(r4L, biasL), S.Add(r4R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r5L, biasL), S.Add(r5R, biasR));
        }

        if (H.Rows > 6)
        {
            Store<W>(c += strideC, adds, distance, S.Add(r6L, biasL), S.Add(r6R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r7L, biasL), S.Add(r7R, biasR));
        }

        if (H.Rows > 8)
        {
            Store<W>(c += strideC, adds, distance, S.Add(r8L, biasL), S.Add(r8R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r9L, biasL), S.Add(r9R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r10L, biasL), S.Add(r10R, biasR));
            Store<W>(c += strideC, adds, distance, S.Add(r11L, biasL), S.Add(r11R, biasR));
        }
    }

    /// <summary>a[r, k] in every lane, given the address of a[0, k], and for rows with a stride that of the next row above whose number is a multiple of three.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Element<A>(float* a, float* three, nint rowStep, int r)
        where A : struct, ITileOperands => S.Set(A.IsAdjacent ? a[r] : three[r % 3 * rowStep]);

    /// <summary>The second vector's multiply-add, where the tile has one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Right<W>(V x, V right, V sum)
        where W : struct, IWidth => W.Vectors > 1 ? S.FusedMultiplyAdd(x, right, sum) : sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<W>(float* c, bool adds, nint distance, V left, V right)
        where W : struct, IWidth
    {
        S.Store(c, adds ? S.Add(left, S.Load(c + distance)) : left);
        if (W.Vectors > 1) S.Store(c + S.Width, adds ? S.Add(right, S.Load(c + distance + S.Width)) : right);
    }

    private interface IWidth
    {
        static abstract int Vectors { get; }
    }

    private readonly struct OneVector : IWidth
    {
        public static int Vectors => 1;
    }

    private readonly struct TwoVectors : IWidth
    {
        public static int Vectors => 2;
    }

    private interface IHeight
    {
        static abstract int Rows { get; }
    }

    private readonly struct Height1 : IHeight
    {
        public static int Rows => 1;
    }

    private readonly struct Height2 : IHeight
    {
        public static int Rows => 2;
    }

    private readonly struct Height4 : IHeight
    {
        public static int Rows => 4;
    }

    private readonly struct Height6 : IHeight
    {
        public static int Rows => 6;
    }

    private readonly struct Height8 : IHeight
    {
        public static int Rows => 8;
    }

    private readonly struct Height12 : IHeight
    {
        public static int Rows => 12;
    }
}
