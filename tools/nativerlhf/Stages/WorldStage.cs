using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Stages;

/// <summary>The data of a small world, as <see cref="Miniature.WorldFiles"/> names the files.</summary>
/// <param name="folder">Where they lie.</param>
internal sealed class WorldStage(string folder)
{
    public string Web => Path.Combine(folder, "web.jsonl");

    public string WebHeldOut => Path.Combine(folder, "web-held-out.jsonl");

    public string Demonstrations => Path.Combine(folder, "demonstrations.jsonl");

    public string Prompts => Path.Combine(folder, "prompts.jsonl");

    /// <summary>A byte-level BPE of the web text.</summary>
    public TextTokenizer TrainTokenizer(int vocabularySize) =>
        BpeTrainer.Train(RowReader.Documents(Web).Select(document => document.Content.Text!), new BpeTrainerOptions { VocabularySize = vocabularySize });

    /// <summary>Writes the lines of a file, and describes it.</summary>
    public static string WriteLines(string file, IReadOnlyCollection<string> lines)
    {
        AtomicFile.WriteText(file, string.Concat(lines.Select(line => line + "\n")));
        return $"{Path.GetFileName(file)}: {lines.Count:N0} rows";
    }
}
