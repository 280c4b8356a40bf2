using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Model;

namespace NativeRlhf.Reporting.Runs;

/// <summary>A value that a metric had.</summary>
/// <param name="Step">After how many steps.</param>
/// <param name="Value">The value, finite.</param>
internal readonly record struct Measurement(long Step, double Value);

/// <summary>A line of <c>samples.jsonl</c>.</summary>
/// <param name="Step">In which step it was sampled.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completion">The answer.</param>
/// <param name="Score">Its score, or null.</param>
internal sealed record RunSample(long Step, string Prompt, string Completion, double? Score);

/// <summary>What the files of a run say, as far as it went.</summary>
internal sealed class RunLog
{
    private readonly Dictionary<string, List<Measurement>> _metrics = [];

    private RunLog(string path, string name) => (Path, Name) = (path, name);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>How the report calls it.</summary>
    public string Name { get; }

    /// <summary>Which trainer it is: <c>command</c> of its configuration, or "run".</summary>
    public string Command { get; private set; } = "run";

    /// <summary>Settings by name, as JSON text; those of the trainer, and seed, device, inputs and versions.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; private set; } = new Dictionary<string, string>();

    /// <summary>Values of every metric by step, ascending, in the order in which metrics first appear.</summary>
    public IReadOnlyDictionary<string, List<Measurement>> Metrics => _metrics;

    /// <summary>Samples, by step.</summary>
    public IReadOnlyList<RunSample> Samples { get; private set; } = [];

    /// <summary>The last step that is known; 0 if there is none.</summary>
    public long LastStep { get; private set; }

    /// <summary>Whether it went to its end.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Parameters of the trained model, or null where no model is there yet.</summary>
    public long? Parameters { get; private set; }

    /// <summary>What a reader should know about the files: values that are not finite, a line that was cut off.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>Whether a folder holds a run: <c>metrics.jsonl</c>, or the configuration of a trainer that has just begun.</summary>
    /// <param name="folder">A folder.</param>
    public static bool IsRun(string folder)
    {
        if (File.Exists(System.IO.Path.Combine(folder, "metrics.jsonl"))) return true;
        try
        {
            return ReadConfiguration(System.IO.Path.Combine(folder, "config.json"))?["command"] is not null;
        }
        catch (InputException)
        {
            return false;
        }
    }

    /// <summary>Reads a run, finished or not.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="name">How the report calls it.</param>
    /// <exception cref="InputException">A line is no object with a step, or the configuration is no JSON; the message names it.</exception>
    public static RunLog Read(string folder, string name)
    {
        var run = new RunLog(folder, name) { IsFinished = Directory.Exists(System.IO.Path.Combine(folder, "final")) };
        List<string> notes = [];
        run.ReadMetrics(System.IO.Path.Combine(folder, "metrics.jsonl"), notes);
        run.ReadSamples(System.IO.Path.Combine(folder, "samples.jsonl"), notes);
        run.Notes = notes;
        if (ReadConfiguration(System.IO.Path.Combine(folder, "config.json")) is { } configuration)
        {
            if (configuration["command"] is JsonValue command && command.TryGetValue(out string? text)) run.Command = text;
            run.Settings = Flatten(configuration);
        }

        run.Parameters = CountParameters(System.IO.Path.Combine(folder, "final"));
        return run;
    }

    /// <summary>The first value of a metric, or null.</summary>
    /// <param name="metric">Its name.</param>
    public Measurement? First(string metric) => _metrics.TryGetValue(metric, out var values) ? values[0] : null;

    /// <summary>The last value of a metric, or null.</summary>
    /// <param name="metric">Its name.</param>
    public Measurement? Last(string metric) => _metrics.TryGetValue(metric, out var values) ? values[^1] : null;

    /// <summary>The sum over all steps of a metric, 0 if the run has none.</summary>
    /// <param name="metric">Its name.</param>
    public double Sum(string metric) => _metrics.TryGetValue(metric, out var values) ? values.Sum(value => value.Value) : 0;

    /// <summary>
    /// Metrics by line. A line with a step that was there before means that the run was rewound: it replaces that step and all after it,
    /// as a resumed run itself does.
    /// </summary>
    private void ReadMetrics(string file, List<string> notes)
    {
        List<string> notFinite = [];
        foreach (var (line, step) in Lines(file, notes))
        {
            if (step <= LastStep)
            {
                foreach (var (name, values) in _metrics.ToArray())
                {
                    values.RemoveRange(FirstFrom(values, step), values.Count - FirstFrom(values, step));
                    if (values.Count == 0) _metrics.Remove(name);
                }

                notFinite.Clear();
            }

            LastStep = step;
            foreach (var property in line.EnumerateObject())
            {
                if (property.NameEquals("step")) continue;
                if (property.Value.ValueKind == JsonValueKind.Number && property.Value.GetDouble() is var value && double.IsFinite(value))
                {
                    if (!_metrics.TryGetValue(property.Name, out var values)) _metrics[property.Name] = values = [];
                    // A name that stands twice in a line has its last value.
                    if (values is [.., var last] && last.Step == step) values[^1] = new Measurement(step, value);
                    else values.Add(new Measurement(step, value));
                }
                else if (property.Value.ValueKind == JsonValueKind.String && property.Value.GetString() is "NaN" or "Infinity" or "-Infinity")
                {
                    notFinite.Add($"{property.Name} is {property.Value.GetString()} in step {step.ToString(CultureInfo.InvariantCulture)}");
                }
            }
        }

        if (notFinite.Count > 0) notes.Add($"The run diverged: {string.Join(", ", notFinite.Take(3))}{(notFinite.Count > 3 ? ", …" : "")}.");
    }

    private void ReadSamples(string file, List<string> notes)
    {
        List<RunSample> samples = [];
        foreach (var (line, step) in Lines(file, notes))
        {
            if (samples is [.., var last] && step < last.Step) samples.RemoveAll(sample => sample.Step >= step);
            if (Text(line, "prompt") is { } prompt && Text(line, "completion") is { } completion)
                samples.Add(new RunSample(step, prompt, completion, line.TryGetProperty("score", out var score) && score.ValueKind == JsonValueKind.Number ? score.GetDouble() : null));
        }

        Samples = samples;
    }

    private static string? Text(JsonElement line, string name)
    {
        if (!line.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String) return null;
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which JSON can write and .NET does not read.
            return value.GetRawText()[1..^1];
        }
    }

    private static int FirstFrom(List<Measurement> values, long step)
    {
        int index = values.Count;
        while (index > 0 && values[index - 1].Step >= step) index--;
        return index;
    }

    /// <summary>The lines of a file that grows while it is read. A last line without an end was not written to its end and is left out.</summary>
    private static IEnumerable<(JsonElement Line, long Step)> Lines(string file, List<string> notes)
    {
        if (!File.Exists(file)) yield break;
        // A run that is going on has it open for writing.
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, new UTF8Encoding(false));
        string all = reader.ReadToEnd();
        int number = 0;
        for (int start = 0, end; start < all.Length; start = end + 1)
        {
            number++;
            end = all.IndexOf('\n', start);
            if (end < 0)
            {
                notes.Add($"The last line of {System.IO.Path.GetFileName(file)} was cut off and is left out.");
                yield break;
            }

            using var document = Parse(file, number, all.AsMemory(start, end - start));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("step", out var step) || step.ValueKind != JsonValueKind.Number || !step.TryGetInt64(out long value))
                throw InputException.At(file, number, "not a line of a run (a JSON object with a 'step'); repair or remove the line");
            yield return (document.RootElement, value);
        }
    }

    private static JsonDocument Parse(string file, int number, ReadOnlyMemory<char> line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException e)
        {
            throw InputException.At(file, number, "not a line of a run (a JSON object with a 'step'); repair or remove the line", e);
        }
    }

    private static JsonObject? ReadConfiguration(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            return JsonNode.Parse(File.ReadAllText(file)) as JsonObject;
        }
        catch (JsonException e)
        {
            throw InputException.At(file, (e.LineNumber ?? 0) + 1, "not valid JSON", e);
        }
    }

    private static Dictionary<string, string> Flatten(JsonObject configuration)
    {
        Dictionary<string, string> settings = [];
        foreach (var (key, value) in configuration)
        {
            if (key == "command") continue;
            Add(key == "configuration" ? "" : key, value);
        }

        return settings;

        void Add(string name, JsonNode? value)
        {
            if (value is JsonObject inner)
            {
                foreach (var (key, part) in inner) Add(name.Length == 0 ? key : $"{name}.{key}", part);
            }
            else
            {
                settings[name] = value is JsonValue text && text.TryGetValue(out string? plain) ? plain : value?.ToJsonString(JsonStyle.Line) ?? "null";
            }
        }
    }

    private static long? CountParameters(string model)
    {
        string file = System.IO.Path.Combine(model, "config.json");
        if (!File.Exists(file)) return null;
        try
        {
            // Without a head for scores: the size that a model is called by.
            return GptConfig.Load(file).Specs(hasScore: false).Sum(spec => spec.Shape.Aggregate(1L, (product, size) => product * size));
        }
        catch (InputException)
        {
            return null;
        }
    }
}
