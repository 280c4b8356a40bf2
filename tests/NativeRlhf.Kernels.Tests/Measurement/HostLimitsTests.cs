using NativeRlhf.Kernels.Measurement;

namespace NativeRlhf.Kernels.Tests.Measurement;

internal sealed class HostLimitsTests
{
    [TestCase(1)]
    [TestCase(3)]
    [TestCase(65)]
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
}
