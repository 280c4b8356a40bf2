namespace Microsoft.ML.Tokenizers;

/// <summary>What all tokenizers have in common; of the package's class, the part that this project calls.</summary>
public abstract class Tokenizer
{
    /// <summary>Leaves everything to the derived class.</summary>
    protected Tokenizer()
    {
    }

    /// <summary>What cuts the text before tokens are looked for, or none.</summary>
    public virtual PreTokenizer? PreTokenizer => null;

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="considerPreTokenization">Whether <see cref="PreTokenizer"/> cuts the text first.</param>
    /// <param name="considerNormalization">Whether the text is normalised first; tokenizers here have no normalizer.</param>
    /// <returns>The ids of the tokens.</returns>
    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        var ids = new List<int>();
        if (considerPreTokenization && PreTokenizer is { } preTokenizer)
        {
            foreach ((int offset, int length) in preTokenizer.PreTokenize(text))
                EncodePiece(text.Slice(offset, length), ids);
        }
        else if (text.Length > 0)
        {
            EncodePiece(text, ids);
        }

        return ids;
    }

    private protected abstract void EncodePiece(ReadOnlySpan<char> piece, List<int> ids);
}
