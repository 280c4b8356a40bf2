using System.Buffers;
using System.Text;
using System.Text.Json;

namespace NativeRlhf.Tokenization;

/// <summary>
/// One token per character (Unicode scalar value); the id is the character's place in the alphabet. Its file is
/// <c>tokenizer_config.json</c>:
/// <code>{"type": "char", "alphabet": "\n !abc…", "eos_token": "&lt;|endoftext|&gt;", "unk_token": "&lt;|unknown|&gt;"}</code>
/// <c>eos_token</c> and <c>unk_token</c> are optional. They name special tokens behind the alphabet: the end of text
/// takes the next id, the unknown character the one after it. Without <c>unk_token</c> a character outside the
/// alphabet is an error. With any tokenizer of this kind an id outside the vocabulary decodes to U+FFFD.
/// </summary>
public sealed class CharTokenizer : TextTokenizer
{
    private readonly Dictionary<Rune, int> _ids;
    private readonly string? _endOfText;
    private readonly string? _unknown;

    /// <summary>Creates a tokenizer.</summary>
    /// <param name="alphabet">The characters in the order of their ids, each once.</param>
    /// <param name="endOfText">The text of the end-of-text token, or null for none.</param>
    /// <param name="unknown">The text of the token for characters outside the alphabet, or null: they are errors then.</param>
    /// <exception cref="InputException">The alphabet is empty, repeats a character or holds half a surrogate pair; or the two tokens are the same.</exception>
    public CharTokenizer(string alphabet, string? endOfText = DefaultEndOfText, string? unknown = null)
        : this(Index(alphabet, "the alphabet"), alphabet, Special(alphabet, endOfText, unknown), endOfText, unknown)
    {
    }

    private CharTokenizer(
        Dictionary<Rune, int> ids, string alphabet, List<AddedToken> special, string? endOfText, string? unknown)
        : base(
            [.. ids.OrderBy(p => p.Value).Select(p => p.Key.ToString()).Concat(special.Select(t => t.Text)).Select(Encoding.UTF8.GetBytes)],
            special,
            endOfText is null ? null : ids.Count)
    {
        _ids = ids;
        Alphabet = alphabet;
        _endOfText = endOfText;
        _unknown = unknown;
    }

    /// <summary>The characters in the order of their ids.</summary>
    public string Alphabet { get; }

    /// <summary>Makes a tokenizer of the characters that occur in documents, in the order of their code points.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="endOfText">The text of the end-of-text token, or null for none.</param>
    /// <param name="unknown">The text of the token for other characters, or null: they are errors then.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="InputException">The documents hold no character.</exception>
    public static CharTokenizer Train(
        IEnumerable<string> documents, string? endOfText = DefaultEndOfText, string? unknown = null)
    {
        var characters = new SortedSet<Rune>();
        foreach (string document in documents)
            characters.UnionWith(document.EnumerateRunes());
        return characters.Count > 0
            ? new CharTokenizer(string.Concat(characters), endOfText, unknown)
            : throw new InputException("the documents hold no text, so that there is no alphabet to train; give at least one character");
    }

    /// <inheritdoc/>
    public override void Save(string directory)
    {
        TokenizerFiles.Prepare(directory, TokenizerFiles.Combined, TokenizerFiles.Vocabulary, TokenizerFiles.Merges);
        TokenizerFiles.WriteJson(Path.Combine(directory, TokenizerFiles.Config), json =>
        {
            json.WriteString("type", "char");
            json.WriteString("alphabet", Alphabet);
            if (_endOfText is not null)
                json.WriteString("eos_token", _endOfText);
            if (_unknown is not null)
                json.WriteString("unk_token", _unknown);
        });
    }

    internal static CharTokenizer FromConfig(string file, JsonElement config)
    {
        string alphabet = JsonFile.Optional(config, "alphabet") is { } element
            ? JsonFile.Text(file, "alphabet", element)
            : throw new InputException($"{file}: \"alphabet\" is missing; give all characters in the order of their ids as one string");
        Index(alphabet, $"{file}: \"alphabet\"");
        string? endOfText = JsonFile.Optional(config, "eos_token") is { } eos ? JsonFile.Text(file, "eos_token", eos) : null;
        string? unknown = JsonFile.Optional(config, "unk_token") is { } unk ? JsonFile.Text(file, "unk_token", unk) : null;
        try
        {
            return new CharTokenizer(alphabet, endOfText, unknown);
        }
        catch (InputException e)
        {
            throw new InputException($"{file}: {e.Message}", e);
        }
    }

    private protected override void EncodeOrdinary(ReadOnlySpan<byte> bytes, int offset, List<int> ids)
    {
        for (int i = 0; i < bytes.Length;)
        {
            bool isCharacter = Rune.DecodeFromUtf8(bytes[i..], out Rune character, out int size) == OperationStatus.Done;
            if (isCharacter && _ids.TryGetValue(character, out int id))
            {
                ids.Add(id);
            }
            else if (_unknown is not null)
            {
                ids.Add(VocabularySize - 1);
            }
            else
            {
                string what = isCharacter ? $"the character {Describe(character)}" : $"the byte 0x{bytes[i]:X2}";
                throw new InputException(
                    $"{what} at byte {offset + i} is not in the character tokenizer's alphabet of {_ids.Count} characters; " +
                    "remove it, or give the tokenizer an \"unk_token\"");
            }

            i += size;
        }
    }

    private static Dictionary<Rune, int> Index(string alphabet, string place)
    {
        var ids = new Dictionary<Rune, int>();
        for (int i = 0; i < alphabet.Length;)
        {
            if (!Rune.TryGetRuneAt(alphabet, i, out Rune character))
                throw new InputException($"{place} holds half a surrogate pair (U+{(int)alphabet[i]:X4}), which is no character");
            if (!ids.TryAdd(character, ids.Count))
                throw new InputException($"{place} holds {Describe(character)} twice, as id {ids[character]} and as id {ids.Count}; remove one");
            i += character.Utf16SequenceLength;
        }

        return ids.Count > 0 ? ids : throw new InputException($"{place} is empty; give all characters in the order of their ids");
    }

    private static List<AddedToken> Special(string alphabet, string? endOfText, string? unknown)
    {
        if (endOfText is "" || unknown is "" || (endOfText is not null && endOfText == unknown))
            throw new InputException("\"eos_token\" and \"unk_token\" must be different and not empty");
        int next = alphabet.EnumerateRunes().Count();
        var special = new List<AddedToken>();
        foreach (string? text in new[] { endOfText, unknown })
        {
            if (text is not null)
                special.Add(new AddedToken(next++, text, IsSpecial: true));
        }

        return special;
    }

    private static string Describe(Rune character) =>
        Rune.IsControl(character) || Rune.IsWhiteSpace(character) ? $"U+{character.Value:X4}" : $"'{character}' (U+{character.Value:X4})";
}
