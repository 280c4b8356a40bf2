using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>Tensor-core attention, executed as PTX and held against the oracle.</summary>
[TestFixture]
public sealed class TensorCoreAttentionTests
{
    private static PtxKernel Kernel(string name) => PtxKernel.Parse(CudaText.Of(typeof(TensorCoreAttention), name));

    [TestCase(32, 2, new[] { 0, 70, 71, 139 })]
    [TestCase(64, 1, new[] { 0, 5, 200 })]
    [TestCase(64, 2, new[] { 0, 3 })]
    [TestCase(128, 1, new[] { 0, 1, 130, 145 })]
    public void Forward_and_backward_are_right_without_races_and_bank_conflicts(int headSize, int heads, int[] offsets)
    {
        int rows = offsets[^1], width = heads * headSize;
        var random = new Random(rows + headSize);
        ushort[] qkv = Values(random, rows * 3 * width, 2), dY = Values(random, rows * width, 1);
        int[] starts = [.. Enumerable.Range(0, rows).Select(r => offsets.Last(o => o <= r))];
        var memory = new PtxGlobalMemory();
        ulong qkvAt = memory.Add<ushort>(qkv), yAt = memory.Add<ushort>(Garbage(rows * width)), lseAt = memory.Add<float>(new float[rows * heads]);
        ulong startsAt = memory.Add<int>(starts), offsetsAt = memory.Add<int>(offsets);
        var batch = new TensorCoreAttention.Batch(rows, offsets.Length - 1, (float)(1 / Math.Sqrt(headSize)));
        (int, int, int) grid = ((rows + 127) / 128, heads, 1), threads = (TensorCoreAttention.Threads, 1, 1);
        var forward = new PtxLaunch(Kernel($"Forward{headSize}Kernel"), memory, grid, threads, TensorCoreAttention.ForwardBytes(headSize));
        forward.Run(
            PtxLaunch.Value(qkvAt), PtxLaunch.View(yAt, rows * width), PtxLaunch.Value(lseAt), PtxLaunch.View(startsAt, rows), PtxLaunch.Value(batch));

        var expectedY = new double[rows * width];
        var expectedLse = new double[rows * heads];
        double[] input = [.. qkv.Select(v => (double)TensorOps.ToSingle(v))];
        Reference.Attention.Forward(expectedY, expectedLse, input, offsets, heads, width);
        Compare(memory.Read<ushort>(yAt), expectedY, 0.02, "y");
        Assert.That(memory.Read<float>(lseAt), Is.EqualTo(expectedLse.Select(v => (float)v)).Within(1e-4), "lse");
        Assert.That(Conflicts(forward, headSize), Is.Empty);

        ulong dYAt = memory.Add<ushort>(dY), dQkvAt = memory.Add<ushort>(Garbage(rows * 3 * width));
        new PtxLaunch(Kernel("DeltaKernel"), memory, (((rows * width / 8) + 255) / 256, 1, 1), threads).Run(
            PtxLaunch.View(dQkvAt, rows * 3 * width), PtxLaunch.View(dYAt, rows * width), PtxLaunch.View(yAt, rows * width),
            PtxLaunch.Value(rows), PtxLaunch.Value(heads), PtxLaunch.Value(headSize));
        foreach (string name in new[] { $"Keys{headSize}Kernel", $"Queries{headSize}Kernel" })
        {
            var launch = new PtxLaunch(Kernel(name), memory, grid, threads, TensorCoreAttention.BackwardBytes(headSize));
            launch.Run(
                PtxLaunch.View(dQkvAt, rows * 3 * width), PtxLaunch.Value(dQkvAt), PtxLaunch.Value(dYAt), PtxLaunch.Value(lseAt), PtxLaunch.Value(qkvAt),
                name[0] == 'K' ? PtxLaunch.View(offsetsAt, offsets.Length) : PtxLaunch.View(startsAt, rows), PtxLaunch.Value(batch));
            Assert.That(Conflicts(launch, headSize), Is.Empty);
        }

        var expected = new double[rows * 3 * width];
        Reference.Attention.Backward(expected, [.. dY.Select(v => (double)TensorOps.ToSingle(v))], expectedY, expectedLse, input, offsets, heads, width);
        Compare(memory.Read<ushort>(dQkvAt), expected, 0.02, "dQkv");
    }

    // At head size 32 half of every panel row is empty, so that two rows share the banks that one would fill: two turns for its copies.
    private static IEnumerable<string> Conflicts(PtxLaunch launch, int headSize) =>
        from conflict in launch.Conflicts()
        where conflict.Count.Ways > (headSize == 32 && conflict.Instruction.Name != "ldmatrix" ? 2 : 1)
        select $"{conflict.Instruction}: {conflict.Count.Ways:0.00} ways";

    // Relative to the largest: weights and their gradients are rounded to bfloat16 on their way into the next product.
    private static void Compare(ushort[] actual, double[] expected, double tolerance, string name)
    {
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.That(TensorOps.ToSingle(actual[i]), Is.EqualTo(expected[i]).Within(tolerance * largest), $"{name}, element {i}");
    }

    private static ushort[] Values(Random random, int count, double size) =>
        [.. Enumerable.Range(0, count).Select(_ => TensorOps.ToBFloat16((float)(size * ((random.NextDouble() * 2) - 1))))];

    private static ushort[] Garbage(int count) => [.. Enumerable.Repeat((ushort)0x7fff, count)];
}
