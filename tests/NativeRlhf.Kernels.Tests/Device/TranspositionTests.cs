using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>Blocks of every size around those that are done in registers, between strides that differ from it.</summary>
public unsafe class TranspositionTests
{
    [Test]
    public void EveryElementChangesPlacesAndNothingElseIsWritten(
        [Values(0, 1, 3, 4, 7, 8, 11, 12, 16, 33)] int rows, [Values(0, 1, 4, 7, 8, 9, 16, 31, 40)] int columns, [Values] bool fetches)
    {
        const float Untouched = -1;
        int strideS = columns + 3, strideD = rows + 5;
        float[] source = [.. Enumerable.Range(0, (rows * strideS) + 1).Select(i => (float)i)];
        float[] destination = new float[(columns * strideD) + 1];
        Array.Fill(destination, Untouched);
        fixed (float* from = source, to = destination)
            Transposition.Copy(to, strideD, from, strideS, rows, columns, fetches ? rows * strideS : 0);
        for (int i = 0; i < destination.Length; i++)
        {
            int c = i / strideD, r = i % strideD;
            Assert.That(destination[i], Is.EqualTo(c < columns && r < rows ? source[(r * strideS) + c] : Untouched), $"({r}, {c})");
        }
    }
}
