using System.Text;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;

namespace NativeRlhf.Data;

/// <summary>Writes files of JSON lines, which appear complete or not at all.</summary>
public static class JsonLines
{
    /// <summary>Writes a file, or replaces one.</summary>
    /// <param name="file">The file.</param>
    /// <param name="rows">One object a line.</param>
    /// <exception cref="IOException">It could not be written; the message names it.</exception>
    public static void Write(string file, IEnumerable<JsonObject> rows) => AtomicFile.Write(file, stream =>
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        foreach (var row in rows) writer.WriteLine(row.ToJsonString(JsonStyle.Line));
    });
}
