using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>The ledger of a device, and a device that has nothing but a ledger.</summary>
public class RehearsalTests
{
    [Test]
    public void The_ledger_knows_what_is_taken_and_what_was_at_most()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        var first = device.AllocateArena(64, "one");
        var second = device.AllocateArena(100, "two");
        var indices = device.AllocateIndices(16);
        Assert.That(device.Memory.Current, Is.EqualTo(256 + 512 + 64));
        indices.Set(new int[20]); // to twice its size
        second.Dispose();
        second.Dispose();
        Assert.That(device.Memory.Current, Is.EqualTo(256 + 128));
        device.AllocateArena(64, "one").Dispose();
        Assert.That(device.Memory.Peak, Is.EqualTo(256 + 512 + 128));
        Assert.That(device.Memory.AtPeak, Is.EquivalentTo(new Dictionary<string, long> { ["one"] = 256, ["two"] = 512, ["indices"] = 128 }));
        device.Memory.RestartPeak();
        device.AllocateArena(64, "three").Dispose();
        Assert.That(device.Memory.Peak, Is.EqualTo(256 + 128 + 256), "a second run has a peak of its own");
        first.Dispose();
        indices.Dispose();
        Assert.That(device.Memory.Current, Is.Zero);
    }

    [Test]
    public void A_rehearsal_has_sizes_and_no_memory()
    {
        using var device = ComputeDevice.OpenRehearsal();
        using var arena = device.AllocateArena(1L << 42, "much");
        Assert.That(device.Memory.Current, Is.EqualTo(1L << 44));
        Tensor x = arena.Take(1 << 20, 1 << 15), w = arena.Take(1 << 15, 1 << 15), y = arena.Take(1 << 20, 1 << 15);
        device.Kernels.MatMul.Forward(y.Slice(5, 100), x.Slice(7, 100), w);
        Assert.That(device.Work.Flops, Is.EqualTo(2.0 * 100 * (1L << 30)));
        Assert.That(device.Work.Bytes, Is.EqualTo(4.0 * ((2 * 100 * (1L << 15)) + (1L << 30))));
        float[] values = [1, 2, 3];
        device.Upload(x.Range(0, 3), values);
        device.Download(x.Range(0, 3), values);
        Assert.That(values, Is.All.Zero);
        Assert.That(() => device.Kernels.MatMul.Forward(y, x, w.Slice(0, 5)), Throws.ArgumentException, "shapes are checked as ever");
        Assert.That(() => x.Range(x.Length - 1, 2), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Every_op_can_be_rehearsed()
    {
        using var device = ComputeDevice.OpenRehearsal();
        foreach (var op in typeof(KernelSet).GetProperties().Where(property => property.PropertyType.Namespace == "NativeRlhf.Kernels.Ops"))
            Assert.That(op.GetValue(device.Kernels)!.GetType().Name, Is.EqualTo(op.Name + "Rehearsal"));
    }
}
