using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

/// <summary>Uploads through page-locked memory, which devices with memory of their own take: here to the CPU's.</summary>
public class StagingTests
{
    [Test]
    public void Uploads_arrive_and_wait_only_when_the_staging_memory_is_full()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var staging = new Staging(device);
        using var arena = device.AllocateArena(4 << 20);
        const int Length = 100_003;
        int each = (Length * sizeof(float)) + 256, fitting = Staging.Capacity / each;
        Tensor[] tensors = [.. Enumerable.Range(0, fitting + 1).Select(_ => arena.Take(1, Length))];
        long before = device.Waits;
        for (int i = 0; i < tensors.Length; i++)
        {
            float[] values = Values(i, Length);
            staging.Upload<float>(tensors[i].View, values);
            // What is uploaded was read.
            Array.Clear(values);
            Assert.That(device.Waits - before, Is.EqualTo(i < fitting ? 0 : 1), $"upload {i}");
        }

        // After the host has waited for something else all of it is free.
        device.Synchronize();
        before = device.Waits;
        staging.Upload<float>(tensors[0].View, Values(0, Length));
        Assert.That(device.Waits, Is.EqualTo(before));
        for (int i = 0; i < tensors.Length; i++)
        {
            float[] values = new float[Length];
            device.Download(tensors[i], values);
            Assert.That(values.AsSpan().SequenceEqual(Values(i, Length)), $"upload {i}");
        }
    }

    [Test]
    public void What_is_larger_than_the_staging_memory_goes_in_pieces()
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1 });
        using var staging = new Staging(device);
        int length = (5 * (Staging.Capacity / sizeof(float)) / 2) + 3;
        using var arena = device.AllocateArena(length);
        var tensor = arena.Take(1, length);
        float[] expected = Values(1, length), values = new float[length];
        staging.Upload<float>(tensor.View, expected);
        device.Download(tensor, values);
        Assert.That(values.AsSpan().SequenceEqual(expected));
    }

    private static float[] Values(int seed, int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (seed * 1_000_003) + i;
        return values;
    }
}
