using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>A stage of a plan: what it reads, what decides its result, and what does the work.</summary>
internal sealed record Stage
{
    /// <summary>Its name and its place in the study's folder: <c>small/ppo</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Everything that decides the result besides the inputs and the seed.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>The stages whose results it reads.</summary>
    public IReadOnlyList<Stage> Inputs { get; init; } = [];

    /// <summary>The version of the code: raised when the same settings give another result.</summary>
    public int Version { get; init; } = 1;

    /// <summary>What it costs by plan, in units that are the same for all stages: floating-point operations.</summary>
    public required double Cost { get; init; }

    /// <summary>Does the work. It is given the folder, which is empty or holds what an interrupted run of the same stage left.</summary>
    public required Action<string> Run { get; init; }

    /// <summary>
    /// What stages of one kind have in common, so that the time of one tells that of others: the name without the size and without a
    /// number at its end, as <c>beta</c> or <c>eval/ppo</c>.
    /// </summary>
    public string Kind => Name[(Name.IndexOf('/') + 1)..].TrimEnd('-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9');

    /// <summary>
    /// What the result depends on, as a hash: version, settings, seed, and the keys of the inputs. Two stages with the same key have the same
    /// result.
    /// </summary>
    public string Key(ulong seed)
    {
        var parts = new JsonObject
        {
            ["name"] = Name,
            ["version"] = Version,
            ["seed"] = seed,
            ["settings"] = Settings.DeepClone(),
            ["inputs"] = new JsonArray([.. Inputs.Select(input => (JsonNode)input.Key(seed))]),
        };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(parts.ToJsonString())))[..32];
    }
}
