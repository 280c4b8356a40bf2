using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Tests.Ops;

public class NormTests(string device, string variant) : OpTests(device, variant)
{
    [Test]
    public void SumOfSquares()
    {
        foreach (int length in Pick([1, 33, Norm.BlockLength - 1, Norm.BlockLength, Norm.BlockLength + 1, 50_001], new[] { 1, 33, Norm.BlockLength + 1 }))
        {
            double[] x = TestData.Normal(1, length), expected = new double[Norm.Blocks(length)];
            Reference.Norm.SumOfSquares(expected, x, Norm.BlockLength);
            var partials = Bench.Overwritten(Norm.Blocks(length));
            Kernels.Norm.SumOfSquares(partials, Bench.Upload(x));
            AssertClose(partials, expected, 1, $"{length} elements");
        }
    }

    [Test]
    public void Blocks_are_counted_upwards()
    {
        Assert.That(Norm.Blocks(0), Is.Zero);
        Assert.That(Norm.Blocks(Norm.BlockLength), Is.EqualTo(1));
        Assert.That(Norm.Blocks(Norm.BlockLength + 1), Is.EqualTo(2));
    }

    private protected override Tensor[] RunAll(Workbench bench)
    {
        int length = bench.IsSimulated ? 693 : 70_001;
        var partials = bench.Overwritten(Norm.Blocks(length));
        bench.Kernels.Norm.SumOfSquares(partials, bench.Upload(TestData.Normal(1, length)));
        return [partials];
    }
}
