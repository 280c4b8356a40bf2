using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Device;

public class HostCacheTests
{
    private const string Told = "/sys/devices/system/cpu/cpu0/cache/index0/ways_of_associativity";

    [Test]
    public void The_ways_are_those_that_the_system_tells()
    {
        if (!OperatingSystem.IsLinux() || !System.Runtime.Intrinsics.X86.X86Base.IsSupported || !File.Exists(Told)) Assert.Ignore($"{Told} is absent, or the processor is not an x86");
        Assert.That(HostCache.Level1Ways, Is.EqualTo(int.Parse(File.ReadAllText(Told), System.Globalization.CultureInfo.InvariantCulture)));
    }
}
