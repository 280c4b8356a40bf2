using System.Globalization;

namespace NativeRlhf.Reporting.Tests;

/// <summary>A folder for files of runs, gone at the end.</summary>
internal sealed class RunFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("report").FullName;

    public string Of(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Of(name))!);
        File.WriteAllText(Of(name), text);
        return Of(name);
    }

    /// <summary>A run of a trainer with so many steps.</summary>
    /// <param name="name">Its folder.</param>
    /// <param name="command">The trainer.</param>
    /// <param name="steps">How many.</param>
    /// <param name="metrics">The metrics of a step, as members of a JSON object.</param>
    /// <param name="settings">Settings, as members of a JSON object.</param>
    public string WriteRun(string name, string command, int steps, Func<int, string> metrics, string settings = "\"steps\": 60")
    {
        Write($"{name}/config.json", $$"""{"command": "{{command}}", "configuration": {{{settings}}}, "seed": 42, "device": "CPU, 2 threads", "versions": {"nativerlhf": "0.1.0"} }""");
        Write($"{name}/metrics.jsonl", string.Concat(Enumerable.Range(1, steps).Select(step => string.Create(CultureInfo.InvariantCulture, $"{{\"step\":{step},\"wall_seconds\":{step * 0.5},\"tokens\":{step * 1000},\"tokens_per_second\":2000,{metrics(step)}}}\n"))));
        return Of(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
