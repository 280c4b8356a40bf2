namespace NativeRlhf.Reporting.Runs;

/// <summary>Chooses which of a run's samples a report shows, and sets them side by side.</summary>
internal static class RunSamples
{
    /// <summary>
    /// What one run answered early and late: prompts that it met in both halves, the widest apart first; and if these are few, its first
    /// answers and its last ones, to whatever prompts.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="most">The most prompts.</param>
    /// <returns>None if the run has no samples.</returns>
    public static IReadOnlyList<SampleSet> BeforeAndAfter(RunLog run, int most)
    {
        if (run.Samples.Count == 0) return [];
        long middle = (run.Samples[0].Step + run.Samples[^1].Step) / 2;
        Sample[] pairs =
        [
            .. run.Samples.GroupBy(sample => sample.Prompt)
                .Select(group => (First: group.First(), Last: group.Last()))
                .Where(pair => pair.First.Step <= middle && pair.Last.Step > middle)
                .OrderByDescending(pair => pair.Last.Step - pair.First.Step)
                .ThenBy(pair => pair.First.Step)
                .Take(most)
                .Select(pair => new Sample(pair.First.Prompt, [Answer(pair.First), Answer(pair.Last)])),
        ];
        List<SampleSet> sets = [];
        if (pairs.Length > 0) sets.Add(new SampleSet("The same prompts, early and late in the run", pairs));
        if (2 * pairs.Length > most) return sets;
        int each = most - pairs.Length;
        if (run.Samples.Count <= 2 * each)
        {
            sets.Add(new SampleSet("Samples of the run", [.. run.Samples.Select(sample => new Sample(sample.Prompt, [Answer(sample)]))]));
        }
        else
        {
            sets.Add(new SampleSet("The first samples of the run", [.. run.Samples.Take(each).Select(sample => new Sample(sample.Prompt, [Answer(sample)]))]));
            sets.Add(new SampleSet("The last samples of the run", [.. run.Samples.TakeLast(each).Select(sample => new Sample(sample.Prompt, [Answer(sample)]))]));
        }

        return sets;
    }

    /// <summary>The last answers of several runs to prompts that at least two of them met, those that most of them met first.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="most">The most prompts.</param>
    /// <returns>The samples, or null if no prompt is common.</returns>
    public static SampleSet? SideBySide(IReadOnlyList<RunLog> runs, int most)
    {
        var answers = runs.SelectMany(run => run.Samples.GroupBy(sample => sample.Prompt).Select(group => (Run: run, Sample: group.Last()))).ToLookup(entry => entry.Sample.Prompt);
        Sample[] samples =
        [
            .. answers.Where(group => group.Count() > 1)
                .OrderByDescending(group => group.Count())
                .ThenByDescending(group => group.Min(entry => entry.Sample.Step))
                .ThenBy(group => group.Key, StringComparer.Ordinal)
                .Take(most)
                .Select(group => new Sample(group.Key, [.. group.Select(entry => Answer(entry.Sample, entry.Run.Name + ", "))])),
        ];
        return samples.Length > 0 ? new SampleSet("The last answers of several runs to the same prompts", samples) : null;
    }

    private static SampleAnswer Answer(RunSample sample, string run = "") => new(
        FormattableString.Invariant($"{run}step {sample.Step}"), sample.Completion, sample.Score is { } score ? $"score {Charts.Numbers.Value(score)}" : null);
}
