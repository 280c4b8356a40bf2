using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

public class ElementwiseTests(string device, string variant) : OpTests(device, variant)
{
    private int[] Lengths => Pick([1, 3, 16, 17, 693, 8193, 40_000], new[] { 1, 17, 693 });

    [TestCase(1f, 0f)]
    [TestCase(1f, 1f)]
    [TestCase(0.25f, -2f)]
    [TestCase(0f, 3f)]
    [TestCase(0f, 0f)]
    public void Combine(float a, float b)
    {
        foreach (int length in Lengths)
        {
            double[] x = TestData.Normal(1, length), expected = TestData.Filled(length, 1);
            Reference.Elementwise.Combine(expected, a, x, b);
            var y = b == 0 ? Bench.Overwritten(length) : Bench.Accumulated(length);
            Kernels.Elementwise.Combine(y, a, Bench.Upload(x), b);
            AssertClose(y, expected, 1, $"{length} elements");
        }
    }

    [Test]
    public void Combine_with_itself()
    {
        double[] x = TestData.Normal(1, 693);
        var y = Bench.Upload(x);
        Kernels.Elementwise.Combine(y, 2, y, 1);
        AssertClose(y, [.. x.Select(v => 3 * v)], 1, "3y");
    }

    [Test]
    public void Copy_add_and_fill()
    {
        foreach (int length in Lengths)
        {
            double[] x = TestData.Normal(1, length);
            Tensor input = Bench.Upload(x), y = Bench.Overwritten(length);
            Kernels.Elementwise.Copy(y, input);
            Assert.That(Bench.Read(y), Is.EqualTo(x));
            Kernels.Elementwise.Add(y, input);
            Assert.That(Bench.Read(y), Is.EqualTo(x.Select(v => 2 * v)));
            Kernels.Elementwise.Fill(y, -0.5f);
            Assert.That(Bench.Read(y), Is.All.EqualTo(-0.5));
        }
    }

    [Test]
    public void Gather_and_scatter([Values(1, 33, 129)] int C)
    {
        const int N = 21;
        int[] rows = [20, 3, 7, 0, 11];
        double[] x = TestData.Normal(1, N * C), expected = new double[rows.Length * C], expectedX = TestData.Filled(N * C, 1);
        Reference.Elementwise.Gather(expected, x, rows, C);
        Reference.Elementwise.ScatterAdd(expectedX, expected, rows, C);

        var indices = Bench.Indices(rows);
        Tensor y = Bench.Overwritten(rows.Length, C), dX = Bench.Accumulated(N, C);
        Kernels.Elementwise.Gather(y, Bench.Upload(x, N, C), indices);
        Assert.That(Bench.Read(y), Is.EqualTo(expected));
        Kernels.Elementwise.ScatterAdd(dX, y, indices);
        AssertClose(dX, expectedX, 1, "dX");
    }

    [Test]
    public void Gather_may_repeat_rows()
    {
        var y = Bench.Overwritten(3, 2);
        Kernels.Elementwise.Gather(y, Bench.Upload([1, 2, 3, 4], 2, 2), Bench.Indices([1, 1, 0]));
        Assert.That(Bench.Read(y), Is.EqualTo(new double[] { 3, 4, 3, 4, 1, 2 }));
    }

    [Test]
    public void Fill_of_what_no_cache_holds()
    {
        if (Bench.IsSimulated) Assert.Ignore("a simulated kernel fills as it does short tensors, but takes seconds");
        // Whole vectors and a rest, with neighbours; from an aligned place and from one that is not.
        const int count = (1 << 23) + 21;
        using var arena = Bench.Device.AllocateArena(count + 64);
        var all = arena.Take(1, count + 64);
        foreach (int start in new[] { 16, 3 })
        {
            Kernels.Elementwise.Fill(new Tensor(all.View.SubView(start, count), 1, count), 2.5f);
            float[] values = Bench.ReadFloats(all);
            Assert.That(values.AsSpan(start, count).IndexOfAnyExcept(2.5f), Is.Negative);
            Assert.That(values.AsSpan(0, start).IndexOfAnyExcept(0), Is.Negative);
            Assert.That(values.AsSpan(start + count).IndexOfAnyExcept(0), Is.Negative);
            Kernels.Elementwise.Fill(all, 0);
        }
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        var (N, C) = bench.IsSimulated ? (21, 33) : (300, 150);
        int[] rows = [.. Enumerable.Range(0, N).Select(n => (n * 7) % N)];
        Tensor x = bench.Upload(TestData.Normal(1, N * C), N, C), y = bench.Accumulated(N, C), gathered = bench.Overwritten(N, C), dX = bench.Accumulated(N, C);
        bench.Kernels.Elementwise.Combine(y, 0.3f, x, 0.7f);
        bench.Kernels.Elementwise.Gather(gathered, x, bench.Indices(rows));
        bench.Kernels.Elementwise.ScatterAdd(dX, y, bench.Indices([.. rows.Distinct().Order(), .. Enumerable.Range(0, N).Except(rows)]));
        return [y, gathered, dX];
    }
}
