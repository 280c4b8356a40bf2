using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Tests.Training;

/// <summary>The host waits for a device where it needs a number, and nowhere else.</summary>
public class HostWaitTests : FolderTests
{
    [TestCase("portable")]
    [TestCase("scalar")]
    public void ATrainingStepWaitsForItsLossesAndForTheNormOfItsGradient(string variant)
    {
        const int Steps = 3;
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, Variants = new Dictionary<string, string> { ["*"] = variant } });
        List<long> waits = [];
        TinyRuns.Run(
            Kind.Pretrain, Folder.File("run"), [.. TinyRuns.Base(Kind.Pretrain), $"steps={Steps}", "batchSize=2", "microBatchSize=1", "maxLength=6", "evalEvery=0", "checkpointEvery=0"],
            onStep: _ => waits.Add(device.Waits), device: device);

        // Two microbatches: one loss each, one norm for both.
        Assert.That(waits.Zip(waits.Skip(1), (before, after) => after - before), Is.EqualTo(Enumerable.Repeat(2 + 1, Steps - 1)));
    }
}
