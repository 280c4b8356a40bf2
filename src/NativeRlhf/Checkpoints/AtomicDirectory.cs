namespace NativeRlhf.Checkpoints;

/// <summary>
/// Writes folders that appear complete or not at all: filled beside their place under another name, synced, then renamed.
/// </summary>
public static class AtomicDirectory
{
    private const string ReplacedSuffix = ".replaced";

    /// <summary>
    /// Writes a folder. One that is there already is replaced: it is moved aside, the new one takes its place, and then it is deleted. If the
    /// process is killed between the two renames, <see cref="Recover"/> puts it back.
    /// </summary>
    /// <param name="path">Where the folder belongs; its parent is made if it is absent.</param>
    /// <param name="fill">Writes the content into the empty folder that it is given.</param>
    /// <exception cref="IOException">It could not be written (no space, say); the message names the path.</exception>
    public static void Write(string path, Action<string> fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        string target = FullPath(path);
        string parent = Path.GetDirectoryName(target) ?? throw new ArgumentException($"{path}: not a place for a folder", nameof(path));
        string temporary = AtomicFile.TemporaryFor(target);
        string aside = Aside(target);
        AtomicFile.Guarded(path, () =>
        {
            Directory.CreateDirectory(parent);
            Recover(target);
            Directory.CreateDirectory(temporary);
            fill(temporary);
            DiskSync.Tree(temporary);
            bool replaces = Directory.Exists(target);
            if (replaces)
                Directory.Move(target, aside);
            try
            {
                Directory.Move(temporary, target);
            }
            catch when (replaces)
            {
                Directory.Move(aside, target);
                throw;
            }
            DiskSync.Folder(parent);
            if (replaces)
                Directory.Delete(aside, recursive: true);
        }, () =>
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        });
    }

    /// <summary>
    /// Finishes what a killed process began: a folder that was moved aside goes back if nothing took its place, and is deleted
    /// otherwise.
    /// </summary>
    /// <param name="path">Where the folder belongs.</param>
    public static void Recover(string path)
    {
        string target = FullPath(path);
        string aside = Aside(target);
        if (!Directory.Exists(aside))
            return;
        if (Directory.Exists(target))
            Directory.Delete(aside, recursive: true);
        else
            Directory.Move(aside, target);
    }

    /// <summary>Removes a folder so that no part of it is ever seen in its place.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">It could not be removed.</exception>
    public static void Delete(string path)
    {
        string aside = AtomicFile.TemporaryFor(FullPath(path));
        Directory.Move(path, aside);
        Directory.Delete(aside, recursive: true);
    }

    private static string FullPath(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    private static string Aside(string target) =>
        Path.Combine(Path.GetDirectoryName(target) ?? "", $".{Path.GetFileName(target)}{ReplacedSuffix}");
}
