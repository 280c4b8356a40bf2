using NativeRlhf.Checkpoints;
using NativeRlhf.Miniature;

namespace NativeRlhf.Runner.Cli;

/// <summary>Writes the data files of a world.</summary>
internal static class WorldFolder
{
    /// <summary>Writes files into a folder; each appears complete or not at all.</summary>
    /// <param name="folder">The folder; it is made if it is absent.</param>
    /// <param name="files">Which files.</param>
    /// <returns>A line for the screen about each, when it is written: its name, its rows, and what it is for.</returns>
    /// <exception cref="InputException">The world is too small for what is asked of it.</exception>
    public static IEnumerable<string> Write(string folder, IEnumerable<WorldFile> files)
    {
        // All texts are made before the first is written: a world that is too small for one of them leaves no folder behind.
        foreach (var (file, (text, lines)) in files.Select(file => (file, Content(file))).ToArray())
        {
            AtomicFile.WriteText(Path.Combine(folder, file.Name), text);
            yield return $"{file.Name}: {(file.Name.EndsWith(".jsonl", StringComparison.Ordinal) ? $"{lines:N0} rows" : $"{text.Length:N0} characters")}, {file.Use}";
        }
    }

    private static (string Text, int Lines) Content(WorldFile file)
    {
        try
        {
            return file.Content();
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw new InputException($"{file.Name}: {exception.Message.Split(" (Parameter")[0]}", exception);
        }
    }
}
