using System.Text.Json;

namespace NativeRlhf.Data;

/// <summary>What messages about JSON have in common: one line, and no longer than one can read.</summary>
internal static class JsonMessages
{
    private const int LongestQuote = 60;

    /// <summary>Why a text is not JSON, without the place, which callers name in terms of their file.</summary>
    public static string Reason(JsonException e) =>
        OneLine(e.Message.Split(" LineNumber:")[0].Split(" Path:")[0].TrimEnd('.'));

    /// <summary>A value as it is written, cut to a readable length.</summary>
    public static string Quote(JsonElement value)
    {
        string text = OneLine(value.GetRawText());
        return text.Length <= LongestQuote ? text : text[..LongestQuote] + "…";
    }

    /// <summary>Text from a file, say a name, may hold line breaks; messages may not.</summary>
    public static string OneLine(string text) => text.ReplaceLineEndings("\\n");
}
