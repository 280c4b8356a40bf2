using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

/// <summary>A folder of its own for every test, and what tests of files need besides.</summary>
public abstract class DataFixture
{
    protected string Folder { get; private set; } = "";

    [SetUp]
    public void MakeFolder() => Folder = Directory.CreateTempSubdirectory("nativerlhf-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(Folder, recursive: true);

    /// <summary>Writes a file; what ends in .gz is compressed.</summary>
    protected string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    protected string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, name.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(bytes) : bytes);
        return path;
    }

    protected static byte[] Gzip(byte[] bytes, CompressionLevel level = CompressionLevel.Optimal)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, level, leaveOpen: true))
            gzip.Write(bytes);
        return compressed.ToArray();
    }

    /// <summary>The one line that a bad input ends with.</summary>
    protected static string ErrorOf(Action action)
    {
        InputException error = Assert.Throws<InputException>(() => action())!;
        Assert.That(error.Message, Does.Not.Contain("\n"));
        return error.Message;
    }

    protected static string ErrorOf<T>(IEnumerable<T> rows) => ErrorOf(() => rows.Count());

    /// <summary>A property that is checked on the same cases in every run.</summary>
    protected static void ForAll<T>(Arbitrary<T> values, Func<T, bool> holds, int cases = 100) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases).WithQuietOnSuccess(true).WithReplay(20220304, 2155), Prop.ForAll(values, holds));

    /// <summary>A tokenizer with one token per byte, and 256 for the end of a text.</summary>
    protected sealed class Bytes : ITextEncoder
    {
        public int? EndOfText => 256;

        public int VocabularySize => 257;

        public int[] Encode(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];
    }
}
