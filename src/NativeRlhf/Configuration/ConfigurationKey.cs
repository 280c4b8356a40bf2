using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeRlhf.Configuration;

/// <summary>One key of a configuration record: how it is called, what it allows, and how a value gets into the record.</summary>
public sealed class ConfigurationKey
{
    private readonly PropertyInfo _property;
    private readonly Type _type;
    private readonly Type? _element;
    private readonly bool _nullable;
    private readonly BoundsAttribute? _bounds;

    private ConfigurationKey(PropertyInfo property)
    {
        _property = property;
        _type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        IsRecord = _type.IsSubclassOf(typeof(ConfigurationRecord));
        _element = _type.IsGenericType && _type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? _type.GetGenericArguments()[0] : null;
        _nullable = IsRecord || _type != property.PropertyType;
        _bounds = property.GetCustomAttribute<BoundsAttribute>();
        Name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
        Allowed = Describe() + (_nullable ? ", or null" : "");
    }

    /// <summary>The key as it is written in a configuration file.</summary>
    public string Name { get; }

    /// <summary>What it allows, in words that follow "must be".</summary>
    public string Allowed { get; }

    /// <summary>Whether it holds a record with keys of its own.</summary>
    internal bool IsRecord { get; }

    /// <summary>Whether it holds a list of such records.</summary>
    internal bool IsRecordList => _element?.IsSubclassOf(typeof(ConfigurationRecord)) == true;

    /// <summary>The keys of a configuration record, in the order of their declaration, general ones first.</summary>
    /// <param name="type">The record.</param>
    /// <returns>The keys.</returns>
    public static IReadOnlyList<ConfigurationKey> Of(Type type) =>
    [
        .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .OrderBy(property => Depth(property.DeclaringType!))
            .ThenBy(property => property.MetadataToken)
            .Select(property => new ConfigurationKey(property)),
    ];

    /// <summary>The value that a record has for this key, as configuration files write it.</summary>
    /// <param name="configuration">The record.</param>
    /// <returns>JSON text.</returns>
    public string Format(object configuration) =>
        JsonSerializer.Serialize(_property.GetValue(configuration), _property.PropertyType, ConfigurationLoader.JsonOptions);

    /// <summary>The record that this key holds, made if it is not there.</summary>
    internal ConfigurationRecord Open(object configuration)
    {
        if (_property.GetValue(configuration) is ConfigurationRecord record)
            return record;
        record = (ConfigurationRecord)Activator.CreateInstance(_type)!;
        _property.SetValue(configuration, record);
        return record;
    }

    /// <summary>The new records of a list of so many, which this key then holds.</summary>
    internal IReadOnlyList<ConfigurationRecord> OpenList(object configuration, int count)
    {
        Array records = Array.CreateInstance(_element!, count);
        for (int i = 0; i < count; i++)
            records.SetValue(Activator.CreateInstance(_element!), i);
        _property.SetValue(configuration, records);
        return [.. records.Cast<ConfigurationRecord>()];
    }

    /// <summary>What a record has for this key, as a JSON value.</summary>
    internal JsonNode? ToJson(object configuration) => _property.GetValue(configuration) switch
    {
        ConfigurationRecord record => ConfigurationLoader.ToJson(record),
        IEnumerable<ConfigurationRecord> records => new JsonArray([.. records.Select(ConfigurationLoader.ToJson)]),
        _ => JsonNode.Parse(Format(configuration)),
    };

    /// <summary>Puts a value into a record, or says that it is not allowed.</summary>
    internal bool TrySet(object configuration, JsonElement value)
    {
        if (!TryConvert(value, out object? converted))
            return false;
        _property.SetValue(configuration, converted);
        return true;
    }

    /// <summary>A value that was written on a command line: JSON, except that text and names need no quotes.</summary>
    internal JsonElement FromText(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement value = document.RootElement.Clone();
            if (value.ValueKind == JsonValueKind.String || (_type != typeof(string) && !_type.IsEnum) || (value.ValueKind == JsonValueKind.Null && _nullable))
                return value;
        }
        catch (JsonException)
        {
        }
        return JsonSerializer.SerializeToElement(text);
    }

    private bool TryConvert(JsonElement value, out object? converted)
    {
        converted = null;
        if (value.ValueKind == JsonValueKind.Null)
            return _nullable;
        if (IsRecord || IsRecordList)
            return false;
        if (_element == typeof(string))
            return TryConvertTexts(value, out converted);
        if (_type == typeof(bool))
        {
            converted = value.ValueKind == JsonValueKind.True;
            return value.ValueKind is JsonValueKind.True or JsonValueKind.False;
        }
        if (_type == typeof(string) || _type.IsEnum)
            return value.ValueKind == JsonValueKind.String && TryConvertText(value, out converted);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || _bounds?.Allow(number) == false || !double.IsFinite(number))
            return false;
        if (_type == typeof(double))
        {
            converted = number;
            return true;
        }
        // Integers may be written like 1e6.
        if (number != Math.Floor(number) || Math.Abs(number) >= (_type == typeof(int) ? 2147483648.0 : 9007199254740992.0))
            return false;
        converted = _type == typeof(int) ? (object)(int)number : (long)number;
        return true;
    }

    /// <summary>One text may stand for a list of it alone.</summary>
    private static bool TryConvertTexts(JsonElement value, out object? converted)
    {
        converted = null;
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        try
        {
            if (items.All(item => item.ValueKind == JsonValueKind.String))
                converted = Array.ConvertAll(items, item => item.GetString()!);
        }
        catch (InvalidOperationException)
        {
            // half of a surrogate pair
        }
        return converted is not null;
    }

    private bool TryConvertText(JsonElement value, out object? converted)
    {
        converted = null;
        try
        {
            string text = value.GetString()!;
            converted = _type == typeof(string)
                ? text
                : Enum.GetValuesAsUnderlyingType(_type).Cast<object>().Select(number => Enum.ToObject(_type, number))
                    .FirstOrDefault(member => LowerCase(member) == text);
            return converted is not null;
        }
        catch (InvalidOperationException)
        {
            return false; // half of a surrogate pair
        }
    }

    private string Describe()
    {
        string bounds = _bounds is null ? "" : $" {_bounds}";
        return _type switch
        {
            { IsEnum: true } => $"one of {string.Join(", ", Enum.GetValuesAsUnderlyingType(_type).Cast<object>().Select(number => LowerCase(Enum.ToObject(_type, number))))}",
            _ when IsRecord => "an object",
            _ when IsRecordList => "a list of objects",
            _ when _element == typeof(string) => "a string or a list of strings",
            _ when _type == typeof(bool) => "true or false",
            _ when _type == typeof(string) => "a string",
            _ when _type == typeof(double) => $"a number{bounds}",
            _ => $"an integer{bounds}",
        };
    }

    private static string LowerCase(object member) => member.ToString()!.ToLowerInvariant();

    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
