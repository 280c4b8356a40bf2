using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Kernels.Verification;
using NativeRlhf.Kernels.Verification.Catalogue;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>Recordings of the ops of a device.</summary>
public class OpRecordingTests
{
    [Test]
    public void Calls_are_recorded_with_their_work_and_do_what_they_always_do()
    {
        using var plain = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var recorded = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, IsRecorded = true });
        float[] expected = Product(plain);
        Assert.That(Product(recorded), Is.EqualTo(expected));
        using var recording = OpRecording.Begin(recorded);
        Assert.That(() => OpRecording.Begin(recorded), Throws.InvalidOperationException);
        Assert.That(Product(recorded), Is.EqualTo(expected));
        var calls = recording.Calls();
        Assert.That(calls.Select(call => call.Name), Is.EqualTo(new[] { "Elementwise.Fill", "Elementwise.Fill", "MatMul.Forward" }));
        Assert.That(calls[2].Flops, Is.EqualTo(2 * 5 * 7 * 3));
        Assert.That(calls[2].Bytes, Is.EqualTo(4 * ((5 * 7) + (5 * 3) + (3 * 7))));
        for (int i = 0; i < calls.Count; i++)
        {
            Assert.That(calls[i].Seconds, Is.Positive);
            Assert.That(calls[i].Start, Is.GreaterThanOrEqualTo(i == 0 ? 0 : calls[i - 1].Start + calls[i - 1].Seconds));
        }

        Assert.That(recording.Elapsed(), Is.GreaterThanOrEqualTo(calls[2].Start + calls[2].Seconds));
        recording.Dispose();
        Product(recorded);
        Assert.That(recording.Calls(), Has.Count.EqualTo(3), "what comes after it is not recorded");
    }

    [Test]
    public void A_device_that_was_not_opened_for_it_has_the_ops_alone()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        Assert.That(() => OpRecording.Begin(device), Throws.InvalidOperationException);
        Product(device);
        Assert.That(device.Work.Flops, Is.Zero);
        Assert.That(device.Kernels.MatMul.GetType().Name, Does.Not.Contain("Rehearsal"));
    }

    [Test]
    public void Launches_and_waits_are_counted()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, IsRecorded = true, Variants = new Dictionary<string, string> { ["*"] = "portable" } });
        using var recording = OpRecording.Begin(device);
        Product(device);
        Assert.That(recording.Waits, Is.EqualTo(1), "the download");
        Assert.That(recording.Calls().Select(call => call.Launches), Is.EqualTo(new[] { 1, 1, 1 }));
        Assert.That(device.Work.Launches, Is.EqualTo(3));
    }

    [Test]
    public void Every_op_that_launches_kernels_counts_them()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, IsRecorded = true, Variants = new Dictionary<string, string> { ["*"] = "portable" } });
        using var recording = OpRecording.Begin(device);
        using var memory = new GuardedMemory(device);
        foreach (var definition in OpCatalogue.All)
        {
            using var problem = Problem.Create(definition, [.. definition.Dimensions.Select(_ => 5)], device, memory.Take, 1);
            long before = device.Work.Launches;
            problem.Run();
            Assert.That(device.Work.Launches, Is.GreaterThan(before), definition.Name);
            memory.Reset();
        }
    }

    private static float[] Product(ComputeDevice device)
    {
        using var arena = device.AllocateArena(1024);
        Tensor x = arena.Take(5, 3), weight = arena.Take(3, 7), y = arena.Take(5, 7);
        device.Kernels.Elementwise.Fill(x, 0.3f);
        device.Kernels.Elementwise.Fill(weight, 0.7f);
        device.Kernels.MatMul.Forward(y, x, weight);
        float[] values = new float[y.Length];
        device.Download(y, values);
        return values;
    }
}
