using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>Four floats side by side: one 128-bit access.</summary>
internal readonly struct Float4(float x, float y, float z, float w)
{
    public readonly float X = x, Y = y, Z = z, W = w;

    /// <summary>this + factor · v.</summary>
    public Float4 Add(float factor, Float4 v) =>
        new(X + (factor * v.X), Y + (factor * v.Y), Z + (factor * v.Z), W + (factor * v.W));
}

/// <summary>The 4 × 4 elements of a tile that one thread holds in registers, row by row.</summary>
internal readonly struct Tile4x4(Float4 r0, Float4 r1, Float4 r2, Float4 r3)
{
    public readonly Float4 R0 = r0, R1 = r1, R2 = r2, R3 = r3;

    /// <summary>this + a·bᵀ.</summary>
    public Tile4x4 AddOuter(Float4 a, Float4 b) => new(R0.Add(a.X, b), R1.Add(a.Y, b), R2.Add(a.Z, b), R3.Add(a.W, b));
}

/// <summary>
/// Products of matrix tiles in shared memory. A square group of E × E threads holds a tile of 4E × 4E elements, thread
/// (x, y) the rows 4y to 4y + 3 and the columns 4x to 4x + 3. Operands pass through panels of E steps along the inner
/// dimension, stored step by step: panel[k, o] at k·<see cref="Pitch"/> + o.
/// </summary>
internal static class Tile
{
    /// <summary>The largest E.</summary>
    public const int MaxEdge = 16;

    /// <summary>Rows, and columns, of a thread.</summary>
    public const int PerThread = 4;

    /// <summary>The largest side of a tile.</summary>
    public const int MaxSide = PerThread * MaxEdge;

    /// <summary>Elements between two steps of a panel: room for a side, and 4 more that spread the steps over the memory banks.</summary>
    public const int Pitch = MaxSide + PerThread;

    /// <summary>Elements of a panel.</summary>
    public const int PanelLength = MaxEdge * Pitch;

    /// <summary>The side of the tile: 4E.</summary>
    public static int Side => PerThread * Group.DimX;

    /// <summary>
    /// panel[k, o] = source[origin + o·outerStride + k·innerStride] for o in [0, 4E) and k in [0, E); 0 beyond the counts.
    /// Neighbouring threads read along the dimension whose stride is 1.
    /// </summary>
    public static void Load(
        ArrayView<float> panel, ArrayView<float> source, long origin, int outerStride, int innerStride, int outerCount, int innerCount)
    {
        int edge = Group.DimX, x = Group.IdxX, y = Group.IdxY;
        for (int i = 0; i < PerThread; i++)
        {
            int o, k;
            if (outerStride == 1)
            {
                o = x + ((y % PerThread) * edge);
                k = (y / PerThread) + (i * (edge / PerThread));
            }
            else
            {
                o = y + (i * edge);
                k = x;
            }

            float value = 0;
            if (o < outerCount && k < innerCount) value = source[origin + ((long)o * outerStride) + ((long)k * innerStride)];
            panel[(k * Pitch) + o] = value;
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

    /// <summary>
    /// The tile A·Bᵀ of two matrices with contiguous rows: element (r, c) is the dot product of row r of a and row c of b
    /// over <paramref name="width"/> columns. Ends with a barrier.
    /// </summary>
    public static Tile4x4 RowProducts(
        ArrayView<float> aPanel, ArrayView<float> bPanel,
        ArrayView<float> a, long aOrigin, int aStride, int aCount,
        ArrayView<float> b, long bOrigin, int bStride, int bCount, int width)
    {
        Tile4x4 product = default;
        for (int k = 0; k < width; k += Group.DimX)
        {
            Load(aPanel, a, aOrigin + k, aStride, 1, aCount, width - k);
            Load(bPanel, b, bOrigin + k, bStride, 1, bCount, width - k);
            Group.Barrier();
            product = MultiplyAdd(product, aPanel, 0, bPanel);
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
