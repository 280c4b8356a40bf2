using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class AttentionTests(string device, string variant) : OpTests(device, variant)
{
    /// <summary>Lengths around the edges of vectors and blocks, all packed into one batch.</summary>
    private int[] Offsets => Pick(TestData.Offsets(7, 1, 130, 2, 63, 64, 65), TestData.Offsets(7, 1, 13, 2));

    private int[] LongOffsets => Pick(TestData.Offsets(300), TestData.Offsets(35));

    [TestCase(3, 11)]
    [TestCase(2, 16)]
    [TestCase(2, 32)]
    [TestCase(1, 33)]
    [TestCase(1, 48)]
    [TestCase(1, 64)]
    [TestCase(1, 80)]
    [TestCase(1, 128)]
    [TestCase(2, 8)]
    [TestCase(2, 1)]
    public void Forward_and_backward(int NH, int HS) => Check(Offsets, NH, HS, 1, HS);

    [Test]
    public void A_sequence_longer_than_a_block() => Check(LongOffsets, 2, 24, 1, 24);

    /// <summary>CPU variants work in blocks of 128 rows: one and several of them, one row less and one more.</summary>
    [TestCase(127, 128, 129)]
    [TestCase(255, 256, 257)]
    [TestCase(385)]
    public void Lengths_around_the_border_of_a_block(params int[] lengths)
    {
        if (Bench.IsSimulated) lengths = [15, 16, 17];
        Check(TestData.Offsets(lengths), 1, 32, 1, 32);
    }

    [Test]
    public void Many_short_sequences() => Check(TestData.Offsets([.. Enumerable.Range(0, Pick(200, 12)).Select(s => 1 + (s % 5))]), 3, 8, 1, 8);

    [Test]
    public void Large_scores_do_not_overflow()
    {
        // Scores of up to about 10 · 10 · 4 = 400, whose rounding errors are errors of the exponent.
        Check(Pick(TestData.Offsets(33, 5), TestData.Offsets(9, 5)), 2, 16, scale: 10, terms: 400 * 400);
    }

    /// <summary>Answers of several lengths to one prompt, shorter and longer than a block, between sequences on their own.</summary>
    [TestCase(32)]
    [TestCase(24)]
    public void Sequences_that_continue_another(int HS)
    {
        int[] lengths = Pick<int[]>([5, 40, 7, 1, 130, 3, 150, 20, 129], [5, 9, 7, 1, 17, 3]);
        int[] prefixes = Pick<int[]>([0, 1, 1, 1, 1, 5, 6, 6, 6], [0, 1, 1, 1, 1, 5]);
        Check(TestData.Offsets(lengths), 2, HS, 1, HS, prefixes);
    }

    private void Check(int[] offsets, int NH, int HS, double scale, int terms, int[]? prefixes = null)
    {
        int N = offsets[^1], C = NH * HS;
        double[] qkv = TestData.Normal(1, N * 3 * C, scale), dY = TestData.Normal(2, N * C);
        double[] expected = new double[N * C], expectedLse = new double[N * NH], expectedQkv = new double[N * 3 * C];
        Reference.Attention.Forward(expected, expectedLse, qkv, offsets, NH, C, prefixes);
        Reference.Attention.Backward(expectedQkv, dY, expected, expectedLse, qkv, offsets, NH, C, prefixes);

        var layout = Bench.Layout(offsets, prefixes);
        Tensor y = Bench.Overwritten(N, C), lse = Bench.Overwritten(N, NH), input = Bench.Upload(qkv, N, 3 * C), dQkv = Bench.Overwritten(N, 3 * C);
        Kernels.Attention.Forward(y, lse, input, layout, NH);
        AssertClose(y, expected, terms, "y");
        AssertClose(lse, expectedLse, HS, "lse");

        Kernels.Attention.Backward(dQkv, Bench.Upload(dY, N, C), y, lse, input, layout, NH);
        double[] actual = Bench.Read(dQkv);
        foreach (var (name, part) in new[] { ("dQ", 0), ("dK", 1), ("dV", 2) })
            Tolerance.AssertClose(Part(actual, part, C), Part(expectedQkv, part, C), terms, name);
    }

    private static double[] Part(double[] qkv, int part, int C) => [.. qkv.Where((_, i) => i % (3 * C) / C == part)];

    private protected override Tensor[] RunAll(Workbench bench)
    {
        const int NH = 3, C = 33;
        int[] offsets = bench.IsSimulated ? TestData.Offsets(7, 1, 13) : TestData.Offsets(7, 1, 270, 40, 128, 21);
        int N = offsets[^1];
        Tensor qkv = bench.Upload(TestData.Normal(1, N * 3 * C), N, 3 * C), dY = bench.Upload(TestData.Normal(2, N * C), N, C);
        List<Tensor> outputs = [];
        // Every sequence alone; then some that continue another.
        foreach (int[]? prefixes in new[] { null, bench.IsSimulated ? new[] { 0, 0, 0 } : [0, 1, 2, 2, 2, 5] })
        {
            var layout = bench.Layout(offsets, prefixes);
            Tensor y = bench.Overwritten(N, C), lse = bench.Overwritten(N, NH), dQkv = bench.Overwritten(N, 3 * C);
            bench.Kernels.Attention.Forward(y, lse, qkv, layout, NH);
            bench.Kernels.Attention.Backward(dQkv, dY, y, lse, qkv, layout, NH);
            outputs.AddRange([y, lse, dQkv]);
        }

        return [.. outputs];
    }
}
