using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Miniature;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Stages;

/// <summary>How much data of a world are written.</summary>
/// <param name="PretrainingTokens">About how many tokens of web text; a twenty-fifth of it is held out besides.</param>
/// <param name="Demonstrations">Demonstrations.</param>
/// <param name="Prompts">Prompts for PPO; the first of them are those of the demonstrations.</param>
/// <param name="TestPrompts">Prompts of users that nobody trains on.</param>
internal sealed record WorldAmounts(int PretrainingTokens, int Demonstrations, int Prompts, int TestPrompts);

/// <summary>The data of a small world as files that every trainer reads.</summary>
/// <param name="folder">Where they lie.</param>
internal sealed class WorldStage(string folder)
{
    public string Web => Place("web.jsonl");

    public string WebHeldOut => Place("web-held-out.jsonl");

    public string Demonstrations => Place("demonstrations.jsonl");

    public string Prompts => Place("prompts.jsonl");

    public string TestPrompts => Place("test-prompts.jsonl");

    /// <summary>Writes the files, and says a line about each.</summary>
    public void Write(World world, Instructions instructions, WorldAmounts amounts, Action<string> say)
    {
        var demonstrator = new Demonstrator(world);
        Lines(Web, world.WebDocuments(Miniature.Split.Train, amounts.PretrainingTokens).Select(Document));
        Lines(WebHeldOut, world.WebDocuments(Miniature.Split.Test, amounts.PretrainingTokens / 25).Select(Document));
        Lines(Demonstrations, instructions.Sample(amounts.Demonstrations, Miniature.Split.Train)
            .Select(instruction => instruction.ToDemonstrationRow(demonstrator.Answer(instruction))));
        Lines(Prompts, instructions.Sample(amounts.Prompts, Miniature.Split.Train).Select(instruction => instruction.ToRow()));
        Lines(TestPrompts, instructions.Sample(amounts.TestPrompts, Miniature.Split.Test).Select(instruction => instruction.ToRow()));

        void Lines(string file, IEnumerable<string> lines) => say($"{Path.GetFileName(folder)}/{WriteLines(file, lines)}");

        static string Document(string text) => new JsonObject { ["text"] = text }.ToJsonString(JsonStyle.Line);
    }

    /// <summary>A byte-level BPE of the web text.</summary>
    public TextTokenizer TrainTokenizer(int vocabularySize) =>
        BpeTrainer.Train(RowReader.Documents(Web).Select(document => document.Content.Text!), new BpeTrainerOptions { VocabularySize = vocabularySize });

    /// <summary>Writes the lines of a file, and describes it.</summary>
    public static string WriteLines(string file, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        AtomicFile.WriteText(file, string.Concat(all.Select(line => line + "\n")));
        return $"{Path.GetFileName(file)}: {all.Length:N0} rows";
    }

    private string Place(string name) => Path.Combine(folder, name);
}
