using System.Runtime.InteropServices;

namespace NativeRlhf.Checkpoints;

/// <summary>Makes what was written survive a power failure.</summary>
internal static partial class DiskSync
{
    /// <summary>Writes a file's content through to the disk.</summary>
    public static void File(string path)
    {
        using var handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Writes every file below a folder and the folders themselves through to the disk.</summary>
    public static void Tree(string directory)
    {
        foreach (string file in Directory.EnumerateFiles(directory))
            File(file);
        foreach (string child in Directory.EnumerateDirectories(directory))
            Tree(child);
        Folder(directory);
    }

    /// <summary>
    /// Writes the names in a folder through to the disk, so that a rename survives. .NET has no call for it: POSIX systems have
    /// fsync on the folder, Windows does it with the rename. A file system that does not support it is left alone.
    /// </summary>
    public static void Folder(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Open(directory, 0); // O_RDONLY
        if (descriptor < 0)
            return;
        _ = Fsync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
