using NativeRlhf.Tests.Tokenization;

namespace NativeRlhf.Tests;

/// <summary>Tests that write files: each has a folder of its own, which is gone after it.</summary>
public abstract class FolderTests
{
    private protected TemporaryFolder Folder { get; private set; } = null!;

    [SetUp]
    public void MakeFolder() => Folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => Folder.Dispose();
}
