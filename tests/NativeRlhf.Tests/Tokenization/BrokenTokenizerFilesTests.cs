using System.Text;
using System.Text.Json.Nodes;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

/// <summary>Whatever is wrong with the files of a tokenizer is one line that names the file and the place.</summary>
public class BrokenTokenizerFilesTests
{
    private readonly ByteLevelBpe _bpe = TokenizerFixtures.Small();

    private static readonly object[][] _vocabularyFaults =
    [
        [(Action<JsonObject>)(v => v.Remove("a")), "no token for the byte 0x61 (\"a\")"],
        [(Action<JsonObject>)(v => v["a"] = 5), "both have id 5"],
        [(Action<JsonObject>)(v => v["a"] = 100_000), "has id 100000 and id 64 is missing"],
        [(Action<JsonObject>)(v => v["a"] = -1), "\"a\" must be a token id (an integer from 0), not -1"],
        [(Action<JsonObject>)(v => v["a"] = 1.5), "\"a\" must be a token id"],
        [(Action<JsonObject>)(v => v["a"] = "64"), "\"a\" must be a token id"],
        [(Action<JsonObject>)(v => v["a"] = null), "\"a\" must be a token id"],
        [(Action<JsonObject>)(v => v["\u4f60"] = v.Count), "the token \"\u4f60\" is not written in the byte alphabet"],
        [(Action<JsonObject>)(v => v["two words"] = v.Count), "the token \"two words\" is not written in the byte alphabet"],
        [(Action<JsonObject>)(v => v[""] = v.Count), "the token \"\" is not written in the byte alphabet"],
    ];

    [TestCaseSource(nameof(_vocabularyFaults))]
    public void In_the_vocabulary(Action<JsonObject> damage, string expected)
    {
        using TemporaryFolder folder = Saved();
        JsonObject vocabulary = JsonNode.Parse(File.ReadAllText(folder.File("vocab.json")))!.AsObject();
        damage(vocabulary);
        folder.Write("vocab.json", vocabulary.ToJsonString());
        Fails(folder, "vocab.json: ", expected);
    }

    [TestCase("{\"a\": 1,\n\"b\": }", "vocab.json:2: ", "not valid JSON")]
    [TestCase("", "vocab.json:1: ", "not valid JSON")]
    [TestCase("[\"a\"]", "vocab.json: ", "expected a JSON object")]
    [TestCase("{\"a\": 0, \"b\": 1, \"a\": 2}", "vocab.json: ", "the key \"a\" comes twice")]
    [TestCase("{\"\\ud800\": 0}", "vocab.json: ", "surrogate")]
    [TestCase("{}", "vocab.json: ", "no token for the byte 0x21")]
    public void In_the_form_of_the_vocabulary(string text, string place, string expected)
    {
        using TemporaryFolder folder = Saved();
        folder.Write("tokenizer_config.json", "{}");
        folder.Write("vocab.json", text);
        Fails(folder, place, expected);
    }

    [TestCase("a", "expected two tokens separated by one space, found \"a\"")]
    [TestCase("a b c", "expected two tokens separated by one space")]
    [TestCase("a  b", "expected two tokens separated by one space")]
    [TestCase(" a", "expected two tokens separated by one space")]
    [TestCase("zzz a", "the merge \"zzz a\" needs the token \"zzz\", which the vocabulary lacks")]
    [TestCase("z q", "the merge \"z q\" needs the token \"zq\", which the vocabulary lacks")]
    public void In_the_merges(string line, string expected)
    {
        using TemporaryFolder folder = Saved();
        string[] lines = File.ReadAllLines(folder.File("merges.txt"));
        folder.Write("merges.txt", string.Join("\r\n", [.. lines[..3], line, .. lines[3..]]));
        Fails(folder, "merges.txt:4: ", expected);
    }

    [Test]
    public void In_the_order_of_the_merges()
    {
        using TemporaryFolder folder = Saved();
        string[] lines = File.ReadAllLines(folder.File("merges.txt"));
        folder.Write("merges.txt", string.Join('\n', [.. lines, "", lines[1]]));
        Fails(folder, $"merges.txt:{lines.Length + 2}: ", "comes twice");
    }

    [Test]
    public void In_the_encoding_of_a_file()
    {
        using TemporaryFolder folder = Saved();
        File.WriteAllBytes(folder.File("merges.txt"), [.. "#version: 0.2\na b\nc "u8, 0xFF, .. "\n"u8]);
        Fails(folder, "merges.txt:3: ", "not UTF-8");
    }

    [Test]
    public void Byte_order_marks_and_carriage_returns_are_accepted()
    {
        using TemporaryFolder folder = Saved();
        foreach (string name in new[] { "vocab.json", "merges.txt" })
            File.WriteAllText(folder.File(name), File.ReadAllText(folder.File(name)).ReplaceLineEndings("\r\n"), new UTF8Encoding(true));
        Assert.That(((ByteLevelBpe)TextTokenizer.Load(folder.Path)).Merges, Is.EqualTo(_bpe.Merges));
    }

    [TestCase("vocab.json", "merges.txt")]
    [TestCase("merges.txt", "vocab.json")]
    public void One_file_of_two_is_not_enough(string kept, string removed)
    {
        using TemporaryFolder folder = Saved();
        File.Delete(folder.File(removed));
        Fails(folder, kept, removed);
    }

    [TestCase("""{"add_prefix_space": true}""", "\"add_prefix_space\" is true, which is not supported")]
    [TestCase("""{"add_bos_token": true}""", "\"add_bos_token\"")]
    [TestCase("""{"eos_token": "</s>"}""", "\"eos_token\" is \"</s>\", which the vocabulary lacks")]
    [TestCase("""{"eos_token": 3}""", "\"eos_token\" must be a string")]
    [TestCase("""{"added_tokens_decoder": {"x": {"content": "y"}}}""", "the key \"x\" is no token id")]
    [TestCase("""{"added_tokens_decoder": {"5": {}}}""", "added_tokens_decoder.5")]
    [TestCase("""{"added_tokens_decoder": {"5": {"content": "<pad>", "lstrip": true}}}""", "added_tokens_decoder.5.lstrip")]
    [TestCase("""{"added_tokens_decoder": {"5": {"content": "<|endoftext|>"}}}""", "and id 5 as an added token")]
    [TestCase("""{"added_tokens_decoder": {"5": {"content": "<pad>"}}}""", "both have id 5")]
    public void In_the_settings(string config, string expected)
    {
        using TemporaryFolder folder = Saved();
        folder.Write("tokenizer_config.json", config);
        Fails(folder, folder.Path, expected);
    }

    [TestCase("model.type", "\"Unigram\"", "\"model.type\" is Unigram")]
    [TestCase("model.dropout", "0.1", "\"model.dropout\" is 0.1")]
    [TestCase("model.byte_fallback", "true", "\"model.byte_fallback\"")]
    [TestCase("model.ignore_merges", "true", "\"model.ignore_merges\"")]
    [TestCase("model.end_of_word_suffix", "\"</w>\"", "\"model.end_of_word_suffix\" is </w>")]
    [TestCase("model.vocab", "null", "\"model.vocab\" is missing")]
    [TestCase("model.merges", "{}", "\"model.merges\" must be an array")]
    [TestCase("model.merges", "[[\"t\", \"h\"], [\"a\"]]", "\"model.merges[1]\" must be a pair")]
    [TestCase("model.merges", "[\"t h\", \"z q\"]", "\"model.merges[1]\": the merge \"z q\" needs the token \"zq\"")]
    [TestCase("normalizer", "{\"type\": \"NFC\"}", "\"normalizer\" is NFC")]
    [TestCase("pre_tokenizer", "null", "\"pre_tokenizer\" is none")]
    [TestCase("pre_tokenizer", "{\"type\": \"Metaspace\"}", "\"pre_tokenizer\" is Metaspace")]
    [TestCase("pre_tokenizer", "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\"}, {\"type\": \"ByteLevel\"}]}", "\"pre_tokenizer\" is Sequence")]
    [TestCase("pre_tokenizer.add_prefix_space", "true", "\"pre_tokenizer.add_prefix_space\" is true")]
    [TestCase("pre_tokenizer.use_regex", "false", "\"pre_tokenizer.use_regex\" is false")]
    [TestCase("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"</s>\"}}, {\"Sequence\": {\"id\": \"A\"}}]}", "\"post_processor\" is TemplateProcessing")]
    [TestCase("decoder", "{\"type\": \"WordPiece\"}", "\"decoder\" is WordPiece")]
    [TestCase("added_tokens", "[{\"id\": 0}]", "added_tokens[0]")]
    [TestCase("added_tokens", "[{\"content\": \"<pad>\"}]", "added_tokens[0]")]
    [TestCase("added_tokens", "[{\"id\": 0, \"content\": \"\"}]", "no text")]
    [TestCase("added_tokens", "[{\"id\": 0, \"content\": \"<pad>\", \"single_word\": true}]", "\"added_tokens[0].single_word\" is true")]
    [TestCase("model", "3", "\"model\"")]
    public void In_the_combined_file(string key, string value, string expected)
    {
        using var folder = new TemporaryFolder();
        JsonObject combined = ByteLevelBpeTests.Combined(_bpe, pairs: true);
        string[] path = key.Split('.');
        (path.Length == 1 ? combined : combined[path[0]]!)[path[^1]] = JsonNode.Parse(value);
        folder.Write("tokenizer.json", combined.ToJsonString());
        Fails(folder, "tokenizer.json: ", expected);
    }

    [Test]
    public void A_sequence_of_one_step_and_a_template_that_adds_nothing_are_accepted()
    {
        using var folder = new TemporaryFolder();
        JsonObject combined = ByteLevelBpeTests.Combined(_bpe, pairs: true);
        combined["pre_tokenizer"] = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(combined["pre_tokenizer"]!.DeepClone()) };
        combined["post_processor"] = JsonNode.Parse("""{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}]}""");
        folder.Write("tokenizer.json", combined.ToJsonString());
        Assert.That(TextTokenizer.Load(folder.Path).Encode("the cat"), Is.EqualTo(_bpe.Encode("the cat")));
    }

    [Test]
    public void A_tokenizer_is_not_saved_beside_another_ones_files()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", "{}");
        Assert.That(() => _bpe.Save(folder.Path), Throws.TypeOf<InputException>().With.Message.Contains("tokenizer.json"));
        using TemporaryFolder bpe = Saved();
        Assert.That(() => new CharTokenizer("ab").Save(bpe.Path), Throws.TypeOf<InputException>().With.Message.Contains("vocab.json"));
        Assert.That(TextTokenizer.Load(bpe.Path), Is.InstanceOf<ByteLevelBpe>(), "nothing was harmed");
    }

    /// <summary>Every prefix of a file is an error or a smaller vocabulary's error, never another exception.</summary>
    [Test]
    public void Truncated_files_end_in_an_input_error()
    {
        using TemporaryFolder folder = Saved();
        byte[] whole = File.ReadAllBytes(folder.File("vocab.json"));
        for (int length = 0; length < whole.Length; length += 97)
        {
            File.WriteAllBytes(folder.File("vocab.json"), whole[..length]);
            Fails(folder, "vocab.json:", "");
        }
    }

    private TemporaryFolder Saved()
    {
        var folder = new TemporaryFolder();
        _bpe.Save(folder.Path);
        return folder;
    }

    private static void Fails(TemporaryFolder folder, string place, string expected)
    {
        InputException error = Assert.Throws<InputException>(() => TextTokenizer.TryLoad(folder.Path))!;
        Assert.That(error.Message, Does.StartWith(folder.Path).And.Contain(place).And.Contain(expected).And.Not.Contain("\n"));
    }
}
