using System.CommandLine;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>What the kernels commands have in common: a device, ops and variants.</summary>
internal sealed class KernelOptions
{
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu, cuda[:n] or opencl[:n]", DefaultValueFactory = _ => "auto", HelpName = "device" };
    private readonly Option<int> _threads = new("--threads") { Description = "worker threads of the CPU device; 0 for one per core", HelpName = "n" };
    private readonly Option<string?> _op = new("--op") { Description = "one op, or one of its methods as in matmul.dW (without: all)", HelpName = "name" };
    private readonly Option<string[]> _variants = new("--variant") { HelpName = "name" };
    private readonly Option<bool> _json = new("--json") { Description = "one JSON object" };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "show where an error comes from" };

    /// <param name="command">The command.</param>
    /// <param name="variants">What its variants are; null if it has none.</param>
    public KernelOptions(Command command, string? variants)
    {
        _variants.Description = variants;
        foreach (Option option in new Option[] { _device, _threads, _op, _variants, _json, _verbose })
        {
            if (option != _variants || variants is not null) command.Options.Add(option);
        }
    }

    public bool Json(ParseResult result) => result.GetValue(_json);

    public string? Op(ParseResult result) => result.GetValue(_op);

    public IReadOnlyList<string> Variants(ParseResult result) => result.GetValue(_variants) ?? [];

    /// <summary>Opens the device with its defaults.</summary>
    public ComputeDevice Open(ParseResult result) => Open(result, null, hasTimers: false);

    /// <summary>Opens the device with one variant for every op that has it.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="variant">The variant; null for the defaults.</param>
    /// <param name="hasTimers">Whether the device's own timers are on.</param>
    /// <exception cref="InputException">There is no such device, or no op has the variant on it.</exception>
    public ComputeDevice Open(ParseResult result, string? variant, bool hasTimers)
    {
        try
        {
            var options = new DeviceOptions { Device = result.GetValue(_device)!, Threads = result.GetValue(_threads), HasTimers = hasTimers };
            var device = ComputeDevice.Open(options);
            if (variant is null) return device;
            string[] ops = [.. KernelSet.Ops.Where(op => KernelSet.Variants(device, op).Contains(variant))];
            string[] known = [.. KernelSet.Ops.SelectMany(op => KernelSet.Variants(device, op)).Distinct()];
            device.Dispose();
            if (ops.Length == 0) throw new InputException($"variant '{variant}' is not on this device; it has {string.Join(", ", known)} (see: nativerlhf kernels list)");
            return ComputeDevice.Open(options with { Variants = ops.ToDictionary(op => op, _ => variant) });
        }
        catch (ArgumentException exception)
        {
            throw new InputException(exception.Message, exception);
        }
    }
}
