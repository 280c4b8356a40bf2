using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeRlhf.Kernels.Device;

/// <summary>Copies a block of a matrix transposed.</summary>
internal static unsafe class Transposition
{
    /// <summary>destination[c · strideD + r] = source[r · strideS + c].</summary>
    /// <param name="destination">destination (columns × rows)</param>
    /// <param name="strideD">The distance between rows of the destination.</param>
    /// <param name="source">source (rows × columns)</param>
    /// <param name="strideS">The distance between rows of the source.</param>
    /// <param name="rows">Rows of the source.</param>
    /// <param name="columns">Columns of the source.</param>
    /// <param name="ahead">How far ahead in each row of a source that lies in memory lines are fetched; or 0.</param>
    public static void Copy(float* destination, nint strideD, float* source, nint strideS, int rows, int columns, nint ahead = 0)
    {
        if (Avx.IsSupported)
        {
            // Sixteen columns, a line of each row, then all rows: a line of the destination is written as a whole, and one of the source read as a whole.
            int whole = rows & ~7, c = 0;
            for (; c <= columns - 16; c += 16)
            {
                float* to = destination + (c * strideD), from = source + c;
                for (int r = 0; r < whole; r += 8, to += 8, from += 8 * strideS)
                {
                    CopyEight(to, strideD, from, strideS);
                    CopyEight(to + (8 * strideD), strideD, from + 8, strideS);
                    for (int i = 0; i < 8 && ahead != 0; i++) Sse.Prefetch0(from + ahead + (i * strideS));
                }
            }

            for (int r = 0; r < whole && c <= columns - 8; r += 8) CopyEight(destination + (c * strideD) + r, strideD, source + c + (r * strideS), strideS);
            if (c <= columns - 8) c += 8;
            CopyRest(destination + (c * strideD), strideD, source + c, strideS, whole, columns - c);
            rows -= whole;
            destination += whole;
            source += whole * strideS;
            if (rows >= 4)
            {
                for (c = 0; c <= columns - 4; c += 4) CopyFour(destination + (c * strideD), strideD, source + c, strideS);
                CopyRest(destination + (c * strideD), strideD, source + c, strideS, 4, columns - c);
                rows -= 4;
                destination += 4;
                source += 4 * strideS;
            }
        }

        CopyRest(destination, strideD, source, strideS, rows, columns);
    }

    private static void CopyRest(float* destination, nint strideD, float* source, nint strideS, int rows, int columns)
    {
        for (int c = 0; c < columns; c++)
            for (int r = 0; r < rows; r++) destination[(c * strideD) + r] = source[(r * strideS) + c];
    }

    /// <summary>8 × 8 in registers: pairs of rows, then pairs of pairs, then halves change places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyEight(float* destination, nint strideD, float* source, nint strideS)
    {
        // Each vector holds four elements of a row and four of the row four below, so that the halves are in place already.
        var x0 = Halves(source, strideS);
        var x1 = Halves(source + strideS, strideS);
        var x2 = Halves(source + (2 * strideS), strideS);
        var x3 = Halves(source + (3 * strideS), strideS);
        StoreFour(destination, strideD, x0, x1, x2, x3);
        source += 4;
        x0 = Halves(source, strideS);
        x1 = Halves(source + strideS, strideS);
        x2 = Halves(source + (2 * strideS), strideS);
        x3 = Halves(source + (3 * strideS), strideS);
        StoreFour(destination + (4 * strideD), strideD, x0, x1, x2, x3);
    }

    /// <summary>4 × 4 in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyFour(float* destination, nint strideD, float* source, nint strideS)
    {
        Vector128<float> x0 = Vector128.Load(source), x1 = Vector128.Load(source + strideS);
        Vector128<float> x2 = Vector128.Load(source + (2 * strideS)), x3 = Vector128.Load(source + (3 * strideS));
        Vector128<float> low01 = Sse.UnpackLow(x0, x1), high01 = Sse.UnpackHigh(x0, x1), low23 = Sse.UnpackLow(x2, x3), high23 = Sse.UnpackHigh(x2, x3);
        Sse.MoveLowToHigh(low01, low23).Store(destination);
        Sse.MoveHighToLow(low23, low01).Store(destination + strideD);
        Sse.MoveLowToHigh(high01, high23).Store(destination + (2 * strideD));
        Sse.MoveHighToLow(high23, high01).Store(destination + (3 * strideD));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* source, nint stride) =>
        Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(float* destination, nint stride, Vector256<float> x0, Vector256<float> x1, Vector256<float> x2, Vector256<float> x3)
    {
        Vector256<double> low01 = Avx.UnpackLow(x0, x1).AsDouble(), high01 = Avx.UnpackHigh(x0, x1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(x2, x3).AsDouble(), high23 = Avx.UnpackHigh(x2, x3).AsDouble();
        Avx.UnpackLow(low01, low23).AsSingle().Store(destination);
        Avx.UnpackHigh(low01, low23).AsSingle().Store(destination + stride);
        Avx.UnpackLow(high01, high23).AsSingle().Store(destination + (2 * stride));
        Avx.UnpackHigh(high01, high23).AsSingle().Store(destination + (3 * stride));
    }
}
