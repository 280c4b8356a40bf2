using System.Text.Json;
using NativeRlhf.Configuration;

namespace NativeRlhf.Reporting.Runs;

/// <summary>A setting of runs.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Values">The value of each run, in order; null where a run has none.</param>
/// <param name="IsNotable">Of several runs: whether those that have it differ. Of one: whether it is not the default.</param>
internal sealed record Setting(string Name, IReadOnlyList<string?> Values, bool IsNotable)
{
    /// <summary>The value that most runs have, the first of several such; null if none has one.</summary>
    public string? Usual { get; } = Values.OfType<string>().GroupBy(value => value).MaxBy(group => group.Count())?.Key;
}

/// <summary>The configurations of runs as one table.</summary>
internal static class RunSettings
{
    /// <summary>The settings, those of note first.</summary>
    /// <param name="runs">The runs.</param>
    public static IReadOnlyList<Setting> Of(IReadOnlyList<RunLog> runs)
    {
        var defaults = runs.Count == 1 ? Defaults(runs[0].Command) : [];
        Setting[] all =
        [
            .. runs.SelectMany(run => run.Settings.Keys).Distinct().Select(name =>
            {
                string?[] values = [.. runs.Select(run => run.Settings.GetValueOrDefault(name))];
                return new Setting(name, values, runs.Count == 1 ? defaults.TryGetValue(name, out string? usual) && usual != values[0] : values.OfType<string>().Distinct().Count() > 1);
            }),
        ];
        return [.. all.Where(setting => setting.IsNotable), .. all.Where(setting => !setting.IsNotable)];
    }

    private static Dictionary<string, string> Defaults(string command)
    {
        Type? type = command switch
        {
            "pretrain" => typeof(PretrainConfiguration),
            "sft" => typeof(SftConfiguration),
            "reward" => typeof(RewardConfiguration),
            "ppo" => typeof(PpoConfiguration),
            "dpo" => typeof(DpoConfiguration),
            "raft" => typeof(RaftConfiguration),
            _ => null,
        };
        if (type is null) return [];
        object record = Activator.CreateInstance(type)!;
        return ConfigurationKey.Of(type).ToDictionary(key => key.Name, key => key.Format(record) is ['"', ..] text ? JsonSerializer.Deserialize<string>(text)! : key.Format(record));
    }
}
