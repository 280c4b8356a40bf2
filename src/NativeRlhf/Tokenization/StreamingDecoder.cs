using System.Text;

namespace NativeRlhf.Tokenization;

/// <summary>
/// Decodes tokens as they are generated. A token may end within a character; its bytes are held back until the
/// character is complete, so that the pieces put together are exactly what
/// <see cref="TextTokenizer.Decode"/> makes of all tokens at once. For one sequence and one thread at a time.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    internal StreamingDecoder(TextTokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Adds a token.</summary>
    /// <param name="id">The token's id.</param>
    /// <returns>The text that is complete by now and was not returned before; often one word, sometimes nothing.</returns>
    public string Append(int id) =>
        _skipSpecialTokens && _tokenizer.IsSpecial(id) ? "" : Convert(_tokenizer.TokenBytes(id), flush: false);

    /// <summary>Ends the sequence; the decoder may then be used for the next one.</summary>
    /// <returns>U+FFFD in place of a character that never became complete, else nothing.</returns>
    public string Flush() => Convert([], flush: true);

    private string Convert(ReadOnlySpan<byte> bytes, bool flush)
    {
        var text = new char[_utf8.GetCharCount(bytes, flush)];
        return new string(text, 0, _utf8.GetChars(bytes, text, flush));
    }
}
