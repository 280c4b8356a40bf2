using System.Buffers;
using System.Text;
using System.Text.Json;
using NativeRlhf.Data;

namespace NativeRlhf.Tokenization;

/// <summary>
/// Turns text into token ids and back. Ids run from 0 to <see cref="VocabularySize"/> − 1, every token stands for
/// bytes, and text is its UTF-8 bytes. Instances do not change and are safe for concurrent use.
/// <para>
/// Special tokens (end of text and the like) steer a model. Text from users could contain their names, so that
/// encoding treats these names as ordinary text unless the caller asks to recognise them.
/// </para>
/// </summary>
public abstract class TextTokenizer : ITextEncoder
{
    /// <summary>The text of GPT-2's end-of-text token, the default of tokenizers that are trained here.</summary>
    public const string DefaultEndOfText = "<|endoftext|>";

    private static readonly byte[] _replacement = [0xEF, 0xBF, 0xBD];

    private readonly byte[][] _tokens;
    private readonly bool[] _isSpecial;
    private readonly (byte[] Text, int Id)[] _recognizedOnRequest;
    private readonly (byte[] Text, int Id)[] _recognizedAlways;

    /// <summary>Keeps what all tokenizers need for decoding and for tokens of literal text.</summary>
    /// <param name="tokens">The bytes of every token by id, added tokens included.</param>
    /// <param name="addedTokens">Tokens of literal text.</param>
    /// <param name="endOfText">The id of the end-of-text token, or none.</param>
    private protected TextTokenizer(byte[][] tokens, IReadOnlyList<AddedToken> addedTokens, int? endOfText)
    {
        _tokens = tokens;
        EndOfText = endOfText;
        AddedTokens = addedTokens;
        _isSpecial = new bool[tokens.Length];
        foreach (AddedToken token in addedTokens)
            _isSpecial[token.Id] = token.IsSpecial;

        // At one place the longest text wins, hence the order.
        _recognizedOnRequest = [.. addedTokens.Select(t => (Encoding.UTF8.GetBytes(t.Text), t.Id)).OrderByDescending(t => t.Item1.Length)];
        _recognizedAlways = [.. _recognizedOnRequest.Where(t => !_isSpecial[t.Id])];
    }

    /// <summary>The number of tokens; ids are below it. A model's vocabulary may be larger, never smaller.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>The id of the end-of-text token, which ends documents and answers; none if the tokenizer has no such token.</summary>
    public int? EndOfText { get; }

    /// <summary>The tokens that stand for a literal text, special ones among them.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>Whether an id belongs to a special token.</summary>
    /// <param name="id">Any number.</param>
    /// <returns>True for special tokens; false for others and for ids outside the vocabulary.</returns>
    public bool IsSpecial(int id) => (uint)id < (uint)_isSpecial.Length && _isSpecial[id];

    /// <summary>The bytes of a token.</summary>
    /// <param name="id">Any number. An id outside the vocabulary, which a model with a larger one can produce, stands for U+FFFD.</param>
    /// <returns>The bytes; they need not be complete characters.</returns>
    public ReadOnlySpan<byte> TokenBytes(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : _replacement;

    /// <summary>Encodes text.</summary>
    /// <param name="text">The text. Half a surrogate pair is no character: it is encoded as U+FFFD, as .NET writes it in UTF-8.</param>
    /// <param name="recognizeSpecialTokens">Whether the text of a special token becomes that token. Leave false for text from users.</param>
    /// <returns>The ids.</returns>
    /// <exception cref="InputException">The text has a character that the tokenizer cannot encode (<see cref="CharTokenizer"/> only).</exception>
    public int[] Encode(string text, bool recognizeSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        try
        {
            return EncodeBytes(utf8.AsSpan(0, Encoding.UTF8.GetBytes(text, utf8)), recognizeSpecialTokens);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
        }
    }

    int[] ITextEncoder.Encode(string text) => Encode(text);

    /// <summary>Encodes bytes; for UTF-8 the result is that of <see cref="Encode"/>.</summary>
    /// <param name="bytes">Any bytes.</param>
    /// <param name="recognizeSpecialTokens">Whether the text of a special token becomes that token. Leave false for text from users.</param>
    /// <returns>The ids.</returns>
    /// <exception cref="InputException">The tokenizer cannot encode the bytes (<see cref="CharTokenizer"/> only).</exception>
    public int[] EncodeBytes(ReadOnlySpan<byte> bytes, bool recognizeSpecialTokens = false)
    {
        (byte[] Text, int Id)[] added = recognizeSpecialTokens ? _recognizedOnRequest : _recognizedAlways;
        var ids = new List<int>(bytes.Length / 3 + 8);
        int position = 0;

        // The next occurrence of each added token, looked for again only once it lies behind: linear in the text.
        Span<int> next = added.Length <= 64 ? stackalloc int[added.Length] : new int[added.Length];
        next.Fill(-1);
        while (added.Length > 0)
        {
            int found = 0;
            for (int i = 0; i < added.Length; i++)
            {
                if (next[i] < position)
                    next[i] = bytes[position..].IndexOf(added[i].Text) is >= 0 and int offset ? position + offset : int.MaxValue;
                if (next[i] < next[found])
                    found = i;
            }

            if (next[found] == int.MaxValue)
                break;
            EncodeOrdinary(bytes[position..next[found]], position, ids);
            ids.Add(added[found].Id);
            position = next[found] + added[found].Text.Length;
        }

        EncodeOrdinary(bytes[position..], position, ids);
        return [.. ids];
    }

    /// <summary>Decodes ids to the exact bytes of their tokens.</summary>
    /// <param name="ids">Any numbers; see <see cref="TokenBytes"/>.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out; otherwise they give their text.</param>
    /// <returns>The bytes.</returns>
    public byte[] DecodeBytes(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var bytes = new ArrayBufferWriter<byte>(ids.Length * 4 + 1);
        foreach (int id in ids)
        {
            if (!(skipSpecialTokens && IsSpecial(id)))
                bytes.Write(TokenBytes(id));
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Decodes ids to text.</summary>
    /// <param name="ids">Any numbers; see <see cref="TokenBytes"/>.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out; otherwise they give their text.</param>
    /// <returns>The text. Bytes that are not UTF-8 become U+FFFD; <see cref="DecodeBytes"/> keeps them.</returns>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false) =>
        Encoding.UTF8.GetString(DecodeBytes(ids, skipSpecialTokens));

    /// <summary>A decoder for tokens that arrive one by one.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out; otherwise they give their text.</param>
    /// <returns>A new decoder.</returns>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecialTokens = false) => new(this, skipSpecialTokens);

    /// <summary>Writes the tokenizer's files, from which <see cref="Load"/> makes an equal tokenizer.</summary>
    /// <param name="directory">The folder, created if absent. Files of the same names are replaced, each at once.</param>
    /// <exception cref="InputException">The folder holds files of another kind of tokenizer, which would contradict these.</exception>
    public abstract void Save(string directory);

    /// <summary>
    /// Loads the tokenizer of a directory: <c>tokenizer_config.json</c> with <c>"type": "char"</c>, else
    /// <c>tokenizer.json</c> of a byte-level BPE, else <c>vocab.json</c> and <c>merges.txt</c>.
    /// </summary>
    /// <param name="directory">A model directory or a tokenizer's own.</param>
    /// <returns>The tokenizer, or null if the directory has none.</returns>
    /// <exception cref="InputException">The directory does not exist, or a file is broken or asks for what is not supported.</exception>
    public static TextTokenizer? TryLoad(string directory)
    {
        if (!Directory.Exists(directory))
            throw new InputException($"{directory}: no such folder; name the folder of a model or of a tokenizer");

        string configFile = Path.Combine(directory, TokenizerFiles.Config);
        using JsonDocument? config = File.Exists(configFile) ? JsonFile.Read(configFile) : null;
        if (config?.RootElement.TryGetProperty("type", out JsonElement type) == true)
        {
            return type.ValueKind == JsonValueKind.String && type.ValueEquals("char")
                ? CharTokenizer.FromConfig(configFile, config.RootElement)
                : throw new InputException($"{configFile}: \"type\" is {type.GetRawText()}; the only type known here is \"char\"");
        }

        return ByteLevelBpe.TryLoad(directory, configFile, config?.RootElement);
    }

    /// <summary>Loads the tokenizer of a directory as <see cref="TryLoad"/> does; its absence is an error.</summary>
    /// <param name="directory">A model directory or a tokenizer's own.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="InputException">There is no tokenizer, or its files are broken or ask for what is not supported.</exception>
    public static TextTokenizer Load(string directory) => TryLoad(directory) ?? throw new InputException(
        $"{directory}: no tokenizer here; expected vocab.json and merges.txt, or tokenizer.json, or tokenizer_config.json with \"type\": \"char\"");

    /// <summary>Encodes bytes without regard to added tokens.</summary>
    /// <param name="bytes">The bytes, possibly none.</param>
    /// <param name="offset">Where they start within what the caller encodes, for messages.</param>
    /// <param name="ids">The list to which the ids are added.</param>
    private protected abstract void EncodeOrdinary(ReadOnlySpan<byte> bytes, int offset, List<int> ids);
}
