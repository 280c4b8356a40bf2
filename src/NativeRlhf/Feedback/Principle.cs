using NativeRlhf.Configuration;

namespace NativeRlhf.Feedback;

/// <summary>One principle of a <see cref="Constitution"/>: what is asked of the critic, of the reviser and of the judge. What is empty is not asked.</summary>
public sealed record Principle : ConfigurationRecord
{
    /// <summary>What it is called in rows and messages.</summary>
    public string Name { get; init; } = "";

    /// <summary>The request for a critique; empty to revise without one.</summary>
    public string Critique { get; init; } = "";

    /// <summary>The request for a revision; empty where the principle is for the judge alone.</summary>
    public string Revision { get; init; } = "";

    /// <summary>The question that the judge answers with yes or no; empty where the principle is for revisions alone.</summary>
    public string Judge { get; init; } = "";

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        if (Name.Length == 0)
            yield return new("name", "the principle has no name; give it one");
        if (Revision.Length == 0 && Judge.Length == 0)
            yield return new("revision", "the principle has neither 'revision' nor 'judge', so that nothing is asked by it");
        if (Critique.Length > 0 && Revision.Length == 0)
            yield return new("critique", "the principle has a 'critique' but no 'revision' to follow it");
    }
}
