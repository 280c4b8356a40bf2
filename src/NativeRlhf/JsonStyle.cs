using System.Text.Encodings.Web;
using System.Text.Json;

namespace NativeRlhf;

/// <summary>How JSON is written: readable text as it is, without escapes that only HTML needs.</summary>
public static class JsonStyle
{
    /// <summary>One line: rows of JSON-lines files.</summary>
    public static JsonSerializerOptions Line { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Several lines: files that people read.</summary>
    public static JsonSerializerOptions Indented { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };
}
