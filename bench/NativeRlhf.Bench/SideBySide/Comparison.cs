using System.CommandLine;
using System.Diagnostics;
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

    private static readonly string[] Sections = ["sgemm", "ops", "train", "generate", "threads", "attention", "ppo", "memory"];

    public static Command Create()
    {
        var threads = new Option<int>("--threads") { Description = "threads of both sides", DefaultValueFactory = _ => Environment.ProcessorCount, HelpName = "n" };
        var rounds = new Option<int>("--rounds") { Description = "alternating runs of each", DefaultValueFactory = _ => 7, HelpName = "n" };
        var sections = new Option<string>("--sections")
        {
            Description = $"some of {string.Join(", ", Sections)}",
            DefaultValueFactory = _ => string.Join(',', Sections.SkipLast(1)),
            HelpName = "list",
        };
        var filter = new Option<string>("--filter") { Description = "only products or models whose name contains this", DefaultValueFactory = _ => "", HelpName = "text" };
        var python = new Option<string>("--python") { Description = "a Python that has PyTorch", DefaultValueFactory = _ => "/usr/bin/python3", HelpName = "file" };
        var write = new Option<string?>("--write") { Description = "a Markdown file whose results are replaced", HelpName = "file" };
        threads.Validators.Add(result => AtLeastOne("--threads", result.GetValueOrDefault<int>(), result.AddError));
        rounds.Validators.Add(result => AtLeastOne("--rounds", result.GetValueOrDefault<int>(), result.AddError));
        sections.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>()!.Split(',').FirstOrDefault(section => !Sections.Contains(section)) is { } unknown)
                result.AddError($"--sections: there is no '{unknown}'; there are {string.Join(", ", Sections)}");
        });
        // Before minutes of measurement.
        write.Validators.Add(result =>
        {
            string file = result.GetValueOrDefault<string>()!;
            if (!File.Exists(file)) result.AddError($"--write: there is no file {file}");
            else if (!HasPlace(File.ReadAllText(file), out _, out _)) result.AddError($"--write: {file} has no '{Begin}' and '{End}' between which results could stand");
        });
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
        bool hasPeer = sections.Any(section => section is "train" or "generate");
        using var peer = hasPeer ? TorchPeer.TryStart(python, threads) : null;
        table.Line(string.Create(CultureInfo.InvariantCulture, $"""
            {DateTime.UtcNow:yyyy-MM-dd}, commit {Commit()}. {Processor()}, {threads} threads, .NET {Environment.Version}, {RuntimeInformation.OSDescription}.
            Measured limits: {machine.PeakFlops / 1e9:F0} GFLOP/s of multiply-adds, {machine.ReadBandwidth / 1e9:F1} GB/s read, {machine.CopyBandwidth / 1e9:F1} GB/s copied, the best of five runs; in the tables limits are measured before and after each of our runs.
            OpenBLAS: {blas?.Version ?? "absent"}. PyTorch: {peer?.Version ?? (hasPeer ? "absent" : "not asked")}. Medians of {rounds} alternating runs; a ratio above 1 is in our favour.

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
                default: throw new UnreachableException(section);
            }
        }
    }

    private static void Write(string file, string results)
    {
        string text = File.ReadAllText(file);
        if (HasPlace(text, out int begin, out int end)) File.WriteAllText(file, $"{text[..begin]}\n\n{results}\n{text[end..]}");
    }

    /// <summary>Whether a text has a place for results, from the end of one mark to the beginning of the other.</summary>
    private static bool HasPlace(string text, out int begin, out int end)
    {
        begin = text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        end = text.IndexOf(End, StringComparison.Ordinal);
        return begin >= Begin.Length && end >= begin;
    }

    private static void AtLeastOne(string option, int value, Action<string> addError)
    {
        if (value < 1) addError($"{option} must be 1 or more");
    }

    /// <summary>The commit that the program was built from, as the build wrote it into the version.</summary>
    private static string Commit()
    {
        string version = FileVersionInfo.GetVersionInfo(typeof(Comparison).Assembly.Location).ProductVersion ?? "";
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
