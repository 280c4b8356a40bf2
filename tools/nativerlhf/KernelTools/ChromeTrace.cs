using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>
/// The Trace Event Format that chrome://tracing and Perfetto read: complete events (<c>ph</c> X), times in microseconds.
/// </summary>
internal static class ChromeTrace
{
    /// <summary>A trace of the calls of ops, under one event for the whole.</summary>
    /// <param name="device">Where they ran.</param>
    /// <param name="whole">What the whole is.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="calls">The calls.</param>
    public static JsonObject Make(string device, string whole, double seconds, IReadOnlyList<OpCall> calls) => new()
    {
        ["displayTimeUnit"] = "ms",
        ["traceEvents"] = new JsonArray(
        [
            Name("process_name", 0, "nativerlhf"),
            Name("thread_name", 0, "step"),
            Name("thread_name", 1, device),
            Complete(whole, "step", 0, 0, seconds, []),
            .. calls.Select(call => Complete(call.Name, "op", 1, call.Start, call.Seconds, new JsonObject
            {
                ["launches"] = call.Launches,
                ["bytes"] = call.Bytes,
                ["flops"] = call.Flops,
                ["GB/s"] = call.Seconds > 0 ? Math.Round(call.Bytes / call.Seconds / 1e9, 2) : 0,
                ["GFLOP/s"] = call.Seconds > 0 ? Math.Round(call.Flops / call.Seconds / 1e9, 2) : 0,
            })),
        ]),
    };

    private static JsonObject Name(string kind, int thread, string name) => new()
    {
        ["name"] = kind,
        ["ph"] = "M",
        ["pid"] = 1,
        ["tid"] = thread,
        ["args"] = new JsonObject { ["name"] = name },
    };

    private static JsonObject Complete(string name, string category, int thread, double start, double seconds, JsonObject arguments) => new()
    {
        ["name"] = name,
        ["cat"] = category,
        ["ph"] = "X",
        ["pid"] = 1,
        ["tid"] = thread,
        ["ts"] = Math.Round(1e6 * start, 3),
        ["dur"] = Math.Round(1e6 * seconds, 3),
        ["args"] = arguments,
    };
}
