using System.Globalization;
using System.Text.Json;
using NativeRlhf.Data;

namespace NativeRlhf.Evaluation;

/// <summary>
/// Words and phrases that are looked for in texts, whatever their case. One is found where no letter or digit stands right before or after
/// it: <c>ass</c> is not in <c>class</c>.
/// </summary>
public sealed class WordList
{
    private readonly string[] _words;

    /// <summary>A list.</summary>
    /// <param name="words">The words; blank ones are left out, and each counts once.</param>
    public WordList(IEnumerable<string> words) =>
        _words = [.. words.Select(word => word.Trim()).Where(word => word.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase)];

    /// <summary>How many words there are.</summary>
    public int Count => _words.Length;

    /// <summary>
    /// Reads lists and joins them. A file is a JSON array of words; a JSON object from words to how sure it is that one is meant as an insult, of which
    /// those with at least <paramref name="sureness"/> count (<c>cuss</c> rates 0 to 2); or text with a word a line (.txt).
    /// </summary>
    /// <param name="files">The files.</param>
    /// <param name="sureness">The least sureness of a word in an object.</param>
    /// <returns>The words of all of them.</returns>
    /// <exception cref="InputException">A file is none of these, or no word is left.</exception>
    public static WordList Load(IReadOnlyList<string> files, double sureness = 2)
    {
        var list = new WordList(files.SelectMany(file => Read(file, sureness)));
        return list.Count > 0 ? list : throw new InputException($"{string.Join(", ", files)}: no word is left{(sureness > 0 ? $" of a sureness of at least {sureness.ToString(CultureInfo.InvariantCulture)}; lower --sureness" : "")}");
    }

    /// <summary>The words that a text has.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Each word once, in the order of the list.</returns>
    public IEnumerable<string> In(string text) => _words.Where(word => Has(text, word));

    private static bool Has(string text, string word)
    {
        for (int at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            int end = at + word.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]))) return true;
        }

        return false;
    }

    private static IEnumerable<string> Read(string file, double sureness)
    {
        if (DataFile.Is(file, ".txt")) return DataFile.ReadLines(file);
        try
        {
            using var document = JsonDocument.Parse(DataFile.ReadText(file));
            var root = document.RootElement;
            return root.ValueKind switch
            {
                JsonValueKind.Array when root.EnumerateArray().All(word => word.ValueKind == JsonValueKind.String) => [.. root.EnumerateArray().Select(word => word.GetString()!)],
                JsonValueKind.Object when root.EnumerateObject().All(word => word.Value.ValueKind == JsonValueKind.Number) =>
                    [.. root.EnumerateObject().Where(word => word.Value.GetDouble() >= sureness).Select(word => word.Name)],
                _ => throw new InputException($"{file}: a list of words is a JSON array of strings, a JSON object from words to numbers, or text with a word a line (.txt)"),
            };
        }
        catch (JsonException e)
        {
            throw InputException.At(file, (e.LineNumber ?? 0) + 1, $"not valid JSON: {JsonMessages.Reason(e)}", e);
        }
    }
}
