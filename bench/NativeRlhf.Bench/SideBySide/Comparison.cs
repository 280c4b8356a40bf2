using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>The command <c>side-by-side</c>.</summary>
internal static class Comparison
{
    public static int Run(ReadOnlySpan<string> args)
    {
        int threads = Environment.ProcessorCount;
        string filter = args.Length > 0 ? args[0] : "";
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads });
        var machine = Machine.Measure(threads);
        var table = new Table();
        table.Line($"{machine.PeakFlops / 1e9:F0} GFLOP/s, read {machine.ReadBandwidth / 1e9:F1} GB/s, copy {machine.CopyBandwidth / 1e9:F1} GB/s\n");
        if (OpenBlas.TryLoad(threads) is { } blas)
        {
            table.Line(blas.Version + "\n");
            SgemmComparison.Run(table, device, blas, machine, 7, filter);
        }

        return 0;
    }
}
