using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>Four floats side by side: one 128-bit access.</summary>
internal readonly struct Float4(float x, float y, float z, float w)
{
    public readonly float X = x, Y = y, Z = z, W = w;

    /// <summary>this + factor · v.</summary>
    public Float4 Add(float factor, Float4 v) =>
        new(X + (factor * v.X), Y + (factor * v.Y), Z + (factor * v.Z), W + (factor * v.W));

    /// <summary>factor · this.</summary>
    public Float4 Times(float factor) => new(factor * X, factor * Y, factor * Z, factor * W);

    /// <summary>this · v, element by element.</summary>
    public Float4 Times(Float4 v) => new(X * v.X, Y * v.Y, Z * v.Z, W * v.W);

    /// <summary>this + shift, for every element.</summary>
    public Float4 Plus(float shift) => new(X + shift, Y + shift, Z + shift, W + shift);

    /// <summary>The sum of the elements.</summary>
    public float Sum => X + Y + (Z + W);

    /// <summary>The first elements, and zeros for those from <paramref name="count"/> on.</summary>
    public Float4 First(int count) => new(X, count > 1 ? Y : 0, count > 2 ? Z : 0, count > 3 ? W : 0);
}

/// <summary>The 4 × 4 elements of a tile that one thread holds in registers, row by row.</summary>
internal readonly struct Tile4x4(Float4 r0, Float4 r1, Float4 r2, Float4 r3)
{
    public readonly Float4 R0 = r0, R1 = r1, R2 = r2, R3 = r3;

    /// <summary>this + a·bᵀ.</summary>
    public Tile4x4 AddOuter(Float4 a, Float4 b) => new(R0.Add(a.X, b), R1.Add(a.Y, b), R2.Add(a.Z, b), R3.Add(a.W, b));

    /// <summary>Row i times factor i.</summary>
    public Tile4x4 TimesRows(Float4 factors) => new(R0.Times(factors.X), R1.Times(factors.Y), R2.Times(factors.Z), R3.Times(factors.W));
}

/// <summary>
/// The 8 × 8 elements of a tile that one thread holds in registers: four blocks of 4 × 4, half a tile apart, so that
/// neighbouring threads read neighbouring quads of shared memory.
/// </summary>
internal readonly struct Tile8x8(Tile4x4 q00, Tile4x4 q01, Tile4x4 q10, Tile4x4 q11)
{
    public readonly Tile4x4 Q00 = q00, Q01 = q01, Q10 = q10, Q11 = q11;

    /// <summary>this + a·bᵀ, for the upper and lower half of a and the left and right half of b.</summary>
    public Tile8x8 AddOuter(Float4 a0, Float4 a1, Float4 b0, Float4 b1) =>
        new(Q00.AddOuter(a0, b0), Q01.AddOuter(a0, b1), Q10.AddOuter(a1, b0), Q11.AddOuter(a1, b1));
}

/// <summary>
/// Products of matrix tiles in shared memory. A square group of E × E threads holds a tile of 4E × 4E elements, thread
/// (x, y) the rows 4y to 4y + 3 and the columns 4x to 4x + 3; or one of 8E × 8E, in which each thread has four such blocks.
/// Operands pass through panels of E steps along the inner dimension, in float32 and step by step: panel[k, o] at k·pitch + o.
/// Each thread brings four elements of a panel of side 4E, and eight of one of 8E, in one or two accesses.
/// </summary>
internal static class Tile
{
    /// <summary>The largest E.</summary>
    public const int MaxEdge = 16;

    /// <summary>Rows, and columns, of a thread in a tile of 4E × 4E.</summary>
    public const int PerThread = 4;

    /// <summary>The largest side of a tile of 4E × 4E.</summary>
    public const int MaxSide = PerThread * MaxEdge;

    /// <summary>Elements between two steps of a panel: room for a side, and 4 more that spread the steps over the memory banks.</summary>
    public const int Pitch = MaxSide + PerThread;

    /// <summary>Elements of a panel.</summary>
    public const int PanelLength = MaxEdge * Pitch;

    /// <summary>As <see cref="Pitch"/>, for a side of 8E.</summary>
    public const int WidePitch = (2 * MaxSide) + PerThread;

    /// <summary>As <see cref="PanelLength"/>, for a side of 8E.</summary>
    public const int WidePanelLength = MaxEdge * WidePitch;

    /// <summary>The side of the tile: 4E.</summary>
    public static int Side => PerThread * Group.DimX;

    /// <summary>
    /// Which element of a panel a thread's quad begins with. Where the outer dimension is contiguous it lies along that, and
    /// neighbouring threads take neighbouring quads of a step; otherwise along the inner dimension, and E/4 threads share a row.
    /// </summary>
    /// <param name="outer">o</param>
    /// <param name="inner">k</param>
    public readonly struct Slot(int outer, int inner)
    {
        public readonly int Outer = outer, Inner = inner;

        /// <summary>The slot of this thread.</summary>
        public static Slot Of(bool isOuterContiguous)
        {
            if (isOuterContiguous) return new Slot(PerThread * Group.IdxX, Group.IdxY);
            int quads = Group.DimX / PerThread, row = Group.IdxX / quads;
            return new Slot((PerThread * Group.IdxY) + row, PerThread * (Group.IdxX - (row * quads)));
        }
    }

    /// <summary>
    /// Up to four elements side by side, zeros beyond <paramref name="count"/>: in one access where
    /// <paramref name="isAligned"/> says that <paramref name="place"/> is a multiple of four elements.
    /// </summary>
    public static Float4 Quad<T>(ArrayView<T> source, long place, int count, bool isAligned)
        where T : unmanaged, IElement<T>
    {
        if (isAligned && count >= 4) return T.Load4(source, place >> 2);
        float x = 0, y = 0, z = 0, w = 0;
        if (count > 0) x = source[place].Value;
        if (count > 1) y = source[place + 1].Value;
        if (count > 2) z = source[place + 2].Value;
        if (count > 3) w = source[place + 3].Value;
        return new Float4(x, y, z, w);
    }

    /// <summary>The mirror of <see cref="Quad"/>.</summary>
    public static void StoreQuad<T>(ArrayView<T> target, long place, int count, bool isAligned, Float4 v)
        where T : unmanaged, IElement<T>
    {
        if (isAligned && count >= 4)
        {
            T.Store4(target, place >> 2, v);
            return;
        }

        if (count > 0) target[place] = T.Of(v.X);
        if (count > 1) target[place + 1] = T.Of(v.Y);
        if (count > 2) target[place + 2] = T.Of(v.Z);
        if (count > 3) target[place + 3] = T.Of(v.W);
    }

    /// <summary>
    /// The quad of a slot, source[origin + o·outerStride + k·innerStride], where the stride along the quad is 1; 0 beyond the counts.
    /// </summary>
    public static Float4 Fetch<T>(
        ArrayView<T> source, long origin, bool isOuterContiguous, int outerStride, int innerStride, int outer, int inner, int outerCount, int innerCount, bool isAligned)
        where T : unmanaged, IElement<T>
    {
        long place = origin + ((long)outer * outerStride) + ((long)inner * innerStride);
        int count = isOuterContiguous
            ? inner < innerCount ? outerCount - outer : 0
            : outer < outerCount ? innerCount - inner : 0;
        return Quad(source, place, count, isAligned);
    }

    /// <summary>Puts the quad of a slot into a panel.</summary>
    public static void Put(ArrayView<float> panel, int start, int pitch, bool isOuterContiguous, int outer, int inner, Float4 v)
    {
        int place = start + (inner * pitch) + outer;
        if (isOuterContiguous)
        {
            panel.Cast<Float4>()[place >> 2] = v;
        }
        else
        {
            panel[place] = v.X;
            panel[place + pitch] = v.Y;
            panel[place + (2 * pitch)] = v.Z;
            panel[place + (3 * pitch)] = v.W;
        }
    }

    /// <summary>accumulator + Σₖ a[aStep + k, rows]·b[k, columns] over the E steps of a panel.</summary>
    public static Tile4x4 MultiplyAdd(Tile4x4 accumulator, ArrayView<float> a, int aStep, ArrayView<float> b)
    {
        var a4 = a.Cast<Float4>();
        var b4 = b.Cast<Float4>();
        const int pitch4 = Pitch / 4;
        int i = (aStep * pitch4) + Group.IdxY, j = Group.IdxX;
        for (int k = Group.DimX; k > 0; k -= 4)
        {
            accumulator = accumulator.AddOuter(a4[i], b4[j]);
            accumulator = accumulator.AddOuter(a4[i + pitch4], b4[j + pitch4]);
            accumulator = accumulator.AddOuter(a4[i + (2 * pitch4)], b4[j + (2 * pitch4)]);
            accumulator = accumulator.AddOuter(a4[i + (3 * pitch4)], b4[j + (3 * pitch4)]);
            i += 4 * pitch4;
            j += 4 * pitch4;
        }

        return accumulator;
    }

    /// <summary>The same for a tile of 8E × 8E, with the panels from <paramref name="start"/> on.</summary>
    public static Tile8x8 MultiplyAdd(Tile8x8 accumulator, ArrayView<float> a, ArrayView<float> b, int start)
    {
        var a4 = a.Cast<Float4>();
        var b4 = b.Cast<Float4>();
        const int pitch4 = WidePitch / 4;
        int edge = Group.DimX, i = (start >> 2) + Group.IdxY, j = (start >> 2) + Group.IdxX;
        for (int k = edge; k > 0; k -= 2)
        {
            accumulator = accumulator.AddOuter(a4[i], a4[i + edge], b4[j], b4[j + edge]);
            accumulator = accumulator.AddOuter(a4[i + pitch4], a4[i + pitch4 + edge], b4[j + pitch4], b4[j + pitch4 + edge]);
            i += 2 * pitch4;
            j += 2 * pitch4;
        }

        return accumulator;
    }

    /// <summary>
    /// The tile A·Bᵀ of two matrices with contiguous rows: element (r, c) is the dot product of row r of a and row c of b
    /// over <paramref name="width"/> columns. Ends with a barrier.
    /// </summary>
    public static Tile4x4 RowProducts<T>(
        ArrayView<float> aPanel, ArrayView<float> bPanel, Slot slot,
        ArrayView<T> a, long aOrigin, int aStride, int aCount,
        ArrayView<T> b, long bOrigin, int bStride, int bCount, int width, bool isAligned)
        where T : unmanaged, IElement<T>
    {
        Tile4x4 product = default;
        for (int k = 0; k < width; k += Group.DimX)
        {
            Put(aPanel, 0, Pitch, false, slot.Outer, slot.Inner, Fetch(a, aOrigin + k, false, aStride, 1, slot.Outer, slot.Inner, aCount, width - k, isAligned));
            Put(bPanel, 0, Pitch, false, slot.Outer, slot.Inner, Fetch(b, bOrigin + k, false, bStride, 1, slot.Outer, slot.Inner, bCount, width - k, isAligned));
            Group.Barrier();
            product = MultiplyAdd(product, aPanel, 0, bPanel);
            Group.Barrier();
        }

        return product;
    }

    /// <summary>
    /// product + weightsᵀ·B: weights[inner, row] from shared memory, B[inner, column] at <paramref name="origin"/>, up to
    /// <paramref name="columns"/> of a tile's side. Ends with a barrier.
    /// </summary>
    public static Tile4x4 AddWeighted<T>(
        Tile4x4 product, ArrayView<float> panel, ArrayView<float> weights, ArrayView<T> b, long origin, int stride, int innerCount, int columns, bool isAligned)
        where T : unmanaged, IElement<T>
    {
        int outer = PerThread * Group.IdxX, inner = Group.IdxY;
        for (int k = 0; k < innerCount; k += Group.DimX)
        {
            Put(panel, 0, Pitch, true, outer, inner, Fetch(b, origin + ((long)k * stride), true, 1, stride, outer, inner, columns, innerCount - k, isAligned));
            Group.Barrier();
            product = MultiplyAdd(product, weights, k, panel);
            Group.Barrier();
        }

        return product;
    }

    /// <summary>
    /// Writes a tile transposed, transposed[column, row], which is the layout of an operand whose inner dimension are the
    /// tile's columns.
    /// </summary>
    public static void StoreTransposed(ArrayView<float> transposed, Tile4x4 tile)
    {
        var t4 = transposed.Cast<Float4>();
        const int pitch4 = Pitch / 4;
        int place = (PerThread * Group.IdxX * pitch4) + Group.IdxY;
        t4[place] = new Float4(tile.R0.X, tile.R1.X, tile.R2.X, tile.R3.X);
        t4[place + pitch4] = new Float4(tile.R0.Y, tile.R1.Y, tile.R2.Y, tile.R3.Y);
        t4[place + (2 * pitch4)] = new Float4(tile.R0.Z, tile.R1.Z, tile.R2.Z, tile.R3.Z);
        t4[place + (3 * pitch4)] = new Float4(tile.R0.W, tile.R1.W, tile.R2.W, tile.R3.W);
    }
}
