using System.Text;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>Results as Markdown, printed line by line as they come and kept for the file.</summary>
internal sealed class Table
{
    private readonly StringBuilder _text = new();

    /// <summary>Everything so far.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>A heading.</summary>
    public void Heading(string text) => Line($"### {text}\n");

    /// <summary>Starts a table.</summary>
    public void Begin(params ReadOnlySpan<string> columns)
    {
        Row(columns);
        Line($"|{string.Concat(Enumerable.Repeat("---|", columns.Length))}");
    }

    /// <summary>A row of it.</summary>
    public void Row(params ReadOnlySpan<string> cells) => Line($"| {string.Join(" | ", cells!)} |");

    /// <summary>Ends it with a remark.</summary>
    public void End(string remark = "") => Line(remark.Length > 0 ? $"\n{remark}\n" : "");

    /// <summary>A line of text.</summary>
    public void Line(string text)
    {
        Console.WriteLine(text);
        _text.Append(text).Append('\n');
    }
}
