using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Runner.Cli;

/// <summary>What a run was made with.</summary>
internal static class Versions
{
    public static string Product => typeof(Versions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    public static string Ilgpu => ComputeDevice.UsesIlgpuPackage ? $"package {typeof(ILGPU.Context).Assembly.GetName().Version?.ToString(3)}" : "stand-in (CPU accelerator only)";

    public static JsonObject ToJson() => new()
    {
        ["nativerlhf"] = Product,
        ["ilgpu"] = Ilgpu,
        ["dotnet"] = RuntimeInformation.FrameworkDescription,
        ["os"] = RuntimeInformation.OSDescription,
    };
}
