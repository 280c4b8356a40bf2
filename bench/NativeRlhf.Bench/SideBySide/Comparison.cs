using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>The command <c>side-by-side</c>.</summary>
internal static class Comparison
{
    public static int Run(ReadOnlySpan<string> args)
    {
        int threads = Environment.ProcessorCount, rounds = 7;
        string sections = "sgemm,ops,train,generate", filter = "", python = "/usr/bin/python3";
        for (int i = 0; i + 1 < args.Length; i += 2)
        {
            switch (args[i])
            {
                case "--threads": threads = int.Parse(args[i + 1]); break;
                case "--rounds": rounds = int.Parse(args[i + 1]); break;
                case "--sections": sections = args[i + 1]; break;
                case "--filter": filter = args[i + 1]; break;
                case "--python": python = args[i + 1]; break;
            }
        }

        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads });
        var machine = Machine.Measure(threads);
        var table = new Table();
        table.Line($"{machine.PeakFlops / 1e9:F0} GFLOP/s, read {machine.ReadBandwidth / 1e9:F1} GB/s, copy {machine.CopyBandwidth / 1e9:F1} GB/s\n");
        if (sections.Contains("sgemm") && OpenBlas.TryLoad(threads) is { } blas)
        {
            table.Line(blas.Version + "\n");
            SgemmComparison.Run(table, device, blas, machine, rounds, filter);
        }

        if (sections.Contains("ops")) OpTimes.Run(table, device, machine, filter);
        using var peer = TorchPeer.TryStart(python, threads);
        table.Line($"PyTorch {peer?.Version ?? "is absent"}\n");
        if (sections.Contains("train")) ModelComparison.Train(table, device, peer, machine, rounds, filter);
        if (sections.Contains("generate")) ModelComparison.Generate(table, device, peer, machine, rounds, filter);

        return 0;
    }
}
