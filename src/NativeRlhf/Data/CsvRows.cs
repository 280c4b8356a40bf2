using System.Text;

namespace NativeRlhf.Data;

/// <summary>Tables of comma-separated values (RFC 4180): cells may be quoted, a quote inside is doubled, quoted cells may hold line breaks.</summary>
internal static class CsvRows
{
    /// <summary>Reads columns by name.</summary>
    /// <param name="file">The file as the user named it; its first line names the columns.</param>
    /// <param name="columns">The columns wanted.</param>
    /// <returns>For every row where it begins, and its cells in the order of <paramref name="columns"/>.</returns>
    /// <exception cref="InputException">A column is missing, a row has more or fewer cells than the first, or a quote is not closed.</exception>
    public static IEnumerable<(RowPlace Place, string[] Cells)> Read(string file, params string[] columns)
    {
        int[]? wanted = null;
        int width = 0;
        foreach (var (place, cells) in Rows(file, DataFile.ReadText(file)))
        {
            if (wanted is null)
            {
                wanted = [.. columns.Select(name => Array.IndexOf(cells, name) is >= 0 and int index
                    ? index
                    : throw place.Error($"there is no column '{name}'; the first line must name the columns {string.Join(", ", columns)}"))];
                width = cells.Length;
                continue;
            }

            if (cells.Length != width) throw place.Error($"the row has {cells.Length} cells and the first line {width}; a cell with a comma in it must be quoted");
            yield return (place, [.. wanted.Select(index => cells[index])]);
        }
    }

    private static IEnumerable<(RowPlace Place, string[] Cells)> Rows(string file, string text)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        long line = 1;
        for (int at = 0; at < text.Length;)
        {
            var place = new RowPlace(file, line);
            bool isRow = true;
            cells.Clear();
            while (isRow)
            {
                cell.Clear();
                if (at < text.Length && text[at] == '"')
                {
                    for (at++; ; at++)
                    {
                        if (at >= text.Length) throw place.Error("a quote that begins in this row is not closed");
                        if (text[at] == '"' && (at + 1 >= text.Length || text[at + 1] != '"')) break;
                        if (text[at] == '"') at++;
                        else if (text[at] == '\n') line++;
                        cell.Append(text[at]);
                    }

                    at++;
                    if (at < text.Length && text[at] is not (',' or '\n' or '\r')) throw new RowPlace(file, line).Error("something follows a closing quote; quotes inside of a cell are doubled");
                }
                else
                {
                    for (; at < text.Length && text[at] is not (',' or '\n'); at++) cell.Append(text[at]);
                    if (cell.Length > 0 && cell[^1] == '\r' && (at == text.Length || text[at] == '\n')) cell.Length--;
                }

                if (at < text.Length && text[at] == '\r') at++;
                cells.Add(cell.ToString());
                isRow = at < text.Length && text[at] == ',';
                at++;
            }

            line++;
            if (cells is not [""]) yield return (place, [.. cells]);
        }
    }
}
