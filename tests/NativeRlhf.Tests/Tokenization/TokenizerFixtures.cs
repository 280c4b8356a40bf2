using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

/// <summary>Folders, files and generators that the tests of tokenizers share.</summary>
internal static class TokenizerFixtures
{
    /// <summary>Checks a property on 100 generated values, the same ones each time.</summary>
    public static void ForAll<T>(Arbitrary<T> values, Func<T, bool> holds) =>
        Check.One(Config.QuickThrowOnFailure.WithReplay(20220304, 1155), Prop.ForAll(values, holds));

    /// <summary>A folder that holds GPT-2's vocabulary under the names of a model directory.</summary>
    public static void CopyGpt2To(string folder)
    {
        File.Copy(TestFiles.Shared("gpt2-tokenizer/encoder.json"), Path.Combine(folder, "vocab.json"));
        File.Copy(TestFiles.Shared("gpt2-tokenizer/vocab.bpe"), Path.Combine(folder, "merges.txt"));
    }

    /// <summary>A small tokenizer trained on words whose merges the tests can foresee.</summary>
    public static ByteLevelBpe Small() => BpeTrainer.Train(
        [
            "the cat sat on the mat, the hat that the cat had sat on; it's the cat's hat",
            "don't think that the thing is in the thicket\n\n  indented  text 123 123 123",
            "caf\u00e9 caf\u00e9 \u4f60\u597d \u4f60\u597d \U0001f600\U0001f600 aaaaaaaaaaaaaaaa abababababab",
        ],
        new BpeTrainerOptions { VocabularySize = 400, SpecialTokens = ["<|user|>", "<|user|>s"] });

    /// <summary>Any UTF-16, halves of surrogate pairs among it, with a bias to what tokenizers treat specially.</summary>
    public static Arbitrary<string> AnyText() => Arb.From(
        Gen.OneOf(
            Gen.Elements(" ", "  ", "\n", "\r\n", "\t", "'s", "'re", "'", "the", "cat", "1", "23", "!", "\u00a0", "\u0301", "\u4f60", "\U0001f600", "\u200d", "\ud83d", "\ude00", "<|endoftext|>"),
            Gen.Choose(0, 0xFFFF).Select(c => ((char)c).ToString()),
            Gen.Choose(0x10000, 0x10FFFF).Select(char.ConvertFromUtf32))
        .ListOf().Select(string.Concat));

    /// <summary>Any bytes, many of them parts of UTF-8 sequences.</summary>
    public static Arbitrary<byte[]> AnyBytes() => Arb.From(
        Gen.OneOf(
            Gen.Choose(0, 255).Select(b => new[] { (byte)b }),
            Gen.Elements(" ", "a", "the", "\u00e9", "\u4f60", "\U0001f600").Select(Encoding.UTF8.GetBytes),
            Gen.Elements<byte[]>([0xF0, 0x9F], [0xE4, 0xBD], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5]))
        .ListOf().Select(parts => parts.SelectMany(p => p).ToArray()));
}

/// <summary>A folder that is removed at the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Write(string name, string text) => System.IO.File.WriteAllText(File(name), text);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
