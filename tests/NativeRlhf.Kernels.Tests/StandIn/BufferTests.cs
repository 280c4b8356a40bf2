using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class BufferTests : IlgpuFixture
{
    [StructLayout(LayoutKind.Sequential)]
    private struct Float4
    {
        public float X, Y, Z, W;
    }

    [Test]
    public void Array_goes_in_and_comes_out()
    {
        float[] data = [1, 2, 3, 4, 5];
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = Accelerator.Allocate1D<float>(5);
        buffer.CopyFromCPU(data);
        var back = new float[5];
        buffer.CopyToCPU(back);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(back, Is.EqualTo(data));
            Assert.That(buffer.GetAsArray1D(), Is.EqualTo(data));
            Assert.That(buffer.Length, Is.EqualTo(5));
            Assert.That(buffer.LengthInBytes, Is.EqualTo(20));
            Assert.That(buffer.View.IntLength, Is.EqualTo(5));
        }
    }

    [Test]
    public void Allocation_from_an_array_holds_it()
    {
        int[] data = [3, 1, 4, 1, 5];
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D(data);
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo(data));
    }

    [Test]
    public void Page_locked_arrays_go_in()
    {
        using PageLockedArray1D<int> array = Accelerator.AllocatePageLocked1D<int>(5);
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D<int>(3);
        for (int i = 0; i < array.Length; i++) array[i] = 10 + i;
        ArrayView<int> view = buffer.View;
        view.CopyFromCPUUnsafeAsync(Accelerator.DefaultStream, ref array[1], 3);
        Accelerator.Synchronize();
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo([11, 12, 13]));
        Assert.That(array.Span.ToArray(), Is.EqualTo(array.GetArray()));
    }

    [Test]
    public void Empty_buffer_is_possible()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = Accelerator.Allocate1D<float>(0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(buffer.Length, Is.Zero);
            Assert.That(buffer.View.IsValid, Is.False);
            Assert.That(buffer.GetAsArray1D(), Is.Empty);
        }
    }

    [Test]
    public void View_is_live_memory()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = Accelerator.Allocate1D<float>([1, 2, 3, 4]);
        ArrayView<float> view = buffer.View;
        Span<float> span = MemoryMarshal.CreateSpan(ref view[0], view.IntLength);
        span[2] = 30;
        view[3] = 40;
        buffer.View[1] = 20;
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo([1f, 20f, 30f, 40f]));
    }

    [Test]
    public void Sub_views_share_memory_with_the_view()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D([0, 1, 2, 3, 4, 5, 6, 7]);
        ArrayView<int> view = buffer.View;
        ArrayView<int> middle = view.SubView(2, 4);
        ArrayView<int> inner = middle.SubView(1);
        inner[0L] = 33;
        buffer.View.SubView(6, 2)[1] = 77;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(middle.Length, Is.EqualTo(4));
            Assert.That(inner.Length, Is.EqualTo(3));
            Assert.That(inner.GetAsArray(), Is.EqualTo([33, 4, 5]));
            Assert.That(buffer.GetAsArray1D(), Is.EqualTo([0, 1, 2, 33, 4, 5, 6, 77]));
        }
    }

    [Test]
    public void Cast_reads_the_same_bytes()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> buffer = Accelerator.Allocate1D<float>([0, 1, 2, 3, 4, 5, 6, 7, 8]);
        ArrayView<Float4> vectors = buffer.View.BaseView.Cast<Float4>();
        ArrayView<Float4> second = buffer.View.SubView(4, 5).BaseView.Cast<Float4>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(vectors.Length, Is.EqualTo(2));
            Assert.That(vectors[1].Z, Is.EqualTo(6));
            Assert.That(second.Length, Is.EqualTo(1));
            Assert.That(second[0].X, Is.EqualTo(4));
            Assert.That(buffer.View.Cast<float, uint>()[1], Is.EqualTo(0x3f800000u));
        }
    }

    [Test]
    public void Views_copy_to_views()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> source = Accelerator.Allocate1D([1, 2, 3, 4, 5, 6]);
        using MemoryBuffer1D<int, Stride1D.Dense> target = Accelerator.Allocate1D(new int[6]);
        source.View.SubView(1, 3).CopyTo(target.View.SubView(2, 3));
        ArrayView<int> last = target.View.SubView(5, 1);
        last.CopyFrom(source.View.BaseView.SubView(0, 1));
        Assert.That(target.GetAsArray1D(), Is.EqualTo([0, 0, 2, 3, 4, 1]));
    }

    [Test]
    public void Spans_and_references_copy()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D(new int[4]);
        ArrayView<int> view = buffer.View;
        ReadOnlySpan<int> input = [7, 8];
        view.SubView(1, 2).CopyFromCPU(input);
        int one = 9;
        view.SubView(3, 1).CopyFromCPU(ref one, 1);
        Span<int> output = stackalloc int[3];
        view.SubView(1, 3).CopyToCPU(output);
        Assert.That(output.ToArray(), Is.EqualTo([7, 8, 9]));
    }

    [Test]
    public void Fill_is_by_bytes()
    {
        using MemoryBuffer1D<uint, Stride1D.Dense> buffer = Accelerator.Allocate1D([1u, 2u, 3u]);
        buffer.View.SubView(1, 1).MemSet(0xab);
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo([1u, 0xababababu, 3u]));
        buffer.MemSetToZero();
        Assert.That(buffer.GetAsArray1D(), Is.EqualTo([0u, 0u, 0u]));
    }

    [Test]
    public void Copies_of_a_wrong_length_are_refused()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> four = Accelerator.Allocate1D(new int[4]);
        using MemoryBuffer1D<int, Stride1D.Dense> five = Accelerator.Allocate1D(new int[5]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => four.CopyFromCPU(new int[3]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => four.CopyToCPU(new int[3]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => four.CopyFromCPU(new int[5]), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => four.View.CopyTo(five.View), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => four.View.CopyFrom(five.View), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => Accelerator.Allocate1D<int>(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void Index_outside_of_a_view_is_refused()
    {
        RequireStandIn();
        using MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D(new int[4]);
        ArrayView<int> view = buffer.View;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => view[4], Throws.TypeOf<IndexOutOfRangeException>());
            Assert.That(() => view[-1], Throws.TypeOf<IndexOutOfRangeException>());
            Assert.That(() => view.SubView(1, 2)[2], Throws.TypeOf<IndexOutOfRangeException>());
            Assert.That(() => view.SubView(2, 3), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => view.SubView(4, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => view.SubView(1, 2).Cast<long>(), Throws.InvalidOperationException);
        }
    }

    [Test]
    public void Disposed_buffer_is_refused()
    {
        RequireStandIn();
        MemoryBuffer1D<int, Stride1D.Dense> buffer = Accelerator.Allocate1D(new int[4]);
        ArrayView<int> view = buffer.View;
        buffer.Dispose();
        buffer.Dispose();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(buffer.IsDisposed, Is.True);
            Assert.That(() => view[0], Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => view.GetAsArray(), Throws.TypeOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void Buffers_go_with_their_accelerator()
    {
        RequireStandIn();
        ILGPU.Runtime.CPU.CPUAccelerator other = new ILGPU.Runtime.CPU.CPUDevice(4, 4, 1).CreateCPUAccelerator(Context);
        MemoryBuffer1D<int, Stride1D.Dense> buffer = other.Allocate1D(new int[4]);
        other.Dispose();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(buffer.IsDisposed, Is.True);
            Assert.That(() => other.Allocate1D<int>(1), Throws.TypeOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void Allocations_are_aligned_for_vectors()
    {
        RequireStandIn();
        using MemoryBuffer1D<byte, Stride1D.Dense> first = Accelerator.Allocate1D<byte>(3);
        using MemoryBuffer1D<byte, Stride1D.Dense> second = Accelerator.Allocate1D<byte>(3);
        Assert.That((first.NativePtr % 256, second.NativePtr % 256), Is.EqualTo(((nint)0, (nint)0)));
    }
}
