using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Cli;

/// <summary>What stands in the <c>config.json</c> of a run.</summary>
internal static class RunConfiguration
{
    /// <summary>Writes it for a new run; of a continued one checks that it is the same.</summary>
    /// <exception cref="InputException">A run is continued with other settings.</exception>
    public static void WriteOrCheck(RunDirectory directory, bool resume, string command, ConfigurationRecord configuration, ulong seed, ComputeDevice device, JsonObject? inputs = null)
    {
        var resolved = new JsonObject
        {
            ["command"] = command,
            ["configuration"] = ConfigurationLoader.ToJson(configuration),
            ["seed"] = seed,
            ["inputs"] = inputs ?? [],
            ["device"] = device.Name,
            ["kernels"] = new JsonObject(device.Kernels.Chosen.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
            ["versions"] = Versions.ToJson(),
        };
        if (resume) CheckSame(directory, resolved);
        else directory.WriteConfiguration(resolved);
    }

    /// <summary>A run continues with the settings that it began with: anything else would not end with the same bits.</summary>
    private static void CheckSame(RunDirectory directory, JsonObject resolved)
    {
        var stored = directory.ReadConfiguration();
        foreach (string key in (string[])["command", "seed"])
        {
            if (stored[key]?.ToJsonString() != resolved[key]?.ToJsonString())
                throw new InputException($"{directory.ConfigurationPath}: the run has {key} {stored[key]?.ToJsonString()}, not {resolved[key]?.ToJsonString()}; resume with the same");
        }

        var (given, present) = (stored["inputs"] as JsonObject ?? [], (JsonObject)resolved["inputs"]!);
        foreach (string option in given.Concat(present).Select(input => input.Key).Distinct())
        {
            if (Line(given[option]) != Line(present[option]))
                throw new InputException($"{directory.ConfigurationPath}: the run began with {Line(given[option])}, not {Line(present[option])}; resume with the same, or change it there if it has only moved");

            string Line(JsonNode? input) => input is JsonArray values ? $"{option} {string.Join(' ', values)}" : $"no {option}";
        }

        if (stored["configuration"] is not JsonObject before) throw new InputException($"{directory.ConfigurationPath}: has no configuration; the run cannot be resumed");
        foreach (var (key, value) in (JsonObject)resolved["configuration"]!)
        {
            if (before[key]?.ToJsonString() != value?.ToJsonString())
                throw new InputException($"{directory.ConfigurationPath}: the run has {key} {before[key]?.ToJsonString() ?? "null"}, not {value?.ToJsonString() ?? "null"}; resume with the same settings");
        }
    }
}
