using System.Text;

namespace NativeRlhf.Runner.Tests;

/// <summary>A temporary folder with a tokenizer, a tiny model and a few rows of every kind.</summary>
internal sealed class TinyWorkspace : IDisposable
{
    public TinyWorkspace()
    {
        Folder = Directory.CreateTempSubdirectory("nativerlhf-").FullName;
        string text = string.Concat(Enumerable.Range(0, 40).Select(i => $"the {(i % 2 == 0 ? "cat" : "dog")} sat on mat {i % 7}.\n"));
        Write("text.txt", text);
        Write("demonstrations.jsonl", Rows(i => $$"""{"prompt": "say {{i}}", "completion": " the cat sat."}"""));
        Write("comparisons.jsonl", Rows(i => $$"""{"prompt": "say {{i}}", "completions": [" the cat.", " dog dog", " mat"], "ranks": [1, 2, 2]}"""));
        Write("prompts.jsonl", Rows(i => $$"""{"prompt": "say {{i}}", "id": {{i}}}"""));
        Write("gpt.json", """{"n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 32, "vocab_size": 270}""");
    }

    public string Folder { get; }

    /// <summary>A workspace whose tokenizer and model are made, by the runner.</summary>
    public static TinyWorkspace WithModel()
    {
        var workspace = new TinyWorkspace();
        workspace.Must("tokenizer", "train", "--data", "text.txt", "--vocab-size", "270", "--out", "tokenizer");
        workspace.Must("init", "--config", "gpt.json", "--tokenizer", "tokenizer", "--out", "model");
        return workspace;
    }

    /// <summary>Makes the folders "large", a tokenizer of more tokens than the model has, and "mismatched", the model with that tokenizer.</summary>
    public void MakeMismatched()
    {
        Must("tokenizer", "train", "--data", "text.txt", "--vocab-size", "275", "--out", "large");
        Directory.CreateDirectory(Path("mismatched"));
        foreach (string source in new[] { "model", "large" })
            foreach (string file in Directory.GetFiles(Path(source))) File.Copy(file, Path($"mismatched/{System.IO.Path.GetFileName(file)}"), overwrite: true);
    }

    public string Path(string name) => System.IO.Path.Combine(Folder, name);

    public void Write(string name, string text) => File.WriteAllText(Path(name), text, new UTF8Encoding(false));

    public RunnerResult Run(params string[] arguments) => RunnerProcess.Run(Folder, arguments);

    /// <summary>Runs a command that must succeed.</summary>
    public RunnerResult Must(params string[] arguments)
    {
        var result = Run(arguments);
        Assert.That(result.ExitCode, Is.Zero, $"{string.Join(' ', arguments)}: {result.Error}");
        return result;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Rows(Func<int, string> row) => string.Concat(Enumerable.Range(0, 8).Select(i => row(i) + "\n"));
}
