using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class CachedAttentionTests(string device, string variant) : OpTests(device, variant)
{
    [TestCase(3, 11)]
    [TestCase(2, 16)]
    [TestCase(1, 64)]
    public void Prompts_and_decoding_in_any_mixture(int NH, int HS)
    {
        int C = NH * HS, capacity = Pick(70, 11), slots = 4;
        double[] expectedKeys = TestData.Normal(1, slots * capacity * C), expectedValues = TestData.Normal(2, slots * capacity * C);
        Tensor keys = Bench.Upload(expectedKeys, slots * capacity, C), values = Bench.Upload(expectedValues, slots * capacity, C);

        // Slot 2 is decoding, slot 0 gets a whole prompt, slot 3 the rest of one, slot 1 stays as it is.
        int last = capacity - 1;
        int[] rowSlots = [2, .. Enumerable.Repeat(0, last), 3, 3, 3], positions = [5, .. Enumerable.Range(0, last), 4, 5, 6];
        int R = rowSlots.Length;
        double[] qkv = TestData.Normal(3, R * 3 * C), expected = new double[R * C];
        Reference.CachedAttention.Forward(expected, expectedKeys, expectedValues, qkv, rowSlots, positions, capacity, NH, C);

        var y = Bench.Overwritten(R, C);
        Kernels.CachedAttention.Forward(y, keys, values, Bench.Upload(qkv, R, 3 * C), Bench.Indices(rowSlots), Bench.Indices(positions), capacity, NH);
        AssertClose(y, expected, HS, "y");
        Assert.That(Bench.Read(keys), Is.EqualTo(expectedKeys));
        Assert.That(Bench.Read(values), Is.EqualTo(expectedValues));

        // One more token for slots 0 and 3, on the caches as they are now.
        qkv = TestData.Normal(4, 2 * 3 * C);
        expected = new double[2 * C];
        Reference.CachedAttention.Forward(expected, expectedKeys, expectedValues, qkv, [0, 3], [last, 7], capacity, NH, C);
        y = Bench.Overwritten(2, C);
        Kernels.CachedAttention.Forward(y, keys, values, Bench.Upload(qkv, 2, 3 * C), Bench.Indices([0, 3]), Bench.Indices([last, 7]), capacity, NH);
        AssertClose(y, expected, HS, "y of the next token");
    }

    /// <summary>
    /// CPU variants cut a row into parts of 64 positions, and do 16 and more rows that follow each other by blocks of 128:
    /// single rows and runs around these borders, runs that start inside of a sequence among them.
    /// </summary>
    [TestCase(3, 8)]
    [TestCase(2, 1)]
    [TestCase(2, 32)]
    [TestCase(1, 33)]
    [TestCase(1, 48)]
    [TestCase(1, 80)]
    [TestCase(1, 128)]
    public void Rows_and_runs_around_the_borders_of_parts_and_blocks(int NH, int HS)
    {
        int C = NH * HS, capacity = Pick(300, 12);
        (int First, int Rows)[] runs = Pick(
            new[] { (0, 1), (62, 1), (63, 1), (64, 1), (190, 3), (0, 15), (50, 16), (119, 17), (0, 130), (37, 257) },
            [(0, 1), (3, 1), (0, 5), (2, 9)]);
        int[] rowSlots = [.. runs.SelectMany((run, s) => Enumerable.Repeat(s, run.Rows))];
        int[] positions = [.. runs.SelectMany(run => Enumerable.Range(run.First, run.Rows))];
        int R = rowSlots.Length;
        double[] keys = TestData.Normal(1, runs.Length * capacity * C), values = TestData.Normal(2, runs.Length * capacity * C);
        double[] qkv = TestData.Normal(3, R * 3 * C), expected = new double[R * C];
        Tensor keyCache = Bench.Upload(keys, runs.Length * capacity, C), valueCache = Bench.Upload(values, runs.Length * capacity, C), y = Bench.Overwritten(R, C);
        Reference.CachedAttention.Forward(expected, keys, values, qkv, rowSlots, positions, capacity, NH, C);

        Kernels.CachedAttention.Forward(y, keyCache, valueCache, Bench.Upload(qkv, R, 3 * C), Bench.Indices(rowSlots), Bench.Indices(positions), capacity, NH);
        AssertClose(y, expected, HS, "y");
    }

    [Test]
    public void Large_scores_do_not_overflow()
    {
        const int NH = 2, C = 32;
        int capacity = Pick(200, 12), R = Pick(40, 6);
        // The last row follows others by blocks; the first is on its own.
        int[] rowSlots = [0, .. Enumerable.Repeat(1, R)], positions = [capacity - 1, .. Enumerable.Range(2, R)];
        double[] keys = TestData.Normal(1, 2 * capacity * C, scale: 10), values = TestData.Normal(2, 2 * capacity * C);
        double[] qkv = TestData.Normal(3, (R + 1) * 3 * C, scale: 10), expected = new double[(R + 1) * C];
        Tensor keyCache = Bench.Upload(keys, 2 * capacity, C), valueCache = Bench.Upload(values, 2 * capacity, C), y = Bench.Overwritten(R + 1, C);
        Reference.CachedAttention.Forward(expected, keys, values, qkv, rowSlots, positions, capacity, NH, C);

        Kernels.CachedAttention.Forward(
            y, keyCache, valueCache, Bench.Upload(qkv, R + 1, 3 * C), Bench.Indices(rowSlots), Bench.Indices(positions), capacity, NH);
        AssertClose(y, expected, 400 * 400, "y");
    }

    /// <summary>Portable kernels cut a row by positions, as many as a group has threads: rows that end around the borders of these parts.</summary>
    [TestCase(1, 64)]
    [TestCase(3, 40)]
    [TestCase(2, 7)]
    public void Rows_of_many_parts_do_not_depend_on_the_rows_beside_them(int NH, int HS)
    {
        int C = NH * HS, capacity = Pick(1030, 41);
        int[] positions = Pick([0, 62, 63, 64, 65, 127, 128, 511, 1029], new[] { 0, 6, 7, 8, 15, 16, 40 });
        int R = positions.Length;
        int[] slots = [.. Enumerable.Range(0, R).Reverse()];
        double[] keys = TestData.Normal(1, R * capacity * C), values = TestData.Normal(2, R * capacity * C), qkv = TestData.Normal(3, R * 3 * C), expected = new double[R * C];
        Tensor keyCache = Bench.Upload(keys, R * capacity, C), valueCache = Bench.Upload(values, R * capacity, C), rows = Bench.Upload(qkv, R, 3 * C), y = Bench.Overwritten(R, C);
        Reference.CachedAttention.Forward(expected, keys, values, qkv, slots, positions, capacity, NH, C);
        Kernels.CachedAttention.Forward(y, keyCache, valueCache, rows, Bench.Indices(slots), Bench.Indices(positions), capacity, NH);
        AssertClose(y, expected, HS, "y");

        float[] together = Bench.ReadFloats(y);
        for (int r = 0; r < R; r++)
        {
            var alone = Bench.Overwritten(1, C);
            Kernels.CachedAttention.Forward(alone, keyCache, valueCache, rows.Slice(r, 1), Bench.Indices([slots[r]]), Bench.Indices([positions[r]]), capacity, NH);
            Assert.That(Bench.ReadFloats(alone), Is.EqualTo(together[(r * C)..((r + 1) * C)]), $"the row at position {positions[r]}");
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        const int NH = 3, C = 33, slots = 3;
        int capacity = bench.IsSimulated ? 8 : 150, last = capacity - 1;
        // All prompts but for their last token, then that token of all of them.
        int[] rowSlots = [.. Enumerable.Range(0, slots * last).Select(r => r / last)], positions = [.. Enumerable.Range(0, slots * last).Select(r => r % last)];
        int R = rowSlots.Length;
        Tensor y = bench.Overwritten(R, C), next = bench.Overwritten(slots, C), keys = bench.Overwritten(slots * capacity, C), values = bench.Overwritten(slots * capacity, C);
        bench.Kernels.CachedAttention.Forward(
            y, keys, values, bench.Upload(TestData.Normal(1, R * 3 * C), R, 3 * C), bench.Indices(rowSlots), bench.Indices(positions), capacity, NH);
        bench.Kernels.CachedAttention.Forward(
            next, keys, values, bench.Upload(TestData.Normal(2, slots * 3 * C), slots, 3 * C), bench.Indices([0, 1, 2]), bench.Indices([last, last, last]), capacity, NH);
        return [y, next, keys, values];
    }
}
