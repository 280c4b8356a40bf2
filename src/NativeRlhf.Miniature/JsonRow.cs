using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NativeRlhf.Miniature;

/// <summary>Writes rows of JSON-lines files.</summary>
internal static class JsonRow
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One JSON object without line breaks.</summary>
    /// <param name="fields">Writes its fields.</param>
    public static string Write(Action<Utf8JsonWriter> fields)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Plain))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
