using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Kernels.Tests.Ops;

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
    [TestCase("RowsRowsTf32Kernel", 128, 128, 32, 128, 1)]
    [TestCase("RowsColumnsTf32Kernel", 128, 128, 32, 128, 1)]
    [TestCase("ColumnsColumnsTf32Kernel", 128, 128, 32, 128, 1)]
    [TestCase("RowsRowsTf32Kernel", 129, 257, 164, 256, 1)]
    [TestCase("RowsColumnsTf32Kernel", 3, 260, 33, 256, 1)]
    [TestCase("ColumnsColumnsTf32Kernel", 132, 68, 259, 128, 3)]
    [TestCase("RowsRowsTf32Kernel", 5, 7, 101, 128, 2)]
    [TestCase("RowsColumnsTf32Kernel", 33, 35, 77, 128, 1)]
    [TestCase("ColumnsColumnsTf32Kernel", 33, 35, 77, 128, 1)]
    public void Products_are_right_without_races_and_bank_conflicts(string name, int rows, int cols, int inner, int threads, int parts)
    {
        bool aByColumns = name.StartsWith("Columns", StringComparison.Ordinal), bByColumns = name.Replace("Tf32", "", StringComparison.Ordinal).EndsWith("ColumnsKernel", StringComparison.Ordinal);
        bool isTf32 = name.Contains("Tf32", StringComparison.Ordinal), floatOutput = isTf32 || parts > 1 || rows == 129;
        int elementBytes = isTf32 ? TensorCoreProduct.FloatBytes : TensorCoreProduct.BFloat16Bytes, depth = TensorCoreProduct.Depth(elementBytes);
        var random = new Random(rows + (31 * cols) + (57 * inner));
        float[] a = Values(random, rows * inner, isTf32), b = Values(random, inner * cols, isTf32), bias = Values(random, cols, isTf32), residual = Values(random, rows * cols, isTf32);
        int aPitch = aByColumns ? rows : inner, bPitch = bByColumns ? cols : inner;
        var memory = new PtxGlobalMemory();
        ulong aAt = Place(memory, a, isTf32), bAt = Place(memory, b, isTf32), biasAt = Place(memory, bias, isTf32);
        ulong yAt = floatOutput ? memory.Add<float>(residual) : memory.Add<ushort>([.. Enumerable.Repeat((ushort)0x7fff, rows * cols)]);
        ulong residualAt = floatOutput ? yAt : Place(memory, residual, isTf32);
        int rowTiles = (rows + TensorCoreProduct.TileRows - 1) / TensorCoreProduct.TileRows, colTiles = (cols + threads - 1) / threads;

        // What begins as A·B in a model has an activation beside it, or alone.
        bool isActivated = !aByColumns && parts == 1, hasY = !isActivated || cols != 35;
        var kind = (ActivationKind)(rows % 3);
        ulong activatedAt = floatOutput ? memory.Add<float>([.. Enumerable.Repeat(float.NaN, rows * cols)]) : memory.Add<ushort>([.. Enumerable.Repeat((ushort)0x7fff, rows * cols)]);
        ulong turnsAt = memory.Add<int>(new int[rowTiles * colTiles]);
        int perPart = (((inner + parts - 1) / parts) + depth - 1) / depth * depth;
        int flags = (floatOutput ? TensorCoreProduct.FloatOutput | TensorCoreProduct.FloatResidual : 0) | (isTf32 ? TensorCoreProduct.FloatBias : 0)
            | (aPitch * elementBytes % 16 == 0 ? TensorCoreProduct.AlignedA : 0) | (bPitch * elementBytes % 16 == 0 ? TensorCoreProduct.AlignedB : 0);
        int scale = floatOutput ? 2 : 1, biasLength = parts > 1 ? 0 : isTf32 ? 2 * cols : cols;
        var launch = new PtxLaunch(Kernel(name), memory, (rowTiles * colTiles, parts, 1), (threads, 1, 1), TensorCoreProduct.SharedBytes(threads));

        launch.Run(
            PtxLaunch.Value(aAt), PtxLaunch.Value(bAt), PtxLaunch.View(yAt, hasY ? scale * rows * cols : 0), PtxLaunch.View(activatedAt, isActivated ? scale * rows * cols : 0),
            PtxLaunch.View(biasAt, biasLength),
            PtxLaunch.View(residualAt, scale * rows * cols), PtxLaunch.View(turnsAt, rowTiles * colTiles),
            PtxLaunch.Value(new TensorCoreProduct.Sizes(rows, cols, inner, aPitch, bPitch, parts, perPart, flags, (int)kind)));

        float[] Read(ulong at) => floatOutput ? memory.Read<float>(at) : [.. memory.Read<ushort>(at).Select(TensorOps.ToSingle)];
        float[] y = Read(yAt), activated = Read(activatedAt);
        var function = ActivationTests.Function(kind);
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < cols; c++)
            {
                // The sum of the operands as they are, of their absolute products, and as tensor cores take them.
                double added = residual[(r * cols) + c] + (parts > 1 ? 0 : bias[c]), sum = added, rounded = added, size = 0;
                for (int k = 0; k < inner; k++)
                {
                    float x = a[aByColumns ? (k * rows) + r : (r * inner) + k], w = b[bByColumns ? (k * cols) + c : (c * inner) + k];
                    sum += (double)x * w;
                    size += Math.Abs((double)x * w);
                    rounded += (double)TensorOps.RoundToTf32(x) * TensorOps.RoundToTf32(w);
                }

                string place = $"row {r}, column {c}";
                double tolerance = isTf32 ? 1e-5 : floatOutput ? 1e-4 : 0.004 * (Math.Abs(sum) + 1);
                if (isActivated) Assert.That(activated[(r * cols) + c], Is.EqualTo(function(rounded)).Within(1.2 * tolerance), place);
                if (!hasY) continue;
                Assert.That(y[(r * cols) + c], Is.EqualTo(rounded).Within(tolerance), place);

                // The stated bound: each operand is off by 2⁻¹¹ of itself at most; and the errors of a float32 sum.
                if (isTf32) Assert.That(y[(r * cols) + c], Is.EqualTo(sum).Within((Math.ScaleB(1, -10) * (1 + Math.ScaleB(1, -12)) * size) + 1e-5), place);
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(launch.Conflicts().Select(c => $"{c.Instruction}: {c.Count.Ways:0.00} ways"), Is.Empty);
            Assert.That(memory.Read<int>(turnsAt), Is.All.Zero);
        }
    }

    private static float[] Values(Random random, int count, bool isFloat) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1)).Select(value => isFloat ? value : TensorOps.ToSingle(TensorOps.ToBFloat16(value)))];

    private static ulong Place(PtxGlobalMemory memory, float[] values, bool isFloat) =>
        isFloat ? memory.Add<float>(values) : memory.Add<ushort>([.. values.Select(TensorOps.ToBFloat16)]);
}
