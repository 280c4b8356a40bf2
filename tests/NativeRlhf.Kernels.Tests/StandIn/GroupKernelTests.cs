using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class GroupKernelTests : IlgpuFixture
{
    private static void Indices(ArrayView<int> values)
    {
        int global = Grid.GlobalIndex.X;
        values[global] = (Grid.IdxX * 1000) + (Group.IdxX * 10) + Grid.DimX;
    }

    private static void Indices2D(ArrayView<int> values, int width)
    {
        int x = (Grid.IdxX * Group.DimX) + Group.IdxX;
        int y = (Grid.IdxY * Group.DimY) + Group.IdxY;
        values[(y * width) + x] = (Group.LinearIndex * 100) + (Grid.IdxX * 10) + Grid.IdxY;
    }

    private static void TreeSum(ArrayView<float> input, ArrayView<float> sums)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(32);
        int lane = Group.IdxX;
        shared[lane] = input[(Grid.IdxX * Group.DimX) + lane];
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half)
                shared[lane] += shared[lane + half];
            Group.Barrier();
        }

        if (Group.IsFirstThread)
            sums[Grid.IdxX] = shared[0];
    }

    private static void Rotate(ArrayView<int> values)
    {
        ArrayView<int> first = SharedMemory.Allocate<int>(32);
        ArrayView<int> second = SharedMemory.Allocate<int>(32);
        int lane = Group.IdxX;
        first[lane] = lane;
        Group.Barrier();
        for (int step = 0; step < 50; step++)
        {
            second[lane] = first[(lane + 1) % Group.DimX];
            Group.Barrier();
            first[lane] = second[lane];
            Group.Barrier();
        }

        values[Grid.GlobalIndex.X] = first[lane];
    }

    private static void Dynamic(ArrayView<int> values)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        values[Group.IdxX] = shared[shared.IntLength - 1 - Group.IdxX];
    }

    private static void ReturnEarly(ArrayView<int> values, int active)
    {
        if (Group.IdxX >= active)
            return;
        ArrayView<int> shared = SharedMemory.Allocate<int>(32);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        values[Group.IdxX] = shared[active - 1 - Group.IdxX];
    }

    private static void Votes(ArrayView<int> values)
    {
        int lane = Group.IdxX;
        int count = Group.BarrierPopCount(lane % 3 == 0);
        bool all = Group.BarrierAnd(lane >= 0);
        bool notAll = Group.BarrierAnd(lane > 0);
        bool any = Group.BarrierOr(lane == 5);
        bool none = Group.BarrierOr(lane == 99);
        int sent = Group.Broadcast(lane * 7, 3);
        values[lane] = count + (all ? 100 : 0) + (notAll ? 1000 : 0) + (any ? 10000 : 0) + (none ? 100000 : 0) + (sent * 1000000);
    }

    private static void Shuffles(ArrayView<int> values)
    {
        int lane = Group.IdxX;
        int n = Group.DimX;
        values[lane] = Warp.ShuffleXor(lane, 1);
        values[n + lane] = Warp.ShuffleDown(lane, 2);
        values[(2 * n) + lane] = Warp.ShuffleUp(lane, 3);
        values[(3 * n) + lane] = Warp.Shuffle(lane, 5);
        values[(4 * n) + lane] = Warp.ShuffleDown(lane, 1, 4);
        values[(5 * n) + lane] = Warp.LaneIdx + (100 * Warp.WarpIdx) + (10000 * Warp.WarpSize);
    }

    private static void WarpThenGroupSum(ArrayView<double> input, ArrayView<double> sum)
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(4);
        double value = input[Group.IdxX];
        for (int mask = Warp.WarpSize / 2; mask > 0; mask /= 2)
            value += Warp.ShuffleXor(value, mask);
        if (Warp.IsFirstLane)
            shared[Warp.WarpIdx] = value;
        Group.Barrier();
        if (!Group.IsFirstThread)
            return;
        double total = 0;
        for (int i = 0; i < Group.DimX / Warp.WarpSize; i++)
            total += shared[i];
        sum[0] = total;
    }

    private static void Stop(ArrayView<int> values)
    {
        Group.Barrier();
        values[Grid.GlobalIndex.X] = 1;
        Group.Barrier();
    }

    private static void Mixed(ArrayView<int> values)
    {
        values[Group.IdxX] = 1;
        if (Group.IdxX < WarpSize)
            Group.Barrier();
        else if (Group.IdxX < WarpSize + 1)
            Warp.Barrier();
        else
            Group.Barrier();
    }

    [Test]
    public void Groups_and_members_know_their_place()
    {
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Indices);
        int[] values = Run<int>(5 * 16, buffer => kernel((5, 16), buffer.View));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, 80).Select(i => (i / 16 * 1000) + (i % 16 * 10) + 5)));
    }

    [Test]
    public void Two_dimensional_groups_run_X_fastest()
    {
        Action<KernelConfig, ArrayView<int>, int> kernel = Accelerator.LoadStreamKernel<ArrayView<int>, int>(Indices2D);
        const int width = 3 * 8, height = 2 * 4;
        var config = new KernelConfig(new Index2D(3, 2), new Index2D(8, 4));
        int[] values = Run<int>(width * height, buffer => kernel(config, buffer.View, width));
        Assert.That(
            values,
            Is.EqualTo(Enumerable.Range(0, width * height).Select(i =>
            {
                (int y, int x) = Math.DivRem(i, width);
                return (((y % 4 * 8) + (x % 8)) * 100) + (x / 8 * 10) + (y / 4);
            })));
    }

    [Test]
    public void Tree_in_shared_memory_sums()
    {
        float[] input = [.. Enumerable.Range(0, 7 * 32).Select(i => (float)i)];
        Action<KernelConfig, ArrayView<float>, ArrayView<float>> kernel =
            Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(TreeSum);
        using MemoryBuffer1D<float, Stride1D.Dense> source = Accelerator.Allocate1D(input);
        float[] sums = Run<float>(7, buffer => kernel((7, 32), source.View, buffer.View));
        Assert.That(sums, Is.EqualTo(input.Chunk(32).Select(chunk => chunk.Sum())));
    }

    [Test]
    public void Barriers_hold_in_loops()
    {
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Rotate);
        int[] values = Run<int>(2 * 24, buffer => kernel((2, 24), buffer.View));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, 48).Select(i => ((i % 24) + 50) % 24)));
    }

    [Test]
    public void Dynamic_shared_memory_has_the_size_of_the_launch()
    {
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Dynamic);
        var config = new KernelConfig(1, 20, SharedMemoryConfig.RequestDynamic<int>(20));
        int[] values = Run<int>(20, buffer => kernel(config, buffer.View));
        Assert.That(values, Is.EqualTo(Enumerable.Range(0, 20).Select(i => 19 - i)));
    }

    [Test]
    public void Barrier_does_not_wait_for_members_that_returned()
    {
        Action<KernelConfig, ArrayView<int>, int> kernel = Accelerator.LoadStreamKernel<ArrayView<int>, int>(ReturnEarly);
        int[] values = Run<int>(16, buffer => kernel((1, 16), buffer.View, 5));
        Assert.That(values, Is.EqualTo([4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }

    [Test]
    public void Votes_and_broadcast_reach_all()
    {
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Votes);
        int[] values = Run<int>(16, buffer => kernel((1, 16), buffer.View));
        Assert.That(values, Is.All.EqualTo(6 + 100 + 10000 + (21 * 1000000)));
    }

    [Test]
    public void Shuffles_exchange_within_a_warp()
    {
        const int n = 2 * WarpSize;
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Shuffles);
        int[] values = Run<int>(6 * n, buffer => kernel((1, n), buffer.View));
        for (int i = 0; i < n; i++)
        {
            int lane = i % WarpSize;
            using (Assert.EnterMultipleScope())
            {
                Assert.That(values[i], Is.EqualTo(i ^ 1), $"xor, lane {i}");
                Assert.That(values[n + i], Is.EqualTo(lane + 2 < WarpSize ? i + 2 : i), $"down, lane {i}");
                Assert.That(values[(2 * n) + i], Is.EqualTo(lane >= 3 ? i - 3 : i), $"up, lane {i}");
                Assert.That(values[(3 * n) + i], Is.EqualTo((i / WarpSize * WarpSize) + 5), $"shuffle, lane {i}");
                Assert.That(values[(4 * n) + i], Is.EqualTo(lane % 4 < 3 ? i + 1 : i), $"down in parts, lane {i}");
                Assert.That(values[(5 * n) + i], Is.EqualTo(lane + (i / WarpSize * 100) + (10000 * WarpSize)), $"lane {i}");
            }
        }
    }

    [Test]
    public void Warps_and_group_sum_together()
    {
        double[] input = [.. Enumerable.Range(1, 32).Select(i => 1.0 / i)];
        Action<KernelConfig, ArrayView<double>, ArrayView<double>> kernel =
            Accelerator.LoadStreamKernel<ArrayView<double>, ArrayView<double>>(WarpThenGroupSum);
        using MemoryBuffer1D<double, Stride1D.Dense> source = Accelerator.Allocate1D(input);
        double[] sum = Run<double>(1, buffer => kernel((1, 32), source.View, buffer.View));
        Assert.That(sum[0], Is.EqualTo(input.Sum()).Within(1e-12));
    }

    [Test]
    public void Launches_repeat_with_the_same_result()
    {
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Rotate);
        int[] first = Run<int>(24, buffer => kernel((1, 24), buffer.View));
        for (int i = 0; i < 5; i++)
            Assert.That(Run<int>(24, buffer => kernel((1, 24), buffer.View)), Is.EqualTo(first));
    }

    [Test]
    public void Group_larger_than_the_device_is_refused()
    {
        RequireStandIn();
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Indices);
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D<int>(64);
        Assert.That(() => kernel((1, 64), buffer.View), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    public void Exception_of_one_member_ends_the_launch()
    {
        RequireStandIn();
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Stop);
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D<int>(40);
        Assert.That(() => kernel((4, 16), buffer.View), Throws.TypeOf<IndexOutOfRangeException>());
        // The threads of the failed launch are fit for the next one.
        Assert.That(Run<int>(64, good => kernel((4, 16), good.View)), Is.All.EqualTo(1));
    }

    [Test]
    public void Members_at_different_barriers_are_reported()
    {
        RequireStandIn();
        Action<KernelConfig, ArrayView<int>> kernel = Accelerator.LoadStreamKernel<ArrayView<int>>(Mixed);
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D<int>(32);
        Assert.That(
            () => kernel((1, 2 * WarpSize), buffer.View),
            Throws.InvalidOperationException.With.Message.Contains("different barriers"));
    }

    [Test]
    public void Group_functions_outside_of_a_kernel_are_refused()
    {
        RequireStandIn();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Group.IdxX, Throws.TypeOf<InvalidKernelOperationException>());
            Assert.That(() => SharedMemory.Allocate<int>(1), Throws.TypeOf<InvalidKernelOperationException>());
        }
    }
}
