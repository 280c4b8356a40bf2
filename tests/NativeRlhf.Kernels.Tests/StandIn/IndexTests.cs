using ILGPU;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class IndexTests
{
    [Test]
    public void One_dimension_converts_both_ways()
    {
        Index1D index = 7;
        LongIndex1D wide = index;
        int back = index + 1;
        Assert.That((back, wide.X, index.Size, (Index1D)wide == index), Is.EqualTo((8, 7L, 7, true)));
    }

    [Test]
    public void Components_add_and_multiply()
    {
        var a = new Index2D(2, 3);
        Index3D b = (1, 2, 3);
        (int x, int y) = a;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(a + new Index2D(1, 1), Is.EqualTo(new Index2D(3, 4)));
            Assert.That(a * a, Is.EqualTo(new Index2D(4, 9)));
            Assert.That(b.Size, Is.EqualTo(6));
            Assert.That((x, y), Is.EqualTo((2, 3)));
            Assert.That(a.InBounds(new Index2D(3, 3)), Is.False);
            Assert.That(a.InBounds(new Index2D(3, 4)), Is.True);
            Assert.That(Index3D.Max(b, new Index3D(2)), Is.EqualTo(new Index3D(2, 2, 3)));
        }
    }

    [Test]
    public void Launch_configurations_count_threads()
    {
        KernelConfig config = (new Index3D(2, 3, 1), new Index3D(8, 4, 1));
        KernelConfig line = (5, 16);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(config.Size, Is.EqualTo(2 * 3 * 32));
            Assert.That(line.GridDim, Is.EqualTo(new Index3D(5, 1, 1)));
            Assert.That(line.GroupDim, Is.EqualTo(new Index3D(16, 1, 1)));
            Assert.That(line.UsesDynamicSharedMemory, Is.False);
        }
    }
}
