using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Tests.Training;

/// <summary>The host waits for a device where it needs a number, and nowhere else.</summary>
public class HostWaitTests : FolderTests
{
    [TestCase("portable", 1)]
    [TestCase("scalar", 3)]
    public void ATrainingStepWaitsForItsLossesAndForTheNormOfItsGradient(string variant, int microBatches)
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, Variants = new Dictionary<string, string> { ["*"] = variant } });
        using var interruption = new CancellationTokenSource();
        List<long> waits = [];
        // From the first report to the second; what ends a run, an evaluation among it, is left out.
        Assert.That(
            () => TinyRuns.Run(
                Kind.Pretrain, Folder.File("run"), [.. TinyRuns.Base(Kind.Pretrain), $"batchSize={microBatches}", "microBatchSize=1", "maxLength=4", "evalEvery=0", "checkpointEvery=0"], device: device,
                cancel: interruption.Token, onStep: _ =>
                {
                    waits.Add(device.Waits);
                    if (waits.Count == 2) interruption.Cancel();
                }),
            Throws.InstanceOf<OperationCanceledException>());

        // A loss for each micro-batch, and one norm for all.
        Assert.That(waits[1] - waits[0], Is.EqualTo(microBatches + 1));
    }
}
