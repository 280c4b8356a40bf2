using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace NativeRlhf.Tokenization;

/// <summary>Reads the JSON files of tokenizers such that whatever is wrong with them is an error that names the place.</summary>
internal static class JsonFile
{
    /// <summary>Reads a file that holds one JSON object.</summary>
    public static JsonDocument Read(string file)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(ReadUtf8(file));
        }
        catch (JsonException e)
        {
            string reason = e.Message.Split(" LineNumber:")[0].ReplaceLineEndings(" ");
            throw InputException.At(file, (e.LineNumber ?? 0) + 1, $"this is not valid JSON: {reason}", e);
        }

        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document
            : throw new InputException($"{file}: expected a JSON object, found {Describe(document.RootElement)}");
    }

    /// <summary>The bytes of a file without byte order mark, checked to be UTF-8.</summary>
    public static ReadOnlyMemory<byte> ReadUtf8(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        if (Utf8.IsValid(bytes))
            return bytes.AsMemory(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0);

        long line = 1;
        ReadOnlySpan<byte> rest = bytes;
        for (int end = rest.IndexOf((byte)'\n'); end >= 0 && Utf8.IsValid(rest[..end]); end = rest.IndexOf((byte)'\n'), line++)
            rest = rest[(end + 1)..];
        throw InputException.At(file, line, "this is not UTF-8 text; convert the file to UTF-8");
    }

    /// <summary>The properties of an object; a name that comes twice is an error.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Properties(string file, string key, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw Wrong(file, key, "an object", element);
        var names = new HashSet<string>();
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = Unpaired(file, key, () => property.Name);
            yield return names.Add(name)
                ? (name, property.Value)
                : throw new InputException($"{file}: {In(key)}the key {Quote(name)} comes twice; remove one");
        }
    }

    /// <summary>The elements of an array.</summary>
    public static JsonElement.ArrayEnumerator Items(string file, string key, JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Wrong(file, key, "an array", element);

    /// <summary>A string.</summary>
    public static string Text(string file, string key, JsonElement element) =>
        element.ValueKind == JsonValueKind.String
            ? Unpaired(file, key, () => element.GetString()!)
            : throw Wrong(file, key, "a string", element);

    /// <summary>A token id: an integer that is not negative.</summary>
    public static int Id(string file, string key, JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int id) && id >= 0
            ? id
            : throw Wrong(file, key, "a token id (an integer from 0)", element);

    /// <summary>A property, or none if it is absent or null.</summary>
    public static JsonElement? Optional(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
            && element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    /// <summary>Whether a property is present and true.</summary>
    public static bool IsTrue(JsonElement element, string name) => Optional(element, name)?.ValueKind == JsonValueKind.True;

    /// <summary>A text in quotes on one line, for messages.</summary>
    public static string Quote(string text) => JsonSerializer.Serialize(text, TokenizerFiles.Readable);

    /// <summary>An error about a value of the wrong kind.</summary>
    public static InputException Wrong(string file, string key, string expected, JsonElement found) =>
        new($"{file}: {Quote(key)} must be {expected}, not {Describe(found)}");

    private static string In(string key) => key.Length == 0 ? "" : $"in {Quote(key)} ";

    private static string Describe(JsonElement element)
    {
        string raw = element.GetRawText().ReplaceLineEndings(" ");
        return raw.Length <= 60 ? raw : raw[..60] + "…";
    }

    // JSON can spell half a surrogate pair ("\ud800"), which is no text.
    private static string Unpaired(string file, string key, Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{file}: {In(key)}a string holds half a surrogate pair, which is no character", e);
        }
    }
}
