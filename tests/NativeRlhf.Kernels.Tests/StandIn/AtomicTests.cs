using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class AtomicTests : IlgpuFixture
{
    private static void Integers(Index1D index, ArrayView<int> values)
    {
        Atomic.Add(ref values[0], index);
        Atomic.Max(ref values[1], index);
        Atomic.Min(ref values[2], -index);
        Atomic.Or(ref values[3], 1 << (index % 16));
        int ticket = Atomic.Add(ref values[4], 1);
        values[8 + ticket] = 1;
        Atomic.CompareExchange(ref values[5], 0, 77);
        Atomic.Exchange(ref values[6], 5);
    }

    private static void Floats(Index1D index, ArrayView<float> values)
    {
        Atomic.Add(ref values[0], 0.5f);
        Atomic.Max(ref values[1], index);
        Atomic.Min(ref values[2], -index);
    }

    private static void Doubles(Index1D index, ArrayView<double> values) => Atomic.Add(ref values[0], 0.25);

    [Test]
    public void Integers_lose_no_update()
    {
        const int n = 500;
        Action<Index1D, ArrayView<int>> kernel = Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(Integers);
        int[] values = Run<int>(8 + n, buffer => kernel(n, buffer.View));
        Assert.That(values[..7], Is.EqualTo([n * (n - 1) / 2, n - 1, 1 - n, 0xffff, n, 77, 5]));
        Assert.That(values[8..], Is.All.EqualTo(1));
    }

    [Test]
    public void Floats_lose_no_update()
    {
        const int n = 500;
        Action<Index1D, ArrayView<float>> floats = Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>(Floats);
        Action<Index1D, ArrayView<double>> doubles = Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<double>>(Doubles);
        Assert.That(Run<float>(3, buffer => floats(n, buffer.View)), Is.EqualTo([n * 0.5f, n - 1f, 1f - n]));
        Assert.That(Run<double>(1, buffer => doubles(n, buffer.View)), Is.EqualTo([n * 0.25]));
    }
}
