using System.Text.Encodings.Web;
using System.Text.Json;

namespace NativeRlhf.Tokenization;

/// <summary>Names of a tokenizer's files, and how they are written.</summary>
internal static class TokenizerFiles
{
    public const string Config = "tokenizer_config.json";
    public const string Combined = "tokenizer.json";
    public const string Vocabulary = "vocab.json";
    public const string Merges = "merges.txt";
    public const string Added = "added_tokens.json";

    /// <summary>Leaves letters of all scripts as they are: the files are read by people too.</summary>
    public static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = false,
    };

    private static readonly JsonWriterOptions _indented = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Indented = true,
        NewLine = "\n",
    };

    /// <summary>Creates the folder and rejects it if a file there would make the tokenizer ambiguous.</summary>
    public static void Prepare(string directory, params ReadOnlySpan<string> contradicting)
    {
        Directory.CreateDirectory(directory);
        foreach (string name in contradicting)
        {
            string file = Path.Combine(directory, name);
            if (File.Exists(file))
                throw new InputException($"{file}: belongs to another tokenizer; save to another folder, or remove it first");
        }
    }

    /// <summary>Writes a file beside its place, syncs it and renames it, so that it appears complete or not at all.</summary>
    public static void Write(string file, Action<Stream> write)
    {
        string beside = file + ".new";
        try
        {
            using (FileStream stream = File.Create(beside))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, file, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    /// <summary>Writes a JSON file of one object.</summary>
    public static void WriteJson(string file, Action<Utf8JsonWriter> write) => Write(file, stream =>
    {
        using var json = new Utf8JsonWriter(stream, _indented);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    });
}
