namespace Microsoft.ML.Tokenizers;

/// <summary>Cuts a text into the pieces within which a tokenizer may merge.</summary>
public abstract class PreTokenizer
{
    /// <summary>Cuts a text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Offset and length, in UTF-16 units, of every piece in order; what no piece covers is not encoded.</returns>
    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);
}
