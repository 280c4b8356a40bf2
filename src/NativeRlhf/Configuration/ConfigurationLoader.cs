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
    /// <typeparam name="T">The record: one of the trainers' configurations.</typeparam>
    /// <param name="file">A JSON file, comments and trailing commas allowed, or null.</param>
    /// <param name="sets">Settings <c>key=value</c>, the later ones winning. The value is JSON; text needs no quotes.</param>
    /// <param name="preset">The name of a preset of this trainer, or null.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="InputException">
    /// A key is unknown (the message names the nearest one) or given twice, a value is not allowed, or values do not go together.
    /// </exception>
    public static T Load<T>(string? file = null, IEnumerable<string>? sets = null, string? preset = null)
        where T : TrainerConfiguration, new()
    {
        // A copy: the presets themselves must not be written to.
        T configuration = (preset is null ? new T() : Preset<T>(preset)) with { };
        Dictionary<string, ConfigurationKey> keys = ConfigurationKey.Of(typeof(T)).ToDictionary(key => key.Name);
        var places = new Dictionary<string, string>();

        if (file is not null)
        {
            foreach ((string name, JsonElement value, long line) in ReadFile(file))
            {
                string place = $"{file}:{line}";
                if (places.TryGetValue(name, out string? earlier))
                    throw new InputException($"{place}: the key '{JsonMessages.OneLine(name)}' was given before ({earlier}); keep one of the two");
                Set(Find(name, place), value, place);
            }
        }
        foreach (string set in sets ?? [])
        {
            string place = $"--set {set}";
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new InputException($"{place}: expected KEY=VALUE");
            ConfigurationKey key = Find(set[..equals].Trim(), place);
            Set(key, key.FromText(set[(equals + 1)..]), place);
        }

        foreach (ConfigurationProblem problem in configuration.Problems())
        {
            string place = places.GetValueOrDefault(problem.Key) ?? (preset is null ? file : $"preset {preset}") ?? "configuration";
            throw new InputException(JsonMessages.OneLine($"{place}: {problem.Message}"));
        }
        return configuration;

        ConfigurationKey Find(string name, string place) =>
            keys.TryGetValue(name, out ConfigurationKey? key)
                ? key
                : throw new InputException($"{place}: unknown key '{JsonMessages.OneLine(name)}'; did you mean '{keys.Keys.MinBy(known => Distance(known, name))}'?");

        void Set(ConfigurationKey key, JsonElement value, string place)
        {
            if (!key.TrySet(configuration, value))
                throw new InputException($"{place}: {key.Name} is {JsonMessages.Quote(value)}; it must be {key.Allowed}");
            places[key.Name] = place;
        }
    }

    /// <summary>The whole configuration, defaults included, with the keys that <see cref="Load"/> reads.</summary>
    /// <param name="configuration">The record.</param>
    /// <returns>A new JSON object.</returns>
    public static JsonObject ToJson(TrainerConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var json = new JsonObject();
        foreach (ConfigurationKey key in ConfigurationKey.Of(configuration.GetType()))
            json[key.Name] = JsonNode.Parse(key.Format(configuration));
        return json;
    }

    private static T Preset<T>(string name)
        where T : TrainerConfiguration
    {
        IReadOnlyDictionary<string, T> presets = Presets.Of<T>();
        if (presets.TryGetValue(name, out T? preset))
            return preset;
        throw new InputException(presets.Count == 0
            ? $"--preset {name}: this trainer has no presets"
            : $"--preset {name}: unknown preset; known are {string.Join(", ", presets.Keys)}");
    }

    private static List<(string Key, JsonElement Value, long Line)> ReadFile(string file)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(DataFile.ReadText(file));
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var entries = new List<(string, JsonElement, long)>();
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw InputException.At(file, Line(reader), "a configuration must be a JSON object");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                long line = Line(reader);
                string key = reader.GetString()!;
                reader.Read();
                entries.Add((key, JsonElement.ParseValue(ref reader), line));
            }
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

    private sealed class LowerCaseNames : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }
}
