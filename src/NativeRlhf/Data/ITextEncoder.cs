namespace NativeRlhf.Data;

/// <summary>What the data layer needs of a tokenizer: text in, token ids out.</summary>
public interface ITextEncoder
{
    /// <summary>The token that ends a document or an answer, or null where the tokenizer has none.</summary>
    public int? EndOfText { get; }

    /// <summary>How many token ids there are: every id of <see cref="Encode"/> lies below it.</summary>
    public int VocabularySize { get; }

    /// <summary>Turns text into token ids, without adding an end-of-text token.</summary>
    /// <param name="text">Any text, possibly empty.</param>
    /// <returns>The ids, in order.</returns>
    /// <exception cref="InputException">The text holds something that the tokenizer has no token for.</exception>
    public int[] Encode(string text);
}
