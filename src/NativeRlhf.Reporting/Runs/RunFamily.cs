namespace NativeRlhf.Reporting.Runs;

/// <summary>Runs whose metrics mean the same and can be laid over each other.</summary>
/// <param name="Id">The anchor of its part of the page.</param>
/// <param name="Title">What its trainers do.</param>
/// <param name="Runs">The runs, in the order in which they were named.</param>
internal sealed record RunFamily(string Id, string Title, IReadOnlyList<RunLog> Runs)
{
    private static readonly (string Id, string Title, string[] Commands)[] Known =
    [
        ("pretraining", "Pretraining", ["pretrain"]),
        ("sft", "Supervised fine-tuning", ["sft"]),
        ("reward", "Reward model", ["reward"]),
        ("dpo", "Direct preference optimization", ["dpo"]),
        ("policy", "Policy optimization", ["ppo", "raft"]),
    ];

    /// <summary>Runs by what their trainers do, in the order in which the method goes through it.</summary>
    /// <param name="runs">The runs.</param>
    public static IReadOnlyList<RunFamily> Group(IReadOnlyList<RunLog> runs)
    {
        var byId = runs.ToLookup(IdOf);
        return
        [
            .. Known.Where(known => byId.Contains(known.Id)).Select(known => new RunFamily(known.Id, known.Title, [.. byId[known.Id]])),
            .. byId[null].GroupBy(run => run.Command).Select((group, i) => new RunFamily(FormattableString.Invariant($"other-{i + 1}"), group.Key == "run" ? "Runs" : group.Key, [.. group])),
        ];
    }

    /// <summary>Which style a run has in the charts of this family.</summary>
    /// <param name="name">Its name.</param>
    public int IndexOf(string name) => Math.Max(0, Runs.TakeWhile(run => run.Name != name).Count() is var index && index < Runs.Count ? index : 0);

    /// <summary>By the trainer; a stage of a study that has a name of its own, by its metrics.</summary>
    private static string? IdOf(RunLog run) =>
        Known.FirstOrDefault(known => known.Commands.Contains(run.Command)).Id ?? (run.Metrics.ContainsKey("objective/scores") ? "policy" : null);
}
