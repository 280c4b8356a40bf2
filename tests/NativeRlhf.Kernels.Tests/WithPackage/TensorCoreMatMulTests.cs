using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>The tensor-core products, executed as PTX and held against plain sums.</summary>
[TestFixture]
public sealed class TensorCoreMatMulTests
{
    private static readonly Dictionary<string, PtxKernel> Compiled = [];

    private static PtxKernel Kernel(string name)
    {
        if (!Compiled.TryGetValue(name, out var kernel)) Compiled.Add(name, kernel = PtxKernel.Parse(CudaText.Of(typeof(TensorCoreProduct), name)));
        return kernel;
    }

    [TestCase("RowsRowsKernel", 128, 128, 64, 128, 1)]
    [TestCase("RowsColumnsKernel", 128, 128, 64, 128, 1)]
    [TestCase("ColumnsColumnsKernel", 128, 128, 64, 128, 1)]
    [TestCase("RowsRowsKernel", 129, 257, 328, 256, 1)]
    [TestCase("RowsColumnsKernel", 3, 264, 65, 256, 1)]
    [TestCase("ColumnsColumnsKernel", 136, 72, 515, 128, 3)]
    [TestCase("RowsRowsKernel", 5, 7, 101, 128, 1)]
    [TestCase("RowsColumnsKernel", 33, 35, 77, 128, 1)]
    [TestCase("ColumnsColumnsKernel", 33, 35, 77, 128, 1)]
    public void Products_are_right_without_races_and_bank_conflicts(string name, int rows, int cols, int inner, int threads, int parts)
    {
        bool aByColumns = name.StartsWith("Columns", StringComparison.Ordinal), bByColumns = name.EndsWith("ColumnsKernel", StringComparison.Ordinal);
        bool floatOutput = parts > 1 || rows == 129;
        var random = new Random(rows + (31 * cols) + (57 * inner));
        ushort[] a = Values(random, rows * inner), b = Values(random, inner * cols), bias = Values(random, cols), residual = Values(random, rows * cols);
        int aPitch = aByColumns ? rows : inner, bPitch = bByColumns ? cols : inner;
        var memory = new PtxGlobalMemory();
        ulong aAt = memory.Add<ushort>(a), bAt = memory.Add<ushort>(b), biasAt = memory.Add<ushort>(bias);
        ulong yAt = floatOutput ? memory.Add<float>([.. residual.Select(TensorOps.ToSingle)]) : memory.Add<ushort>([.. Enumerable.Repeat((ushort)0x7fff, rows * cols)]);
        ulong residualAt = floatOutput ? yAt : memory.Add<ushort>(residual);
        int rowTiles = (rows + TensorCoreProduct.TileRows - 1) / TensorCoreProduct.TileRows, colTiles = (cols + threads - 1) / threads;
        ulong turnsAt = memory.Add<int>(new int[rowTiles * colTiles]);
        int perPart = (((inner + parts - 1) / parts) + 63) / 64 * 64;
        int flags = (floatOutput ? TensorCoreProduct.FloatOutput | TensorCoreProduct.FloatResidual : 0)
            | (aPitch % 8 == 0 ? TensorCoreProduct.AlignedA : 0) | (bPitch % 8 == 0 ? TensorCoreProduct.AlignedB : 0);
        int scale = floatOutput ? 2 : 1;
        var launch = new PtxLaunch(Kernel(name), memory, (rowTiles * colTiles, parts, 1), (threads, 1, 1), TensorCoreProduct.SharedBytes(threads));

        launch.Run(
            PtxLaunch.Value(aAt), PtxLaunch.Value(bAt), PtxLaunch.View(yAt, scale * rows * cols), PtxLaunch.View(biasAt, parts > 1 ? 0 : cols),
            PtxLaunch.View(residualAt, scale * rows * cols), PtxLaunch.View(turnsAt, rowTiles * colTiles),
            PtxLaunch.Value(new TensorCoreProduct.Sizes(rows, cols, inner, aPitch, bPitch, parts, perPart, flags)));

        float[] y = floatOutput ? memory.Read<float>(yAt) : [.. memory.Read<ushort>(yAt).Select(TensorOps.ToSingle)];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < cols; c++)
            {
                double sum = TensorOps.ToSingle(residual[(r * cols) + c]) + (parts > 1 ? 0 : TensorOps.ToSingle(bias[c]));
                for (int k = 0; k < inner; k++)
                    sum += TensorOps.ToSingle(a[aByColumns ? (k * rows) + r : (r * inner) + k]) * (double)TensorOps.ToSingle(b[bByColumns ? (k * cols) + c : (c * inner) + k]);
                Assert.That(y[(r * cols) + c], Is.EqualTo(sum).Within(floatOutput ? 1e-4 : 0.004 * (Math.Abs(sum) + 1)), $"row {r}, column {c}");
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(launch.Conflicts().Select(c => $"{c.Instruction}: {c.Count.Ways:0.00} ways"), Is.Empty);
            Assert.That(memory.Read<int>(turnsAt), Is.All.Zero);
        }
    }

    private static ushort[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => TensorOps.ToBFloat16((float)((random.NextDouble() * 2) - 1)))];
}
