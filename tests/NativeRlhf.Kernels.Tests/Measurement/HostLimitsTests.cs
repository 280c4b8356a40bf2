using NativeRlhf.Kernels.Measurement;

namespace NativeRlhf.Kernels.Tests.Measurement;

internal sealed class HostLimitsTests
{
    [TestCase(1)]
    [TestCase(3)]
    public void EveryLimitIsARateThatAComputerCanHave(int threads)
    {
        using var limits = new HostLimits(threads);
        Assert.Multiple(() =>
        {
            Assert.That(limits.Flops(), Is.InRange(1e8, 1e14), "operations a second");
            Assert.That(limits.Read(), Is.InRange(1e8, 1e13), "bytes read a second");
            Assert.That(limits.Copy(), Is.InRange(1e8, 1e13), "bytes copied a second");
        });
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(65)]
    [TestCase(256)]
    public void EveryThreadReadsAndCopiesAPartOfItsOwnBeyondItsCaches(int threads)
    {
        using var limits = new HostLimits(threads);
        nint own = (1 << 22) / HostLimits.Chunk;
        HashSet<nint> read = [], sources = [], destinations = [];
        for (int thread = 0; thread < threads; thread++)
        {
            for (int turn = 0; turn < own; turn++)
            {
                Assert.That(read.Add(limits.ReadPlace(thread, turn)), $"thread {thread} reads something new in turn {turn}");
                var (source, destination) = limits.CopyPlace(thread, turn);
                Assert.That(sources.Add(source) && destinations.Add(destination), $"thread {thread} copies something new in turn {turn}");
            }
        }

        Assert.That(sources.Overlaps(destinations), Is.False, "nothing that is copied is overwritten");
        nint[] places = [.. read, .. sources, .. destinations];
        Assert.That(places, Has.All.InRange((nint)0, limits.Length - HostLimits.Chunk).And.All.Matches<nint>(place => place % HostLimits.Chunk == 0));
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void NoThreadIsRefused(int threads) => Assert.That(() => new HostLimits(threads), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
