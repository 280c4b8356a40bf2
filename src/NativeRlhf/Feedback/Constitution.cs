using NativeRlhf.Configuration;

namespace NativeRlhf.Feedback;

/// <summary>
/// The principles by which a model criticises, revises and judges answers, and the templates by which it is asked (Bai et al. 2022,
/// "Constitutional AI", arXiv:2212.08073). A file of it is read by <see cref="ConfigurationLoader"/>.
/// </summary>
public sealed record Constitution : ConfigurationRecord
{
    /// <summary>
    /// What the critic is given, with <c>{prompt}</c>, <c>{completion}</c> and <c>{request}</c>, the principle's request, in it. Examples of good
    /// critiques, put before it, help models that were not trained for it.
    /// </summary>
    public string CritiqueTemplate { get; init; } = "{prompt}{completion}\n\nCritique request: {request}\n\nCritique:";

    /// <summary>
    /// What the reviser is given, with <c>{prompt}</c>, <c>{completion}</c>, <c>{critique}</c> (empty where there is none) and <c>{request}</c> in it.
    /// </summary>
    public string RevisionTemplate { get; init; } = "{prompt}{completion}\n\nCritique: {critique}\n\nRevision request: {request}\n\nRevision:";

    /// <summary>What the judge is given, with <c>{prompt}</c>, <c>{completion}</c> and <c>{request}</c>, the principle's question, in it.</summary>
    public string JudgeTemplate { get; init; } = "{prompt}{completion}\n\n{request} Yes or no?\n\nAnswer:";

    /// <summary>What the judge says of a good answer; its tokens follow those of the template. Default <c> yes</c>.</summary>
    public string Yes { get; init; } = " yes";

    /// <summary>What the judge says of a bad answer. Default <c> no</c>.</summary>
    public string No { get; init; } = " no";

    /// <summary>Where critiques and revisions of a model are cut, beside their end: before the first of these texts. Default a blank line.</summary>
    public IReadOnlyList<string> Stop { get; init; } = ["\n\n"];

    /// <summary>The principles, at least one.</summary>
    public IReadOnlyList<Principle> Principles { get; init; } = [];

    /// <summary>The principles by which answers are revised.</summary>
    public IReadOnlyList<Principle> ForRevision => [.. Principles.Where(principle => principle.Revision.Length > 0)];

    /// <summary>The principles by which answers are judged.</summary>
    public IReadOnlyList<Principle> ForJudge => [.. Principles.Where(principle => principle.Judge.Length > 0)];

    /// <summary>Reads a file.</summary>
    /// <param name="file">JSON; comments and trailing commas are allowed.</param>
    /// <returns>The constitution.</returns>
    /// <exception cref="InputException">A key is unknown, a value is not allowed, or a template lacks what it must hold.</exception>
    public static Constitution Load(string file) => ConfigurationLoader.Load<Constitution>(file);

    /// <summary>Puts values in the places of a template. What a value holds is text, even if it looks like a place.</summary>
    /// <param name="template">Text with <c>{name}</c> in it.</param>
    /// <param name="values">The values, by name.</param>
    /// <returns>The text.</returns>
    public static string Fill(string template, params ReadOnlySpan<(string Name, string Value)> values)
    {
        var text = new System.Text.StringBuilder();
        for (int at = 0; at < template.Length;)
        {
            int open = template.IndexOf('{', at), close = open < 0 ? -1 : template.IndexOf('}', open);
            string? value = null;
            if (close >= 0)
            {
                foreach (var (name, candidate) in values)
                {
                    if (template.AsSpan(open + 1, close - open - 1).SequenceEqual(name)) value = candidate;
                }
            }

            int end = open < 0 ? template.Length : value is null ? open + 1 : open;
            text.Append(template, at, end - at).Append(value);
            at = value is null ? end : close + 1;
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        foreach (var (key, template, places) in new[] { ("critiqueTemplate", CritiqueTemplate, (string[])["{prompt}", "{completion}", "{request}"]), ("revisionTemplate", RevisionTemplate, ["{prompt}", "{completion}", "{request}"]), ("judgeTemplate", JudgeTemplate, ["{prompt}", "{completion}", "{request}"]) })
        {
            if (places.FirstOrDefault(place => !template.Contains(place, StringComparison.Ordinal)) is { } missing)
                yield return new(key, $"{key} lacks {missing}; it must hold {string.Join(", ", places)}");
        }

        if (Yes.Length == 0 || No.Length == 0 || Yes == No)
            yield return new(Yes.Length == 0 ? "yes" : "no", $"yes is '{Yes}' and no '{No}'; give two different texts");
        if (Stop.Contains(""))
            yield return new("stop", "stop holds an empty text; leave it out");
        if (Principles.Count == 0)
            yield return new("principles", "principles is missing or empty; give at least one, as in { \"name\": …, \"critique\": …, \"revision\": … }");
        for (int i = 0; i < Principles.Count; i++)
        {
            string path = $"principles[{i}]";
            // The problem stands where the principle does, whether or not it has the key.
            foreach (ConfigurationProblem problem in Principles[i].Problems())
                yield return new(path, $"{path}: {problem.Message}");
            if (Principles.Take(i).Any(earlier => earlier.Name == Principles[i].Name))
                yield return new(path, $"{path}: there is another principle of the name '{Principles[i].Name}'; names must differ");
        }
    }
}
