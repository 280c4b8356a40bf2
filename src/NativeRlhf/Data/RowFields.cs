using System.Globalization;
using System.Text.Json;

namespace NativeRlhf.Data;

/// <summary>The fields of one row, read with their types checked. A field that is <c>null</c> counts as absent.</summary>
internal readonly struct RowFields(RowPlace place, JsonElement row)
{
    public RowPlace Place => place;

    public JsonElement Row => row;

    public bool Has(string name) => Find(name) is not null;

    public JsonElement? Find(string name) =>
        row.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => Find(name) is { } value ? AsText(name, value) : null;

    public int[]? Ids(string name) => Find(name) is { } value ? AsIds(name, value) : null;

    /// <summary>Who or what something is called: a string, or an integer id as it is written.</summary>
    public string? Name(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when value.GetString() is { Length: > 0 } text => text,
        { ValueKind: JsonValueKind.Number } value when TryInteger(value, out int id) => id.ToString(CultureInfo.InvariantCulture),
        { } value => throw place.Error($"'{name}' must be a name or an integer id, not {Describe(value)}"),
    };

    /// <summary>Text, or the token ids that were given in its place; where both are there the ids are used.</summary>
    public Content? Content(string textName, string idsName)
    {
        if (Ids(idsName) is { } ids)
            return Data.Content.OfTokens(ids);
        return Text(textName) is { } text ? Data.Content.OfText(text) : null;
    }

    public JsonElement[]? List(string name, string of)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray()]
            : throw place.Error($"'{name}' must be a list of {of}, not {Describe(value)}");
    }

    public string AsText(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw place.Error($"'{name}' must be a string, not {Describe(value)}");

    public int[] AsIds(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw place.Error($"'{name}' must be a list of token ids, not {Describe(value)}");
        var ids = new int[value.GetArrayLength()];
        int index = 0;
        foreach (JsonElement element in value.EnumerateArray())
        {
            if (!TryInteger(element, out int id) || id < 0)
                throw place.Error($"'{name}'[{index}] must be a token id (an integer ≥ 0), not {Describe(element)}");
            ids[index++] = id;
        }
        return ids;
    }

    /// <summary>An integer, also when it is written like 2.0 or 2e0.</summary>
    public static bool TryInteger(JsonElement element, out int value)
    {
        value = 0;
        if (element.ValueKind != JsonValueKind.Number)
            return false;
        if (element.TryGetInt32(out value))
            return true;
        if (!element.TryGetDouble(out double number) || number != Math.Floor(number) || Math.Abs(number) > int.MaxValue)
            return false;
        value = (int)number;
        return true;
    }

    /// <summary>What a value is, for a message: <c>the number 3.5</c>, <c>a list</c>.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"the string {JsonMessages.Quote(value)}",
        JsonValueKind.Number => $"the number {JsonMessages.Quote(value)}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
