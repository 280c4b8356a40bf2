using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

public class ArenaTests
{
    private readonly ComputeDevice _device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public unsafe void Tensors_are_aligned_to_256_bytes_and_apart()
    {
        using var arena = _device.AllocateArena(10_000);
        nint previousEnd = 0;
        foreach (var (rows, cols) in new[] { (1, 1), (3, 33), (64, 1), (1, 65), (7, 101) })
        {
            var tensor = arena.Take(rows, cols);
            nint start = (nint)tensor.Pointer;
            Assert.That((long)start % 256, Is.Zero, $"address of {tensor}");
            Assert.That(start, Is.GreaterThanOrEqualTo(previousEnd));
            Assert.That((tensor.Rows, tensor.Cols, tensor.Length), Is.EqualTo((rows, cols, (long)rows * cols)));
            previousEnd = start + ((nint)tensor.Length * sizeof(float));
        }

        Assert.That(arena.Used % Arena.Alignment, Is.Zero);
    }

    [Test]
    public void An_arena_of_the_planned_size_suffices()
    {
        (int Rows, int Cols)[] shapes = [(3, 33), (1, 1), (64, 2)];
        using var arena = _device.AllocateArena(shapes.Sum(s => Arena.AlignUp(s.Rows * s.Cols)));
        foreach (var (rows, cols) in shapes) arena.Take(rows, cols);
        Assert.That(arena.Used, Is.EqualTo(arena.Capacity));
        Assert.That(arena.All.Length, Is.EqualTo(arena.Capacity));
    }

    [Test]
    public void An_exhausted_arena_says_what_was_asked_of_it()
    {
        using var arena = _device.AllocateArena(200);
        arena.Take(10, 10);
        Assert.That(() => arena.Take(33, 7), Throws.InvalidOperationException.With.Message.EqualTo("arena of 256 elements, 128 taken, has no room for (33, 7)"));
        Assert.That(() => arena.Take(65536, 65536), Throws.InvalidOperationException);
        arena.Take(8, 16);
    }

    [Test]
    public void A_fresh_arena_holds_zeros_and_a_reset_one_what_it_held()
    {
        using var arena = _device.AllocateArena(64);
        var tensor = arena.Take(2, 3);
        Assert.That(tensor.HostSpan.ToArray(), Is.All.Zero);
        _device.Upload(tensor, [1, 2, 3, 4, 5, 6]);
        arena.Reset();
        Assert.That(arena.Used, Is.Zero);
        Assert.That(arena.Take(2, 3).HostSpan.ToArray(), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
    }

    [Test]
    public void Tensors_can_be_cut_and_reshaped()
    {
        using var arena = _device.AllocateArena(64);
        var tensor = arena.Take(4, 3);
        _device.Upload(tensor, [.. Enumerable.Range(0, 12).Select(i => (float)i)]);
        Assert.That(tensor.Slice(1, 2).HostSpan.ToArray(), Is.EqualTo(new float[] { 3, 4, 5, 6, 7, 8 }));
        Assert.That(tensor.Reshape(2, 5).HostSpan.ToArray(), Is.EqualTo(Enumerable.Range(0, 10).Select(i => (float)i)));
        Assert.That(tensor.ToString(), Is.EqualTo("(4, 3)"));
        Assert.That(Tensor.None.IsNone);
        Assert.That(() => tensor.Slice(3, 2), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("rows 3..5 lie outside (4, 3)"));
        Assert.That(() => tensor.Slice(-1, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => tensor.Reshape(5, 3), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("(5, 3) does not fit into (4, 3)"));
    }

    [Test]
    public void Tensors_of_bfloat16_take_half_and_round()
    {
        using var arena = _device.AllocateArena(3 * 64);
        Assert.That(Arena.AlignUp(129, ElementType.BFloat16), Is.EqualTo(128), "129 elements are 65 words");
        var tensor = arena.Take(3, 43, "half", ElementType.BFloat16);
        Assert.That(arena.Used, Is.EqualTo(128));
        float[] values = [.. Enumerable.Range(0, 129).Select(i => (i * 3.3f) - 100)], back = new float[129];
        _device.Upload(tensor, values);
        _device.Download(tensor, back);
        Assert.That(back, Is.EqualTo(values.Select(value => BFloat16.Of(value).Value)));

        // A row of an odd number of elements does not begin on a whole word.
        float[] row = new float[43];
        _device.Download(tensor.Slice(1, 1), row);
        Assert.That(row, Is.EqualTo(back[43..86]));
        _device.Upload(tensor.Slice(1, 1), new float[43]);
        _device.Download(tensor, back);
        Assert.That(back.Select((value, i) => value == 0 == (i is >= 43 and < 86)), Is.All.True);

        using var full = _device.AllocateArena(64);
        full.Take(1, 128, "", ElementType.BFloat16);
        Assert.That(() => full.Take(1, 2, "", ElementType.BFloat16), Throws.InvalidOperationException);
    }

    [Test]
    public void Tensors_of_bfloat16_are_not_read_as_float32()
    {
        using var arena = _device.AllocateArena(128);
        Tensor half = arena.Take(2, 3, "half", ElementType.BFloat16), single = arena.Take(2, 3);
        Assert.That(() => half.View, Throws.ArgumentException.With.Message.EqualTo("(2, 3) of bfloat16 is of bfloat16; this needs float32"));
        Assert.That(() => half.HostSpan.Length, Throws.ArgumentException);
        Assert.That(() => single.BFloat16View, Throws.ArgumentException.With.Message.EqualTo("(2, 3) is of float32; this needs bfloat16"));
    }

    [Test]
    public void Index_buffers_grow_with_their_content()
    {
        using var buffer = _device.AllocateIndices(2);
        foreach (int count in new[] { 1, 5, 3, 0, 20 })
        {
            int[] values = TestData.Integers(count, count, 100);
            buffer.Set(values);
            Assert.That(buffer.Length, Is.EqualTo(count));
            Assert.That(buffer.View.Length, Is.EqualTo(count));
            Assert.That(buffer.Host.ToArray(), Is.EqualTo(values));
            Assert.That(buffer.Download().ToArray(), Is.EqualTo(values));
        }
    }
}
