using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace NativeRlhf.Tokenization;

/// <summary>
/// GPT-2's byte-level byte pair encoding. Text is cut into words by GPT-2's rule, the UTF-8 bytes of a word
/// are tokens at first, and neighbouring tokens are merged, the pair that was learned earliest first. Every byte is a
/// token, so that any text and any bytes are encoded and come back exactly.
/// <para>
/// A word is merged by Microsoft.ML.Tokenizers' BPE, which works on characters: it is handed the word's bytes in the
/// <see cref="ByteAlphabet"/>, in which the vocabulary is written. Results are kept, as words repeat. Cutting into
/// words is our own because .NET's regular expressions cannot express the rule (<see cref="Gpt2Splitter"/>), and so is
/// the merging of very long words, for which the package needs time that grows with the square of the length.
/// </para>
/// </summary>
public sealed class ByteLevelBpe : TextTokenizer
{
    private const int LongWord = 256;

    // Bounds the memory of the words that are kept; almost all of a text consists of words that come early.
    private const int LongestKeptWord = 32;
    private const int KeptWords = 1 << 16;

    private readonly Dictionary<string, int> _vocabulary;
    private readonly IReadOnlyList<(string Left, string Right)> _merges;
    private readonly BpeTokenizer _bpe;
    private readonly Lazy<LongWordMerger> _longWords;
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _words =
        new ConcurrentDictionary<string, int[]>().GetAlternateLookup<ReadOnlySpan<char>>();
    private int _wordCount;

    /// <summary>Checks and takes a vocabulary.</summary>
    /// <param name="vocabulary">The tokens that are not added ones, in the byte alphabet, and their ids.</param>
    /// <param name="merges">The pairs, best first.</param>
    /// <param name="addedTokens">Tokens of literal text.</param>
    /// <param name="endOfText">The text of the end-of-text token, or null for <c>&lt;|endoftext|&gt;</c> if there is one.</param>
    /// <param name="source">Where all of it comes from, for messages.</param>
    internal ByteLevelBpe(
        Dictionary<string, int> vocabulary,
        IReadOnlyList<(string Left, string Right)> merges,
        IReadOnlyList<AddedToken> addedTokens,
        string? endOfText,
        BpeSource source)
        : base(Tokens(vocabulary, addedTokens, source), addedTokens, FindEndOfText(vocabulary, addedTokens, endOfText, source))
    {
        CheckMerges(vocabulary, merges, source);
        _vocabulary = vocabulary;
        _merges = merges;

        using var vocabStream = new MemoryStream();
        JsonSerializer.Serialize(vocabStream, vocabulary);
        vocabStream.Position = 0;
        using var mergesStream = new MemoryStream();
        WriteMerges(mergesStream);
        mergesStream.Position = 0;
        _bpe = BpeTokenizer.Create(vocabStream, mergesStream, preTokenizer: null);
        _longWords = new(() => new LongWordMerger(vocabulary, merges));
    }

    /// <summary>The merges, best first: pairs of tokens written in the <see cref="ByteAlphabet"/>.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges => _merges;

    /// <summary>Writes <c>vocab.json</c>, <c>merges.txt</c> and <c>tokenizer_config.json</c> in the form that Hugging Face's libraries read.</summary>
    /// <inheritdoc/>
    public override void Save(string directory)
    {
        TokenizerFiles.Prepare(directory, TokenizerFiles.Combined, TokenizerFiles.Added);
        TokenizerFiles.WriteJson(Path.Combine(directory, TokenizerFiles.Config), json =>
        {
            json.WriteString("tokenizer_class", "GPT2Tokenizer");
            json.WriteBoolean("add_prefix_space", false);
            if (EndOfText is { } endOfText)
            {
                // GPT-2's one special token serves as all three.
                string text = Encoding.UTF8.GetString(TokenBytes(endOfText));
                json.WriteString("bos_token", text);
                json.WriteString("eos_token", text);
                json.WriteString("unk_token", text);
            }

            json.WriteStartObject("added_tokens_decoder");
            foreach (AddedToken token in AddedTokens)
            {
                json.WriteStartObject(token.Id.ToString());
                json.WriteString("content", token.Text);
                foreach (string flag in new[] { "lstrip", "normalized", "rstrip", "single_word" })
                    json.WriteBoolean(flag, false);
                json.WriteBoolean("special", token.IsSpecial);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
        TokenizerFiles.Write(Path.Combine(directory, TokenizerFiles.Merges), WriteMerges);
        IEnumerable<KeyValuePair<string, int>> all = _vocabulary.Concat(AddedTokens.Select(t => KeyValuePair.Create(t.Text, t.Id)));
        var ordered = new OrderedDictionary<string, int>(all.OrderBy(token => token.Value));
        TokenizerFiles.Write(
            Path.Combine(directory, TokenizerFiles.Vocabulary),
            stream => JsonSerializer.Serialize(stream, ordered, TokenizerFiles.Readable));
    }

    internal static ByteLevelBpe? TryLoad(string directory, string configFile, JsonElement? config)
    {
        string combined = Path.Combine(directory, TokenizerFiles.Combined);
        string vocabulary = Path.Combine(directory, TokenizerFiles.Vocabulary);
        string merges = Path.Combine(directory, TokenizerFiles.Merges);
        if (File.Exists(combined))
            return BpeFiles.LoadCombined(combined, configFile, config);
        return (File.Exists(vocabulary), File.Exists(merges)) switch
        {
            (true, true) => BpeFiles.LoadPair(vocabulary, merges, configFile, config),
            (true, false) => throw new InputException($"{vocabulary}: lies here without its {TokenizerFiles.Merges}; put both into the folder"),
            (false, true) => throw new InputException($"{merges}: lies here without its {TokenizerFiles.Vocabulary}; put both into the folder"),
            _ => null,
        };
    }

    private protected override void EncodeOrdinary(ReadOnlySpan<byte> bytes, int offset, List<int> ids)
    {
        char[] buffer = ArrayPool<char>.Shared.Rent(bytes.Length);
        Span<char> text = buffer.AsSpan(0, bytes.Length);
        ByteAlphabet.Write(bytes, text);
        for (int start = 0; start < text.Length;)
        {
            int end = Gpt2Splitter.WordEnd(text, start);
            EncodeWord(text[start..end], ids);
            start = end;
        }

        ArrayPool<char>.Shared.Return(buffer);
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_words.TryGetValue(word, out int[]? known))
        {
            ids.AddRange(known.AsSpan());
        }
        else if (word.Length > LongWord)
        {
            ids.AddRange(_longWords.Value.Encode(word));
        }
        else
        {
            IReadOnlyList<int> encoded = _bpe.EncodeToIds(word, considerPreTokenization: false);
            ids.AddRange(encoded);
            if (word.Length <= LongestKeptWord && Volatile.Read(ref _wordCount) < KeptWords && _words.TryAdd(word, [.. encoded]))
                Interlocked.Increment(ref _wordCount);
        }
    }

    private void WriteMerges(Stream stream)
    {
        using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("#version: 0.2");
        foreach ((string left, string right) in _merges)
            writer.WriteLine($"{left} {right}");
    }

    private static byte[][] Tokens(Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> addedTokens, BpeSource source)
    {
        foreach (byte b in ByteAlphabet.Order)
        {
            if (!vocabulary.ContainsKey(ByteAlphabet.ToCharacter(b).ToString()))
            {
                throw new InputException(
                    $"{source.Vocabulary}: no token for the byte 0x{b:X2} (\"{ByteAlphabet.ToCharacter(b)}\"); a byte-level BPE has one for each of the 256 bytes");
            }
        }

        var names = new string?[vocabulary.Count + addedTokens.Count];
        var tokens = new byte[names.Length][];
        foreach ((string name, int id) in vocabulary)
        {
            if (!ByteAlphabet.TryToBytes(name, out byte[] bytes) || bytes.Length == 0)
            {
                throw new InputException(
                    $"{source.Vocabulary}: the token {JsonFile.Quote(name)} is not written in the byte alphabet of GPT-2; " +
                    "this is no byte-level BPE, or the token must be declared as an added token");
            }

            Place(name, id, bytes);
        }

        foreach (AddedToken token in addedTokens)
            Place(token.Text, token.Id, Encoding.UTF8.GetBytes(token.Text));

        return tokens;

        void Place(string name, int id, byte[] bytes)
        {
            if (id >= tokens.Length)
            {
                int missing = Enumerable.Range(0, tokens.Length).Except(vocabulary.Values).Except(addedTokens.Select(t => t.Id)).FirstOrDefault(-1);
                throw new InputException(
                    $"{source.Vocabulary}: {tokens.Length} tokens need the ids 0 to {tokens.Length - 1}, but {JsonFile.Quote(name)} has id {id}" +
                    (missing < 0 ? "" : $" and id {missing} is missing"));
            }

            if (names[id] is { } other)
                throw new InputException($"{source.Vocabulary}: the tokens {JsonFile.Quote(other)} and {JsonFile.Quote(name)} both have id {id}");
            (names[id], tokens[id]) = (name, bytes);
        }
    }

    private static void CheckMerges(
        Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, BpeSource source)
    {
        var places = new Dictionary<(string, string), int>(merges.Count);
        for (int i = 0; i < merges.Count; i++)
        {
            (string left, string right) = merges[i];
            foreach (string token in (ReadOnlySpan<string>)[left, right, left + right])
            {
                if (!vocabulary.ContainsKey(token))
                    throw source.MergeError(i, $"the merge {JsonFile.Quote($"{left} {right}")} needs the token {JsonFile.Quote(token)}, which the vocabulary lacks");
            }

            if (!places.TryAdd((left, right), i))
                throw source.MergeError(i, $"the merge {JsonFile.Quote($"{left} {right}")} comes twice (merges {places[(left, right)] + 1} and {i + 1}); remove one");
        }
    }

    private static int? FindEndOfText(
        Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> addedTokens, string? text, BpeSource source)
    {
        string wanted = text ?? DefaultEndOfText;
        if (addedTokens.FirstOrDefault(t => t.Text == wanted) is { } token)
            return token.Id;
        if (vocabulary.TryGetValue(wanted, out int id))
            return id;
        return text is null
            ? null
            : throw new InputException($"{source.Config}: \"eos_token\" is {JsonFile.Quote(text)}, which the vocabulary lacks");
    }
}

/// <summary>Where the parts of a vocabulary come from, for messages.</summary>
/// <param name="Vocabulary">The file of the tokens.</param>
/// <param name="Config">The file that names the end-of-text token.</param>
/// <param name="MergeError">An error about a merge, counted from 0, at its place.</param>
internal sealed record BpeSource(string Vocabulary, string Config, Func<int, string, InputException> MergeError);
