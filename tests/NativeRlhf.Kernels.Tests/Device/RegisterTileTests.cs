using System.Runtime.Intrinsics;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>Tiles of every height and width, of few and many k, however their operands lie, against sums in double.</summary>
public unsafe class RegisterTileTests
{
    [Test]
    public void Of512Bits([Values] bool adds, [Values] bool hasBias)
    {
        if (!Vector512.IsHardwareAccelerated) Assert.Ignore("this processor has no vectors of 512 bits");
        Check<Simd512, Vector512<float>>(adds, hasBias);
    }

    [Test]
    public void Of256Bits([Values] bool adds, [Values] bool hasBias)
    {
        if (!Vector256.IsHardwareAccelerated) Assert.Ignore("this processor has no vectors of 256 bits");
        Check<Simd256, Vector256<float>>(adds, hasBias);
    }

    [Test]
    public void Of128Bits([Values] bool adds, [Values] bool hasBias) => Check<Simd128, Vector128<float>>(adds, hasBias);

    [Test]
    public void OfOneFloat([Values] bool adds, [Values] bool hasBias) => Check<Scalar, float>(adds, hasBias);

    private static void Check<S, V>(bool adds, bool hasBias)
        where S : struct, ISimd<V>
        where V : struct
    {
        // Around the k whose turn it is to fetch the tile's place in C; and none, of which attention asks beyond its diagonal.
        foreach (int depth in (int[])[-3, 0, 1, 19, 47, 48, 49, 130])
        {
            Check<S, V, Adjacent>(depth, adds, hasBias);
            Check<S, V, AdjacentPassing>(depth, adds, hasBias);
            Check<S, V, Strided>(depth, adds, hasBias);
            Check<S, V, StridedStreaming>(depth, adds, hasBias);
            Check<S, V, Passing>(depth, adds, hasBias);
        }
    }

    private static void Check<S, V, T>(int depth, bool adds, bool hasBias)
        where S : struct, ISimd<V>
        where V : struct
        where T : struct, ITileOperands
    {
        const int StrideB = 40, StrideC = 37, MostDepth = 130;
        int rowStep = T.IsAdjacent ? 1 : MostDepth + 1, depthStep = T.IsAdjacent ? 12 : 1;
        float Value(int i) => MathF.Sin(i);
        float[] a = [.. Enumerable.Range(0, (MostDepth + 1) * 12).Select(Value)], b = [.. Enumerable.Range(100, MostDepth * StrideB).Select(Value)];
        float[] initial = [.. Enumerable.Range(200, 12 * StrideC).Select(Value)], bias = [.. Enumerable.Range(300, 32).Select(Value)];
        for (int rows = 1; rows <= RegisterTile<S, V>.Rows; rows++)
        {
            for (int columns = 1; columns <= RegisterTile<S, V>.Columns; columns++)
            {
                // A last column so that a store beyond the tile is seen.
                float[] c = new float[12 * StrideC];
                fixed (float* pa = a, pb = b, pc = c, pi = initial, pBias = bias)
                    RegisterTile<S, V>.Multiply<T>(rows, columns, depth, pa, rowStep, depthStep, pb, StrideB, pc, StrideC, adds ? pi : null, hasBias ? pBias : null);
                for (int i = 0; i < c.Length; i++)
                {
                    int r = i / StrideC, j = i % StrideC;
                    double expected = 0;
                    if (r < rows && j < columns)
                    {
                        for (int k = 0; k < depth; k++) expected += (double)a[(k * depthStep) + (r * rowStep)] * b[(k * StrideB) + j];
                        expected += (adds ? initial[i] : 0) + (hasBias ? bias[j] : 0);
                    }

                    if (!(Math.Abs(c[i] - expected) <= 1e-5)) Assert.Fail($"{typeof(T).Name}, {rows} x {depth} x {columns}: ({r}, {j}) is {c[i]}, not {expected}");
                }
            }
        }
    }
}
