using System.CommandLine;
using System.Runtime.Intrinsics;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Which accelerators there are, and which ILGPU.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", """
            Lists the accelerators that kernels can run on, and says whether ILGPU is the package or the stand-in.

            Example:  nativerlhf devices
            """);
        var json = new Option<bool>("--json") { Description = "one JSON object" };
        command.Options.Add(json);
        command.SetAction(result =>
        {
            var devices = ComputeDevice.List();
            if (result.GetValue(json))
            {
                Console.WriteLine(new JsonObject
                {
                    ["ilgpu"] = Versions.Ilgpu,
                    ["devices"] = new JsonArray([.. devices.Select(device => (JsonNode)device)]),
                    ["cores"] = Environment.ProcessorCount,
                    ["vector_bits"] = VectorBits,
                }.ToJsonString(JsonStyle.Line));
                return ExitCodes.Done;
            }

            Console.WriteLine($"ILGPU: {Versions.Ilgpu}");
            foreach (string device in devices) Console.WriteLine(device);
            Console.WriteLine($"CPU variants: {Environment.ProcessorCount} cores, vectors of {VectorBits} bits");
            if (!ComputeDevice.UsesIlgpuPackage) Console.WriteLine("GPUs need the ILGPU package; see the README, \"ILGPU\".");
            return ExitCodes.Done;
        });
        return command;
    }

    private static int VectorBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 32;
}
