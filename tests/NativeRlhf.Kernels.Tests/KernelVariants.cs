using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests;

/// <summary>
/// Every device and kernel variant that the product knows. Tests are written once and run for each; what this machine
/// lacks is reported as ignored, with the reason.
/// </summary>
[SetUpFixture]
internal sealed class KernelVariants
{
    public const string Portable = "portable";

    private static readonly Dictionary<(string Device, string Variant, int Threads), Workbench> Opened = [];

    private static readonly Lazy<IReadOnlyList<string>> Found = new(ComputeDevice.List);

    /// <summary>Device and variant, the arguments of the op fixtures.</summary>
    public static readonly object[][] All =
    [
        ["cpu", "simd512"], ["cpu", "simd256"], ["cpu", "simd128"], ["cpu", "scalar"], ["cpu", Portable],
        ["cuda", Portable], ["opencl", Portable],
    ];

    /// <summary>A workbench on that device, on which every op has that variant; shared by all tests that ask for the same.</summary>
    public static Workbench Open(string device, string variant, int threads = 2)
    {
        if (Opened.TryGetValue((device, variant, threads), out var bench)) return bench;
        if (!Found.Value.Any(found => found.StartsWith(device + ":", StringComparison.Ordinal)))
            Assert.Ignore($"{device}: {(ComputeDevice.UsesIlgpuPackage ? "ILGPU finds no such accelerator on this machine" : "the stand-in for ILGPU has the CPU accelerator alone")}");
        using (var plain = ComputeDevice.Open(new DeviceOptions { Device = device, Threads = 1 }))
        {
            if (!KernelSet.Variants(plain).Contains(variant))
                Assert.Ignore($"{variant}: this machine has no vectors of that width; {device} has {string.Join(", ", KernelSet.Variants(plain))}");
        }

        bench = new Workbench(ComputeDevice.Open(new DeviceOptions
        {
            Device = device,
            Threads = threads,
            Variants = new Dictionary<string, string> { ["*"] = variant },
        }));
        Opened[(device, variant, threads)] = bench;
        return bench;
    }

    [OneTimeTearDown]
    public void Close()
    {
        foreach (var bench in Opened.Values) bench.Dispose();
        Opened.Clear();
    }
}
