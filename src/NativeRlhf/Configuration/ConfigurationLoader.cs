using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using NativeRlhf.Data;

namespace NativeRlhf.Configuration;

/// <summary>
/// Makes a configuration record out of its defaults, a preset, a file and single settings, each going over the one before.
/// </summary>
public static class ConfigurationLoader
{
    /// <summary>Keys with a small first letter, values of enumerations in lower case, text readable.</summary>
    internal static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(new LowerCaseNames()) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>Loads and checks a configuration.</summary>
    /// <typeparam name="T">The record: the configuration of a trainer, say.</typeparam>
    /// <param name="file">A JSON file, comments and trailing commas allowed, or null.</param>
    /// <param name="sets">
    /// Settings <c>key=value</c>, the later ones winning. The value is JSON; text needs no quotes. A key within a record is named with its
    /// path, as in <c>ppo.klCoef=0.1</c>.
    /// </param>
    /// <param name="preset">The name of a preset of this trainer, or null.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="InputException">
    /// A key is unknown (the message names the nearest one) or given twice, a value is not allowed, or values do not go together.
    /// </exception>
    public static T Load<T>(string? file = null, IEnumerable<string>? sets = null, string? preset = null)
        where T : ConfigurationRecord, new()
    {
        // A copy: the presets themselves must not be written to.
        T configuration = (preset is null ? new T() : Preset<T>(preset)) with { };
        var places = new Dictionary<string, string>();

        if (file is not null)
            SetAll(configuration, ReadFile(file), "");
        foreach (string set in sets ?? [])
        {
            string place = $"--set {set}";
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new InputException($"{place}: expected KEY=VALUE");
            string path = set[..equals].Trim();
            string[] names = path.Split('.');
            ConfigurationRecord record = configuration;
            foreach (string outer in names[..^1])
            {
                ConfigurationKey within = Find(record, outer, place);
                if (!within.IsRecord)
                    throw new InputException($"{place}: '{outer}' has no keys of its own; it must be {within.Allowed}");
                record = within.Open(record);
            }
            ConfigurationKey key = Find(record, names[^1], place);
            Set(record, key, key.FromText(set[(equals + 1)..]), place, path);
        }

        foreach (ConfigurationProblem problem in configuration.Problems())
        {
            string place = places.GetValueOrDefault(problem.Key) ?? (preset is null ? file : $"preset {preset}") ?? "configuration";
            throw new InputException(JsonMessages.OneLine($"{place}: {problem.Message}"));
        }
        return configuration;

        void SetAll(ConfigurationRecord record, IReadOnlyList<Entry> entries, string within)
        {
            foreach ((string name, JsonElement value, long line, IReadOnlyList<Entry> inner) in entries)
            {
                string place = $"{file}:{line}", path = within + name;
                if (places.TryGetValue(path, out string? earlier))
                    throw new InputException($"{place}: the key '{JsonMessages.OneLine(name)}' was given before ({earlier}); keep one of the two");
                ConfigurationKey key = Find(record, name, place);
                if (key.IsRecord && value.ValueKind == JsonValueKind.Object)
                    SetAll(key.Open(record), inner, path + ".");
                else if (key.IsRecordList && value.ValueKind == JsonValueKind.Array && inner.All(element => element.Value.ValueKind == JsonValueKind.Object))
                    foreach (var (element, i) in key.OpenList(record, inner.Count).Select((element, i) => (element, i)))
                    {
                        places[$"{path}[{i}]"] = $"{file}:{inner[i].Line}";
                        SetAll(element, inner[i].Inner, $"{path}[{i}].");
                    }
                else
                    Set(record, key, value, place, path);
                places[path] = place;
            }
        }

        static ConfigurationKey Find(ConfigurationRecord record, string name, string place)
        {
            IReadOnlyList<ConfigurationKey> keys = ConfigurationKey.Of(record.GetType());
            return keys.FirstOrDefault(key => key.Name == name)
                ?? throw new InputException($"{place}: unknown key '{JsonMessages.OneLine(name)}'; did you mean '{keys.MinBy(known => Distance(known.Name, name))!.Name}'?");
        }

        void Set(ConfigurationRecord record, ConfigurationKey key, JsonElement value, string place, string path)
        {
            if (!key.TrySet(record, value))
                throw new InputException($"{place}: {key.Name} is {JsonMessages.Quote(value)}; it must be {key.Allowed}");
            places[path] = place;
        }
    }

    /// <summary>The whole configuration, defaults included, with the keys that <see cref="Load"/> reads.</summary>
    /// <param name="configuration">The record.</param>
    /// <returns>A new JSON object.</returns>
    public static JsonObject ToJson(ConfigurationRecord configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var json = new JsonObject();
        foreach (ConfigurationKey key in ConfigurationKey.Of(configuration.GetType()))
            json[key.Name] = key.ToJson(configuration);
        return json;
    }

    private static T Preset<T>(string name)
        where T : ConfigurationRecord
    {
        IReadOnlyDictionary<string, T> presets = Presets.Of<T>();
        if (presets.TryGetValue(name, out T? preset))
            return preset;
        throw new InputException(presets.Count == 0
            ? $"--preset {name}: this trainer has no presets"
            : $"--preset {name}: unknown preset; known are {string.Join(", ", presets.Keys)}");
    }

    private static IReadOnlyList<Entry> ReadFile(string file)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(DataFile.ReadText(file));
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw InputException.At(file, Line(reader), "a configuration must be a JSON object");
            IReadOnlyList<Entry> entries = Read(ref reader, "", 1).Inner;
            reader.Read();
            return entries;
        }
        catch (JsonException e)
        {
            throw InputException.At(file, (e.LineNumber ?? 0) + 1, $"not valid JSON: {JsonMessages.Reason(e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw InputException.At(file, Line(reader), $"not valid JSON: {e.Message}", e);
        }

        Entry Read(ref Utf8JsonReader reader, string key, long line)
        {
            Utf8JsonReader whole = reader;
            JsonElement value = JsonElement.ParseValue(ref whole);
            var inner = new List<Entry>();
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    (string name, long at) = (reader.GetString()!, Line(reader));
                    reader.Read();
                    inner.Add(Read(ref reader, name, at));
                }
            }
            else if (reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    inner.Add(Read(ref reader, "", Line(reader)));
            }
            return new Entry(key, value, line, inner);
        }

        long Line(in Utf8JsonReader at) => 1 + bytes.AsSpan(0, (int)at.TokenStartIndex).Count((byte)'\n');
    }

    /// <summary>The edit distance of Levenshtein; letters that differ in case alone count half of another letter.</summary>
    private static double Distance(string first, string second)
    {
        var row = new double[second.Length + 1];
        for (int j = 0; j <= second.Length; j++)
            row[j] = j;
        for (int i = 1; i <= first.Length; i++)
        {
            double diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= second.Length; j++)
            {
                char a = first[i - 1];
                char b = second[j - 1];
                double replaced = diagonal + (a == b ? 0 : char.ToLowerInvariant(a) == char.ToLowerInvariant(b) ? 0.5 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[^1];
    }

    /// <summary>A key of a file with its value, or an element of a list; the keys of an object and the elements of a list are inside.</summary>
    private sealed record Entry(string Key, JsonElement Value, long Line, IReadOnlyList<Entry> Inner);

    private sealed class LowerCaseNames : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
