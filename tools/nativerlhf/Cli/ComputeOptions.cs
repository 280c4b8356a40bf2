using System.CommandLine;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Runner.Cli;

/// <summary>The options of every command that computes.</summary>
internal sealed class ComputeOptions
{
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu, cuda[:n] or opencl[:n]", DefaultValueFactory = _ => "auto", HelpName = "device" };
    private readonly Option<int> _threads = new("--threads") { Description = "worker threads of the CPU device; 0 for one per core", HelpName = "n" };
    private readonly Option<ulong> _seed = new("--seed") { Description = "seed of everything random", DefaultValueFactory = _ => 42, HelpName = "n" };
    private readonly Option<string[]> _variants = new("--variant") { Description = "kernel variant of an op, op=name (repeatable)", HelpName = "op=name" };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "show where an error comes from" };

    public ComputeOptions(Command command)
    {
        foreach (Option option in new Option[] { _device, _threads, _seed, _variants, _verbose }) command.Options.Add(option);
    }

    public ulong Seed(ParseResult result) => result.GetValue(_seed);

    /// <summary>Opens the device asked for.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="isRecorded">Whether the device's ops can be recorded.</param>
    /// <exception cref="InputException">There is no such device, or an unknown variant is named.</exception>
    public ComputeDevice Open(ParseResult result, bool isRecorded = false)
    {
        var variants = new Dictionary<string, string>();
        foreach (string entry in result.GetValue(_variants) ?? [])
        {
            string[] parts = entry.Split('=', 2);
            if (parts.Length != 2) throw new InputException($"--variant {entry}: expected op=name, as in matmul=simd256");
            variants[parts[0]] = parts[1];
        }

        try
        {
            return ComputeDevice.Open(new DeviceOptions { Device = result.GetValue(_device)!, Threads = result.GetValue(_threads), Variants = variants, IsRecorded = isRecorded });
        }
        catch (ArgumentException exception)
        {
            throw new InputException(exception.Message, exception);
        }
    }
}
