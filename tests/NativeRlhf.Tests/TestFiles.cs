namespace NativeRlhf.Tests;

/// <summary>Files that tests read where they lie.</summary>
internal static class TestFiles
{
    private static readonly string? Root = FindRoot();

    /// <summary>A file or folder of the repository.</summary>
    /// <param name="path">Its path below the folder that holds NativeRlhf.sln.</param>
    public static string Repository(string path) =>
        Path.Combine(Root ?? throw new DirectoryNotFoundException("the tests run outside of the repository"), path);

    /// <summary>A file or folder below ../shared/data of the repository; the test is skipped where it is absent.</summary>
    /// <param name="path">Its path below shared/data.</param>
    public static string Shared(string path)
    {
        string found = Repository(Path.Combine("..", "shared", "data", path));
        if (!Path.Exists(found)) Assert.Ignore($"shared/data/{path} is absent");
        return found;
    }

    private static string? FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "NativeRlhf.sln"))) folder = Path.GetDirectoryName(folder);
        return folder;
    }
}
