using Spectre.Console;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>A table of results: with borders and bars on a terminal, aligned words where the output goes elsewhere.</summary>
/// <param name="columns">Their headings; one that begins with <c>&lt;</c> is aligned to the left.</param>
internal sealed class ResultTable(params string[] columns)
{
    private const int BarWidth = 16;

    private readonly List<(string[] Cells, double? Share)> _rows = [];

    /// <summary>Adds a row.</summary>
    public void Add(params string[] cells) => _rows.Add((cells, null));

    /// <summary>Adds a row with a bar.</summary>
    /// <param name="share">What the bar shows, of 1.</param>
    /// <param name="cells">The cells.</param>
    public void Add(double share, params string[] cells) => _rows.Add((cells, share));

    public void Write()
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive) WritePlain();
        else WriteBordered();
    }

    private static string Bar(double share)
    {
        int full = (int)Math.Round(BarWidth * Math.Clamp(double.IsNaN(share) ? 0 : share, 0, 1));
        return new string('█', full) + new string('░', BarWidth - full);
    }

    private void WriteBordered()
    {
        bool hasBars = _rows.Exists(row => row.Share is not null);
        var table = new Table().Border(TableBorder.Rounded);
        foreach (string column in columns) table.AddColumn(IsLeft(column) ? new TableColumn(Markup.Escape(Name(column))) : new TableColumn(Markup.Escape(column)).RightAligned());
        if (hasBars) table.AddColumn("");
        foreach (var (cells, share) in _rows)
        {
            string[] shown = hasBars ? [.. cells, share is { } value ? Bar(value) : ""] : cells;
            table.AddRow([.. shown.Select(Markup.Escape)]);
        }

        AnsiConsole.Write(table);
    }

    private void WritePlain()
    {
        string[][] all = [[.. columns.Select(Name)], .. _rows.Select(row => row.Cells)];
        int[] widths = [.. columns.Select((_, i) => all.Max(cells => cells[i].Length))];
        foreach (string[] cells in all)
            Console.WriteLine(string.Join("  ", cells.Select((cell, i) => IsLeft(columns[i]) ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
    }

    private static bool IsLeft(string column) => column.StartsWith('<');

    private static string Name(string column) => IsLeft(column) ? column[1..] : column;
}
