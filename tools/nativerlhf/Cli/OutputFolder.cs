namespace NativeRlhf.Runner.Cli;

/// <summary>Nothing that was written before is harmed: results go into new folders.</summary>
internal static class OutputFolder
{
    /// <exception cref="InputException">Something is there already.</exception>
    public static void MustBeNew(string path)
    {
        if (File.Exists(path)) throw new InputException($"{path}: is a file; choose another --out");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()) throw new InputException($"{path}: the folder exists and is not empty; choose another --out");
        MustBeWritable(path);
        if (Directory.Exists(path)) Directory.Delete(path);
    }

    /// <summary>Finds out before the work is done whether its result can be written; leaves nothing behind.</summary>
    /// <param name="path">A file or a folder that is to be made, with the folders above it.</param>
    /// <exception cref="InputException">It cannot be made.</exception>
    public static void MustBeWritable(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        while (!Path.Exists(folder)) folder = Path.GetDirectoryName(folder)!;
        try
        {
            using var probe = new FileStream(Path.Combine(folder, $".{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be written, because no file can be made in {folder}; choose another --out", exception);
        }
    }
}
