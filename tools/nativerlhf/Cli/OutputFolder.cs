namespace NativeRlhf.Runner.Cli;

/// <summary>Nothing that was written before is harmed: results go into new folders.</summary>
internal static class OutputFolder
{
    /// <exception cref="InputException">Something is there already.</exception>
    public static void MustBeNew(string path)
    {
        if (File.Exists(path)) throw new InputException($"{path}: is a file; choose another --out");
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()) throw new InputException($"{path}: the folder exists and is not empty; choose another --out");
        if (Directory.Exists(path)) Directory.Delete(path);
    }
}
