using NativeRlhf.Tests.Tokenization;

namespace NativeRlhf.Tests.Training;

/// <summary>After the first steps a trainer lives in the memory that it planned.</summary>
public class AllocationTests : FolderTests
{
    private const int WarmUp = 10, Window = 10, Windows = 5;

    [Test]
    public void ATrainingStepAllocatesNextToNothing([Values] Kind kind, [Values(1, 2)] int threads)
    {
        // All threads of the process, from one report of a step to the next: step, metrics line and report.
        List<long> allocated = new(WarmUp + (Window * Windows));
        TinyRuns.Run(
            kind, Folder.File("run"), [.. TinyRuns.Base(kind), $"steps={WarmUp + (Window * Windows)}", "evalEvery=0", "checkpointEvery=0"], threads,
            onStep: _ => allocated.Add(GC.GetTotalAllocatedBytes(precise: true)));
        // The least of several windows: what else goes on in the process now and then is none of the trainer's.
        double least = Enumerable.Range(0, Windows - 1).Min(w => (allocated[WarmUp + ((w + 1) * Window)] - allocated[WarmUp + (w * Window)]) / (double)Window);
        // PPO makes its answers anew: tokens and text of each, requests, a line of samples.jsonl.
        Assert.That(least, Is.LessThan(kind is Kind.Ppo or Kind.Raft ? 16384 : 4096), "bytes a step");
    }
}
