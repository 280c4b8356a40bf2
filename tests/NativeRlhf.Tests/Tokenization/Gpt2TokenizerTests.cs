using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

/// <summary>
/// GPT-2's own vocabulary, against ids that tests/golden/gpt2_tokenizer_cases.py derived from another formulation of
/// the algorithm and another file.
/// </summary>
public class Gpt2TokenizerTests
{
    private static readonly Lazy<JsonDocument> _golden = new(() => JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "golden", "gpt2_tokenizer_cases.json"))));

    private TextTokenizer _gpt2 = null!;

    [OneTimeSetUp]
    public void Load()
    {
        using var folder = new TemporaryFolder();
        TokenizerFixtures.CopyGpt2To(folder.Path);
        _gpt2 = TextTokenizer.Load(folder.Path);
    }

    [Test]
    public void Encodes_hard_cases_as_derived_independently()
    {
        int count = 0;
        Assert.Multiple(() =>
        {
            foreach (JsonElement one in _golden.Value.RootElement.GetProperty("cases").EnumerateArray())
            {
                string text = one.GetProperty("text").GetString()!;
                int[] expected = [.. one.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
                Assert.That(_gpt2.Encode(text), Is.EqualTo(expected), $"{one.GetProperty("name")}: {one.GetProperty("text").GetRawText()}");
                Assert.That(_gpt2.Decode(expected), Is.EqualTo(text));
                count++;
            }
        });
        Assert.That(count, Is.GreaterThan(350));
    }

    [Test]
    public void Encodes_books_as_derived_independently_and_without_loss()
    {
        string books = TestFiles.Shared("gutenberg");
        foreach (JsonProperty one in _golden.Value.RootElement.GetProperty("files").EnumerateObject())
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(books, one.Name));
            int[] ids = _gpt2.EncodeBytes(bytes);

            Assert.That(ids, Has.Length.EqualTo(one.Value.GetProperty("tokens").GetInt32()), one.Name);
            string digest = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(ids.AsSpan())));
            Assert.That(digest, Is.EqualTo(one.Value.GetProperty("sha256").GetString()), one.Name);
            Assert.That(_gpt2.DecodeBytes(ids).AsSpan().SequenceEqual(bytes), one.Name);
            Assert.That(_gpt2.Encode(Encoding.UTF8.GetString(bytes)).AsSpan().SequenceEqual(ids), one.Name);
        }
    }

    [Test]
    public void Has_the_published_size_and_end_of_text()
    {
        Assert.That(_gpt2.VocabularySize, Is.EqualTo(50257));
        Assert.That(_gpt2.EndOfText, Is.EqualTo(50256));
        Assert.That(_gpt2.AddedTokens, Is.EqualTo(new[] { new AddedToken(50256, "<|endoftext|>", true) }));
        Assert.That(_gpt2.Encode("a<|endoftext|>b", recognizeSpecialTokens: true), Is.EqualTo(new[] { 64, 50256, 65 }));
    }

    [Test]
    public void Any_text_comes_back() => TokenizerFixtures.ForAll(
        TokenizerFixtures.AnyText(), text => _gpt2.Decode(_gpt2.Encode(text)) == Paired(text));

    [Test]
    public void Any_bytes_come_back() => TokenizerFixtures.ForAll(
        TokenizerFixtures.AnyBytes(), bytes => _gpt2.DecodeBytes(_gpt2.EncodeBytes(bytes)).AsSpan().SequenceEqual(bytes));

    [Test]
    public void Long_runs_take_linear_time()
    {
        // Work that grows with the square of the length would take many minutes, not a fraction of the bound.
        var watch = Stopwatch.StartNew();
        foreach (string run in new[] { "a", "ab", " ", "\n", "!?", "1", "\u4f60", "a ", "'", "\U0001f600" })
        {
            string text = string.Concat(Enumerable.Repeat(run, 100_000 / run.Length));
            Assert.That(_gpt2.Decode(_gpt2.Encode(text)), Is.EqualTo(text));
        }

        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)));
    }

    [Test]
    public void Saved_vocabulary_is_the_same_again()
    {
        using var folder = new TemporaryFolder();
        _gpt2.Save(folder.Path);
        TextTokenizer again = TextTokenizer.Load(folder.Path);

        Assert.That(again.VocabularySize, Is.EqualTo(50257));
        Assert.That(again.EndOfText, Is.EqualTo(50256));
        Assert.That(again.Encode("Saved, and loaded again: caf\u00e9 \u4f60\u597d"), Is.EqualTo(_gpt2.Encode("Saved, and loaded again: caf\u00e9 \u4f60\u597d")));
        Assert.That(
            File.ReadAllText(folder.File("merges.txt")),
            Is.EqualTo(File.ReadAllText(TestFiles.Shared("gpt2-tokenizer/vocab.bpe"))));
    }

    /// <summary>What UTF-8 can hold of a text: halves of surrogate pairs become U+FFFD.</summary>
    private static string Paired(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
