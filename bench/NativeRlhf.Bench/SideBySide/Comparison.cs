using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Kernels.Verification.Vendor;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>The command <c>side-by-side</c>: our times beside OpenBLAS's and PyTorch's and beside what the machine could do.</summary>
internal static class Comparison
{
    private const string Begin = "<!-- results -->", End = "<!-- end of results -->";

    public static Command Create()
    {
        var threads = new Option<int>("--threads") { Description = "threads of both sides", DefaultValueFactory = _ => Environment.ProcessorCount, HelpName = "n" };
        var rounds = new Option<int>("--rounds") { Description = "alternating runs of each", DefaultValueFactory = _ => 7, HelpName = "n" };
        var sections = new Option<string>("--sections")
        {
            Description = "some of sgemm, ops, train, generate, threads, attention, ppo, memory",
            DefaultValueFactory = _ => "sgemm,ops,train,generate,threads,attention,ppo",
            HelpName = "list",
        };
        var filter = new Option<string>("--filter") { Description = "only products or models whose name contains this", DefaultValueFactory = _ => "", HelpName = "text" };
        var python = new Option<string>("--python") { Description = "a Python that has PyTorch", DefaultValueFactory = _ => "/usr/bin/python3", HelpName = "file" };
        var write = new Option<string?>("--write") { Description = "a Markdown file whose results are replaced", HelpName = "file" };
        var command = new Command("side-by-side", "measures against OpenBLAS, PyTorch and the machine's limits") { threads, rounds, sections, filter, python, write };
        command.SetAction(parsed =>
        {
            var table = new Table();
            Run(table, parsed.GetValue(threads), parsed.GetValue(rounds), parsed.GetValue(sections)!.Split(','), parsed.GetValue(filter)!, parsed.GetValue(python)!);
            if (parsed.GetValue(write) is { } file) Write(file, table.ToString());
        });
        return command;
    }

    private static void Run(Table table, int threads, int rounds, string[] sections, string filter, string python)
    {
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads });
        var machine = DeviceLimits.Measure(device);
        threads = device.Team.Threads;
        using var limits = new HostLimits(threads);
        var blas = OpenBlas.TryLoad(threads);
        using var peer = sections.Any(section => section is "train" or "generate") ? TorchPeer.TryStart(python, threads) : null;
        table.Line(string.Create(CultureInfo.InvariantCulture, $"""
            {DateTime.UtcNow:yyyy-MM-dd}, commit {Commit()}. {Processor()}, {threads} threads, .NET {Environment.Version}, {RuntimeInformation.OSDescription}.
            Measured limits: {machine.PeakFlops / 1e9:F0} GFLOP/s of multiply-adds, {machine.ReadBandwidth / 1e9:F1} GB/s read, {machine.CopyBandwidth / 1e9:F1} GB/s copied, the best of five runs; in the tables limits are measured before and after each of our runs.
            OpenBLAS: {blas?.Version ?? "absent"}. PyTorch: {peer?.Version ?? "absent"}. Medians of {rounds} alternating runs; a ratio above 1 is in our favour.

            """));
        foreach (string section in sections)
        {
            switch (section)
            {
                case "sgemm" when blas is not null: SgemmComparison.Run(table, device, blas, limits, rounds, filter); break;
                case "sgemm": break;
                case "ops": OpTimes.Run(table, device, limits, filter); break;
                case "train": ModelComparison.Train(table, device, peer, limits, rounds, filter); break;
                case "generate": ModelComparison.Generate(table, device, peer, limits, rounds, filter); break;
                case "threads": OwnLimits.Threads(table, limits, threads, rounds, filter); break;
                case "attention": OwnLimits.Attention(table, device, rounds); break;
                case "ppo": OwnLimits.Ppo(table, device); break;
                case "memory": OwnLimits.Memory(table, device); break;
                default: throw new ArgumentException($"there is no section '{section}'; see: side-by-side --help");
            }
        }
    }

    private static void Write(string file, string results)
    {
        string text = File.ReadAllText(file);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal), end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin) throw new ArgumentException($"{file}: has no '{Begin}' and '{End}' between which results could stand");
        File.WriteAllText(file, $"{text[..(begin + Begin.Length)]}\n\n{results}\n{text[end..]}");
    }

    /// <summary>The commit that the program was built from, as the build wrote it into the version.</summary>
    private static string Commit()
    {
        string version = System.Diagnostics.FileVersionInfo.GetVersionInfo(typeof(Comparison).Assembly.Location).ProductVersion ?? "";
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? "unknown" : version.Substring(plus + 1, Math.Min(10, version.Length - plus - 1));
    }

    private static string Processor()
    {
        const string Key = "model name";
        string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
