using System.Text;
using System.Text.Json;
using FsCheck.Fluent;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

public class CharTokenizerTests
{
    [Test]
    public void Ids_are_places_in_the_alphabet()
    {
        var tokenizer = new CharTokenizer("ba\n\U0001f600\u00e9", endOfText: "<end>");
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(6));
        Assert.That(tokenizer.EndOfText, Is.EqualTo(5));
        Assert.That(tokenizer.Encode("ab\u00e9\U0001f600\n"), Is.EqualTo(new[] { 1, 0, 4, 3, 2 }));
        Assert.That(tokenizer.Decode([3, 0, 4]), Is.EqualTo("\U0001f600b\u00e9"));
        Assert.That(tokenizer.Encode("a<end>", recognizeSpecialTokens: true), Is.EqualTo(new[] { 1, 5 }).AsCollection);
        Assert.That(tokenizer.Decode([6, 168]), Is.EqualTo("\ufffd\ufffd"));
    }

    [Test]
    public void Characters_outside_the_alphabet_are_named()
    {
        var tokenizer = new CharTokenizer("abc ");
        Assert.That(() => tokenizer.Encode("abc \u00e9"), Throws.TypeOf<InputException>().With.Message.Contains("'\u00e9' (U+00E9)").And.Message.Contains("byte 4"));
        Assert.That(() => tokenizer.Encode("a\tb"), Throws.TypeOf<InputException>().With.Message.Contains("U+0009"));
        Assert.That(() => tokenizer.EncodeBytes([(byte)'a', 0xFF]), Throws.TypeOf<InputException>().With.Message.Contains("0xFF"));
        Assert.That(() => tokenizer.Encode("\ud800"), Throws.TypeOf<InputException>().With.Message.Contains("U+FFFD"));
    }

    [Test]
    public void With_an_unknown_token_nothing_is_outside()
    {
        var tokenizer = new CharTokenizer("abc", unknown: "<?>");
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(5));
        Assert.That(tokenizer.Encode("a\u4f60c"), Is.EqualTo(new[] { 0, 4, 2 }));
        Assert.That(tokenizer.Decode([0, 4, 2]), Is.EqualTo("a<?>c"));
    }

    [Test]
    public void Trained_on_a_text_it_encodes_that_text_without_loss() => TokenizerFixtures.ForAll(
        Arb.From(TokenizerFixtures.AnyText().Generator.Where(text => text.Length > 0)),
        text =>
        {
            string paired = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            var tokenizer = CharTokenizer.Train([text]);
            int[] ids = tokenizer.Encode(text);
            return tokenizer.Decode(ids) == paired && ids.Length == paired.EnumerateRunes().Count();
        });

    [Test]
    public void Saved_and_loaded_it_is_the_same()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = CharTokenizer.Train(["b\"a\\\n\u0001\U0001f600\u2028"], endOfText: "<end>", unknown: "<?>");
        tokenizer.Save(folder.Path);
        var again = (CharTokenizer)TextTokenizer.Load(folder.Path);

        Assert.That(again.Alphabet, Is.EqualTo(tokenizer.Alphabet));
        Assert.That(again.AddedTokens, Is.EqualTo(tokenizer.AddedTokens));
        Assert.That(again.EndOfText, Is.EqualTo(tokenizer.EndOfText));
    }

    [Test]
    public void Describes_the_alphabet_of_a_public_character_model()
    {
        string file = TestFiles.Shared("tinystories-char-gpt/reference_logits.json");
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(file));
        // Tab, line feed, ASCII from space to W, eight of the nine characters up to the lower-case letters, the rest.
        string alphabet = "\t\n" + Ascii(' ', 'W') + Ascii('X', '_') + Ascii('a', '~');
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", JsonSerializer.Serialize(new { type = "char", alphabet }));
        TextTokenizer tokenizer = TextTokenizer.Load(folder.Path);

        int[] ids = [.. reference.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
        Assert.That(tokenizer.Encode(reference.RootElement.GetProperty("text").GetString()!), Is.EqualTo(ids));
        Assert.That(tokenizer.EndOfText, Is.Null);
        Assert.That(tokenizer.Decode([.. ids[..4], 168]), Is.EqualTo("Once\ufffd"));

        static string Ascii(char first, char last) => string.Concat(Enumerable.Range(first, last - first + 1).Select(c => (char)c));
    }

    [TestCase("""{"type": "char"}""", "\"alphabet\" is missing")]
    [TestCase("""{"type": "char", "alphabet": ["a"]}""", "\"alphabet\" must be a string")]
    [TestCase("""{"type": "char", "alphabet": ""}""", "is empty")]
    [TestCase("""{"type": "char", "alphabet": "abca"}""", "'a' (U+0061) twice, as id 0 and as id 3")]
    [TestCase("""{"type": "char", "alphabet": "a\ud800b"}""", "surrogate")]
    [TestCase("""{"type": "char", "alphabet": "ab", "eos_token": "x", "unk_token": "x"}""", "different")]
    [TestCase("""{"type": "word", "alphabet": "ab"}""", "\"word\"")]
    [TestCase("""{"type": "char", "alphabet": "ab" """, "tokenizer_config.json:1:")]
    [TestCase("[1]", "JSON object")]
    public void Broken_configurations_are_named(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer_config.json", config);
        Assert.That(
            () => TextTokenizer.TryLoad(folder.Path),
            Throws.TypeOf<InputException>().With.Message.Contains(expected).And.Message.Contains(folder.File("tokenizer_config.json")).And.Message.Not.Contains("\n"));
    }

    [Test]
    public void Nothing_to_train_on_is_an_error() =>
        Assert.That(() => CharTokenizer.Train([""]), Throws.TypeOf<InputException>());
}
