using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace NativeRlhf.Kernels.Tests.StandIn;

[TestFixture]
public sealed class ContextTests : IlgpuFixture
{
    [Test]
    public void Default_context_has_a_CPU_device_of_warps_of_4()
    {
        using Context context = Context.Create(builder => builder.Default());
        CPUDevice device = context.GetCPUDevice(0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(device.WarpSize, Is.EqualTo(4));
            Assert.That(device.MaxNumThreadsPerGroup, Is.EqualTo(16));
            Assert.That(context.GetCPUDevices().Count, Is.EqualTo(1));
        }
    }

    [Test]
    public void Accelerator_has_the_shape_of_its_device()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Accelerator.AcceleratorType, Is.EqualTo(AcceleratorType.CPU));
            Assert.That(Accelerator.WarpSize, Is.EqualTo(WarpSize));
            Assert.That(Accelerator.MaxNumThreadsPerGroup, Is.EqualTo(4 * WarpSize));
            Assert.That(Accelerator.Name, Is.EqualTo("CPUAccelerator"));
            Assert.That(Accelerator.Device, Is.SameAs(Context.Devices[0]));
        }
    }

    [Test]
    public void Devices_can_be_listed()
    {
        var names = new List<string>();
        foreach (ILGPU.Runtime.Device device in Context)
            names.Add(device.Name);
        Assert.That(names, Is.EqualTo(["CPUAccelerator"]));
        Assert.That(Context.GetPreferredDevice(preferCPU: true), Is.SameAs(Context.Devices[0]));
    }

    [Test]
    public void Profiling_markers_measure_time_forwards()
    {
        using AcceleratorStream stream = Accelerator.CreateStream();
        using ProfilingMarker start = stream.AddProfilingMarker();
        using ProfilingMarker end = stream.AddProfilingMarker();
        stream.Synchronize();
        Assert.That(end - start, Is.GreaterThanOrEqualTo(TimeSpan.Zero));
    }

    [Test]
    public void Profiling_markers_must_be_asked_for()
    {
        using Context context = Context.Create(builder => builder.CPU(CPUDeviceKind.Default));
        using Accelerator accelerator = context.CreateCPUAccelerator(0);
        Assert.That(() => accelerator.AddProfilingMarker(), Throws.TypeOf<NotSupportedException>());
    }

    [TestCase(1, 4, 1)]
    [TestCase(4, 3, 1)]
    [TestCase(4, 4, 0)]
    public void Impossible_device_is_refused(int warp, int warps, int multiprocessors) =>
        Assert.That(() => new CPUDevice(warp, warps, multiprocessors), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
