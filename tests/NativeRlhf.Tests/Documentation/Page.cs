using System.Text.RegularExpressions;

namespace NativeRlhf.Tests.Documentation;

/// <summary>A page of the documentation, by its headings and tables.</summary>
/// <param name="path">Its path below the repository's folder.</param>
internal sealed partial class Page(string path)
{
    /// <summary>Its path below the repository's folder.</summary>
    public string Path { get; } = path;

    /// <summary>The text.</summary>
    public string Text { get; } = File.ReadAllText(TestFiles.Repository(path)).ReplaceLineEndings("\n");

    /// <summary>The README and all pages under docs/.</summary>
    public static IReadOnlyList<Page> All { get; } =
    [
        new Page("README.md"),
        .. Directory.GetFiles(TestFiles.Repository("docs"), "*.md").Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal).Select(name => new Page($"docs/{name}")),
    ];

    /// <summary>The anchors of its headings, as GitHub makes them.</summary>
    public IEnumerable<string> Anchors => Lines().Where(line => line.StartsWith('#')).Select(line => Anchor(line.TrimStart('#').Trim()));

    /// <summary>The targets of its links, outside of blocks of code.</summary>
    public IEnumerable<string> Links => Lines().SelectMany(line => Link().Matches(line).Select(match => match.Groups[1].Value));

    /// <summary>
    /// The rows of the tables below a heading, down to the next one: what stands in code in the first column, and the second column.
    /// </summary>
    /// <param name="heading">The heading without its number signs.</param>
    public IReadOnlyList<(string Name, string Second)> Rows(string heading)
    {
        List<(string, string)> rows = [];
        bool isIn = false, isThere = false;
        foreach (string line in Lines())
        {
            if (line.StartsWith('#'))
            {
                isIn = line.TrimStart('#').Trim() == heading;
                isThere |= isIn;
            }

            if (!isIn || !line.StartsWith("| `", StringComparison.Ordinal)) continue;
            string[] cells = line.Split('|');
            rows.Add((cells[1].Trim().Trim('`'), cells[2].Trim().Trim('`')));
        }

        Assert.That(isThere, $"{Path} has no heading '{heading}'");
        return rows;
    }


    private IEnumerable<string> Lines()
    {
        bool isCode = false;
        foreach (string line in Text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            else if (!isCode) yield return line;
        }
    }

    private static string Anchor(string heading) =>
        string.Concat(heading.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
