namespace NativeRlhf.Checkpoints;

/// <summary>
/// Writes files that appear complete or not at all: beside their place under another name, synced, then renamed. Whatever
/// happens in between, the file that was there before stays as it was.
/// </summary>
public static class AtomicFile
{
    /// <summary>How the names of unfinished files and folders end; they begin with a dot.</summary>
    internal const string TemporarySuffix = ".tmp";

    /// <summary>Writes or replaces a file.</summary>
    /// <param name="path">Where it belongs; its folder is made if it is absent.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">It could not be written (no space, say); the message names the path.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string target = Path.GetFullPath(path);
        string temporary = TemporaryFor(target);
        Guarded(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
            DiskSync.Folder(Path.GetDirectoryName(target)!);
        }, () => File.Delete(temporary));
    }

    /// <summary>Writes or replaces a text file, in UTF-8.</summary>
    /// <param name="path">Where it belongs.</param>
    /// <param name="text">The content.</param>
    /// <exception cref="IOException">It could not be written; the message names the path.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>A name in the same folder, hence on the same disk, that nothing else has.</summary>
    internal static string TemporaryFor(string target) =>
        Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}{TemporarySuffix}");

    /// <summary>Removes what a killed process left unfinished in a folder.</summary>
    internal static void RemoveLeftovers(string directory)
    {
        foreach (string file in Directory.EnumerateFiles(directory, ".*" + TemporarySuffix))
            File.Delete(file);
        foreach (string folder in Directory.EnumerateDirectories(directory, ".*" + TemporarySuffix))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Runs the work; if it fails, cleans up and names the path.</summary>
    internal static void Guarded(string path, Action work, Action cleanUp)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            try
            {
                cleanUp();
            }
            catch (Exception second) when (second is IOException or UnauthorizedAccessException)
            {
                // What went wrong first is what matters; a leftover has a name that tells what it is.
            }
            // A limit on file sizes (EFBIG) is reported as an argument out of range, though no argument of ours is.
            if (e is not (IOException or UnauthorizedAccessException or ArgumentOutOfRangeException { ParamName: "value" }))
                throw;
            // A folder's failure is that of a file in it, which has been reworded already: the cause is told once.
            Exception cause = e;
            while (cause.InnerException is IOException or UnauthorizedAccessException)
                cause = cause.InnerException;
            throw new IOException($"{path}: could not be written: {cause.Message.Split(" (Parameter")[0]}", e);
        }
    }
}
