using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class ImplicitKernelTests : IlgpuFixture
{
    private static void Scale(Index1D index, ArrayView<float> values, float factor) => values[index] = index * factor;

    private static void Place2D(Index2D index, ArrayView<int> values, int width) =>
        values[(index.Y * width) + index.X] = (index.X * 100) + index.Y;

    private static void Place3D(Index3D index, ArrayView<int> values, int width, int height) =>
        values[(((index.Z * height) + index.Y) * width) + index.X] = (index.X * 100) + (index.Y * 10) + index.Z;

    private static void SumOfLocals(Index1D index, ArrayView<int> values)
    {
        ArrayView<int> local = LocalMemory.Allocate<int>(4);
        ArrayView<int> other = LocalMemory.Allocate<int>(3);
        for (int i = 0; i < 4; i++)
            local[i] = index + i;
        for (int i = 0; i < 3; i++)
            other[i] = 1000;
        values[index] = local[0] + local[1] + local[2] + local[3] + other[2];
    }

    private static void Ten(
        Index1D index, ArrayView<long> values, byte a, short b, int c, long d, float e, double f, uint g, ushort h, ulong i) =>
        values[index] = a + b + c + d + (long)e + (long)f + g + h + (long)i;

    private static void Specialized(Index1D index, ArrayView<int> values, SpecializedValue<int> constant) =>
        values[index] = constant.Value + constant;

    private static void Functions(Index1D index, ArrayView<float> values)
    {
        values[0] = XMath.Exp(1f);
        values[1] = XMath.Rsqrt(4f);
        values[2] = XMath.Max(1f, 2f);
        values[3] = MathF.Sqrt(9f);
        values[4] = Interop.IntAsFloat(Interop.FloatAsInt(1.5f) & 0xffff0000u);
        values[5] = (ILGPU.Half)1.5f;
        values[6] = CudaAsm.IsSupported ? 1f : 2f;
    }

    [TestCase(1)]
    [TestCase(63)]
    [TestCase(1000)]
    public void Every_index_runs_once(int extent)
    {
        Action<Index1D, ArrayView<float>, float> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>, float>(Scale);
        float[] values = Run<float>(extent, buffer => kernel(extent, buffer.View, 0.5f));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, extent).Select(i => i * 0.5f)));
    }

    [Test]
    public void Empty_extent_runs_nothing()
    {
        RequireStandIn();
        Action<Index1D, ArrayView<float>, float> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>, float>(Scale);
        Assert.That(Run<float>(1, buffer => kernel(0, buffer.View, 1f)), Is.EqualTo([0f]));
    }

    [Test]
    public void A_stream_may_be_given()
    {
        using AcceleratorStream stream = Accelerator.CreateStream();
        Action<AcceleratorStream, Index1D, ArrayView<float>, float> kernel =
            Accelerator.LoadAutoGroupedKernel<Index1D, ArrayView<float>, float>(Scale);
        float[] values = Run<float>(3, buffer =>
        {
            kernel(stream, 3, buffer.View, 2f);
            stream.Synchronize();
        });
        Assert.That(values, Is.EqualTo([0f, 2f, 4f]));
    }

    [Test]
    public void Two_dimensions_run_all_pairs()
    {
        const int width = 7, height = 5;
        Action<Index2D, ArrayView<int>, int> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index2D, ArrayView<int>, int>(Place2D);
        int[] values = Run<int>(width * height, buffer => kernel((width, height), buffer.View, width));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, width * height).Select(i => (i % width * 100) + (i / width))));
    }

    [Test]
    public void Three_dimensions_run_all_triples()
    {
        const int width = 4, height = 3, depth = 6;
        Action<Index3D, ArrayView<int>, int, int> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index3D, ArrayView<int>, int, int>(Place3D);
        int[] values = Run<int>(width * height * depth, buffer => kernel((width, height, depth), buffer.View, width, height));
        Assert.That(
            values,
            Is.EqualTo(Enumerable.Range(0, width * height * depth)
                .Select(i => (i % width * 100) + (i / width % height * 10) + (i / width / height))));
    }

    [Test]
    public void Local_memory_belongs_to_one_item()
    {
        Action<Index1D, ArrayView<int>> kernel = Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>>(SumOfLocals);
        int[] values = Run<int>(200, buffer => kernel(200, buffer.View));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, 200).Select(i => (4 * i) + 1006)));
    }

    [Test]
    public void Many_parameters_arrive_in_order()
    {
        var kernel = Accelerator
            .LoadAutoGroupedStreamKernel<Index1D, ArrayView<long>, byte, short, int, long, float, double, uint, ushort, ulong>(Ten);
        long[] values = Run<long>(2, buffer => kernel(2, buffer.View, 1, 20, 300, 4000, 50000f, 600000.0, 7000000, 80, 900));
        Assert.That(values, Is.EqualTo([7655301L, 7655301L]));
    }

    [Test]
    public void Specialized_values_arrive()
    {
        Action<Index1D, ArrayView<int>, SpecializedValue<int>> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<int>, SpecializedValue<int>>(Specialized);
        Assert.That(Run<int>(1, buffer => kernel(1, buffer.View, SpecializedValue.New(21))), Is.EqualTo([42]));
    }

    [Test]
    public void Functions_work_in_kernels()
    {
        Action<Index1D, ArrayView<float>> kernel = Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>(Functions);
        float[] values = Run<float>(7, buffer => kernel(1, buffer.View));
        Assert.That(values, Is.EqualTo([MathF.E, 0.5f, 2f, 3f, 1.5f, 1.5f, 2f]).Within(1e-6f));
    }

    [Test]
    public void Exception_in_a_kernel_reaches_the_caller()
    {
        RequireStandIn();
        Action<Index1D, ArrayView<float>, float> kernel =
            Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>, float>(Scale);
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = Accelerator.Allocate1D<float>(100);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => kernel(101, buffer.View, 1f), Throws.TypeOf<IndexOutOfRangeException>());
            Assert.That(() => kernel(1, default, 1f), Throws.TypeOf<IndexOutOfRangeException>());
        }
    }

    [Test]
    public void Captured_variables_are_refused()
    {
        float outside = 2f;
        Assert.That(
            () => Accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>((index, view) => view[index] = outside),
            Throws.InstanceOf<NotSupportedException>());
    }
}
