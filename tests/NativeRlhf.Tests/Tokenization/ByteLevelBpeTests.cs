using System.Text;
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

public class ByteLevelBpeTests
{
    private readonly ByteLevelBpe _bpe = TokenizerFixtures.Small();

    [Test]
    public void Any_text_comes_back_with_halves_of_surrogate_pairs_replaced() => TokenizerFixtures.ForAll(
        TokenizerFixtures.AnyText(), text => _bpe.Decode(_bpe.Encode(text)) == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));

    [Test]
    public void Any_bytes_come_back() => TokenizerFixtures.ForAll(
        TokenizerFixtures.AnyBytes(), bytes => _bpe.DecodeBytes(_bpe.EncodeBytes(bytes)).AsSpan().SequenceEqual(bytes));

    [Test]
    public void Text_and_its_bytes_have_the_same_ids() => TokenizerFixtures.ForAll(
        TokenizerFixtures.AnyText(), text => _bpe.Encode(text).SequenceEqual(_bpe.EncodeBytes(Encoding.UTF8.GetBytes(text))));

    [Test]
    public void Streaming_gives_what_decoding_gives() => TokenizerFixtures.ForAll(TokenizerFixtures.AnyBytes(), bytes =>
    {
        int[] ids = _bpe.EncodeBytes(bytes);
        StreamingDecoder decoder = _bpe.CreateStreamingDecoder();
        string streamed = string.Concat(ids.Select(decoder.Append)) + decoder.Flush();
        return streamed == _bpe.Decode(ids);
    });

    [Test]
    public void Streaming_holds_bytes_back_until_a_character_is_complete()
    {
        int[] ids = [.. "a\u20ac"u8.ToArray().Select(b => _bpe.EncodeBytes([b])[0])];
        StreamingDecoder decoder = _bpe.CreateStreamingDecoder(skipSpecialTokens: true);

        Assert.That(ids.Select(decoder.Append), Is.EqualTo(new[] { "a", "", "", "\u20ac" }));
        Assert.That(decoder.Append(_bpe.EndOfText!.Value), Is.Empty);
        Assert.That(decoder.Append(ids[1]), Is.Empty);
        Assert.That(decoder.Flush(), Is.EqualTo("\ufffd"));
        Assert.That(decoder.Append(ids[0]), Is.EqualTo("a"), "ready for the next sequence");
    }

    [Test]
    public void Merging_words_of_any_length_follows_the_definition() => TokenizerFixtures.ForAll(
        Arb.From(Gen.Elements('a', 'b', 't', 'h', 'e').ListOf().Resize(300).Select(letters => string.Concat(letters.Concat(letters)))),
        word => _bpe.Encode(word).SequenceEqual(MergeByDefinition(word)));

    [Test]
    public void Special_tokens_in_text_are_text_unless_asked_for()
    {
        const string Text = "the cat<|endoftext|><|user|>the mat<|user|>s";
        int end = _bpe.EndOfText!.Value;
        int[] plain = _bpe.Encode(Text);
        int[] recognized = _bpe.Encode(Text, recognizeSpecialTokens: true);

        Assert.That(plain.Any(_bpe.IsSpecial), Is.False);
        Assert.That(_bpe.Decode(plain), Is.EqualTo(Text));
        // Of two tokens at one place the longer is taken.
        Assert.That(recognized, Is.EqualTo((int[])[.. _bpe.Encode("the cat"), end, end + 1, .. _bpe.Encode("the mat"), end + 2]));
        Assert.That(_bpe.Decode(recognized), Is.EqualTo(Text));
        Assert.That(_bpe.Decode(recognized, skipSpecialTokens: true), Is.EqualTo("the catthe mat"));
    }

    [Test]
    public void Ids_outside_the_vocabulary_decode_to_the_replacement_character() =>
        Assert.That(_bpe.Decode([_bpe.VocabularySize, -1, int.MaxValue]), Is.EqualTo("\ufffd\ufffd\ufffd"));

    [Test]
    public void Empty_text_has_no_tokens()
    {
        Assert.That(_bpe.Encode(""), Is.Empty);
        Assert.That(_bpe.EncodeBytes([], recognizeSpecialTokens: true), Is.Empty);
        Assert.That(_bpe.Decode([]), Is.Empty);
    }

    [Test]
    public void Saved_and_loaded_it_is_the_same()
    {
        using var folder = new TemporaryFolder();
        _bpe.Save(folder.File("new"));
        TextTokenizer again = TextTokenizer.Load(folder.File("new"));

        Assert.That(again, Is.InstanceOf<ByteLevelBpe>());
        Assert.That(((ByteLevelBpe)again).Merges, Is.EqualTo(_bpe.Merges));
        Assert.That(again.VocabularySize, Is.EqualTo(_bpe.VocabularySize));
        Assert.That(again.EndOfText, Is.EqualTo(_bpe.EndOfText));
        Assert.That(again.AddedTokens, Is.EqualTo(_bpe.AddedTokens));
        Assert.That(
            Enumerable.Range(0, again.VocabularySize).All(id => again.TokenBytes(id).SequenceEqual(_bpe.TokenBytes(id))));
        Assert.That(Directory.GetFiles(folder.File("new")).Select(Path.GetFileName), Is.EquivalentTo(new[] { "vocab.json", "merges.txt", "tokenizer_config.json" }));

        again.Save(folder.File("new"));
        Assert.That(TextTokenizer.Load(folder.File("new")).VocabularySize, Is.EqualTo(_bpe.VocabularySize), "saved over itself");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Reads_the_combined_file_with_merges_in_both_forms(bool pairs)
    {
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", Combined(_bpe, pairs).ToJsonString());
        TextTokenizer read = TextTokenizer.Load(folder.Path);

        Assert.That(read.EndOfText, Is.EqualTo(_bpe.EndOfText));
        Assert.That(read.AddedTokens, Is.EqualTo(_bpe.AddedTokens));
        TokenizerFixtures.ForAll(TokenizerFixtures.AnyText(), text =>
            read.Encode(text).SequenceEqual(_bpe.Encode(text)) && read.Encode(text, true).SequenceEqual(_bpe.Encode(text, true)));
    }

    [Test]
    public void Added_tokens_that_are_not_special_are_recognized_always()
    {
        using var folder = new TemporaryFolder();
        JsonNode combined = Combined(_bpe, pairs: true);
        combined["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = _bpe.VocabularySize, ["content"] = "cat and hat", ["special"] = false });
        folder.Write("tokenizer.json", combined.ToJsonString());
        TextTokenizer read = TextTokenizer.Load(folder.Path);

        Assert.That(read.Encode("a cat and hat!"), Is.EqualTo((int[])[.. _bpe.Encode("a "), _bpe.VocabularySize, .. _bpe.Encode("!")]));
        Assert.That(read.Decode([_bpe.VocabularySize], skipSpecialTokens: true), Is.EqualTo("cat and hat"));

        // The property survives being saved as vocab.json and merges.txt.
        using var saved = new TemporaryFolder();
        read.Save(saved.Path);
        Assert.That(TextTokenizer.Load(saved.Path).AddedTokens, Is.EqualTo(read.AddedTokens));
    }

    [Test]
    public void Added_tokens_and_end_of_text_are_found_where_other_tools_write_them()
    {
        using var folder = new TemporaryFolder();
        _bpe.Save(folder.Path);
        int size = _bpe.VocabularySize;
        folder.Write("tokenizer_config.json", """{"eos_token": {"content": "[END]"}, "model_max_length": 1024}""");
        folder.Write("added_tokens.json", $$"""{"<pad>": {{size + 1}}, "[END]": {{size}}}""");
        TextTokenizer read = TextTokenizer.Load(folder.Path);

        Assert.That(read.EndOfText, Is.EqualTo(size));
        Assert.That(read.VocabularySize, Is.EqualTo(size + 2));
        // <|user|>s is not in brackets and no longer declared: an ordinary token that no merge makes.
        Assert.That(read.AddedTokens.Select(t => t.Text), Is.EqualTo(new[] { "<|endoftext|>", "<|user|>", "[END]", "<pad>" }));
    }

    [Test]
    public void A_folder_without_tokenizer_has_none()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("tokenizer_config.json", """{"model_max_length": 1024}""");

        Assert.That(TextTokenizer.TryLoad(folder.Path), Is.Null);
        Assert.That(() => TextTokenizer.Load(folder.Path), Throws.TypeOf<InputException>().With.Message.Contains(folder.Path).And.Message.Contains("vocab.json"));
        Assert.That(() => TextTokenizer.TryLoad(folder.File("absent")), Throws.TypeOf<InputException>().With.Message.Contains("no such folder"));
    }

    [Test]
    public void Is_safe_for_concurrent_use()
    {
        string[] texts = [.. Enumerable.Range(0, 400).Select(i => $"the cat {i} sat on mat {i * 7919} aaaa bbbb caf\u00e9")];
        int[][] expected = [.. texts.Select(t => TokenizerFixtures.Small().Encode(t)).Take(20)];
        ByteLevelBpe fresh = TokenizerFixtures.Small();
        var found = new int[texts.Length][];
        Parallel.For(0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => found[i] = fresh.Encode(texts[i]));

        Assert.That(found.Take(20), Is.EqualTo(expected));
        Assert.That(found.Select(ids => fresh.Decode(ids)), Is.EqualTo(texts));
    }

    /// <summary>Hugging Face's form of a tokenizer.</summary>
    internal static JsonObject Combined(ByteLevelBpe bpe, bool pairs)
    {
        JsonObject vocabulary = [];
        for (int id = 0; id < bpe.VocabularySize; id++)
        {
            if (!bpe.IsSpecial(id))
                vocabulary[ByteAlphabet.ToText(bpe.TokenBytes(id))] = id;
        }

        IEnumerable<JsonNode> merges = bpe.Merges.Select(m => pairs ? (JsonNode)new JsonArray(m.Left, m.Right) : $"{m.Left} {m.Right}");
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. bpe.AddedTokens.Select(t => new JsonObject
            {
                ["id"] = t.Id,
                ["content"] = t.Text,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = t.IsSpecial,
            })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = false },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges]),
            },
        };
    }

    /// <summary>Merges of one word as the definition says: all occurrences of the best pair, then the next one.</summary>
    private IEnumerable<int> MergeByDefinition(string word)
    {
        List<string> parts = [.. word.Select(c => c.ToString())];
        foreach ((string left, string right) in _bpe.Merges)
        {
            for (int i = 0; i + 1 < parts.Count; i++)
            {
                if (parts[i] == left && parts[i + 1] == right)
                {
                    parts[i] += right;
                    parts.RemoveAt(i + 1);
                }
            }
        }

        return parts.Select(part => Enumerable.Range(0, _bpe.VocabularySize).First(id => _bpe.TokenBytes(id).SequenceEqual(Encoding.ASCII.GetBytes(part))));
    }
}
