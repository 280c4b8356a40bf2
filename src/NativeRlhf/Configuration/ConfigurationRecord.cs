namespace NativeRlhf.Configuration;

/// <summary>
/// What <see cref="ConfigurationLoader"/> reads: every property is a key of the file, with a small first letter. Keys hold numbers, text,
/// names of an enumeration, lists of text, further records, and lists of records.
/// </summary>
public abstract record ConfigurationRecord
{
    /// <summary>What does not go together, across keys.</summary>
    /// <returns>Nothing if all is well. A key within a record of this one is named with its path: <c>ppo.klCoef</c>.</returns>
    public virtual IEnumerable<ConfigurationProblem> Problems() => [];

    /// <summary>The problems of a record within this one, under its path.</summary>
    /// <param name="key">The key of the record.</param>
    /// <param name="inner">The record, or null if it is not there.</param>
    /// <returns>Its problems.</returns>
    private protected static IEnumerable<ConfigurationProblem> ProblemsOf(string key, ConfigurationRecord? inner) =>
        from problem in inner?.Problems() ?? []
        select new ConfigurationProblem($"{key}.{problem.Key}", $"{key}: {problem.Message}");
}
