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

/// <summary>What is asked of every tokenizer.</summary>
public static class TextEncoders
{
    /// <summary>Refuses a tokenizer with ids that a model does not have.</summary>
    /// <param name="text">The tokenizer.</param>
    /// <param name="vocabularySize">How many token ids the model knows.</param>
    /// <param name="directory">Where both come from; null where the tokenizer was chosen by --tokenizer or could have been.</param>
    /// <exception cref="InputException">The tokenizer has more tokens.</exception>
    public static void RequireWithin(this ITextEncoder text, int vocabularySize, string? directory = null)
    {
        if (text.VocabularySize <= vocabularySize) return;
        string sizes = $"the tokenizer has {text.VocabularySize} tokens and the model {vocabularySize}: they do not belong together";
        throw new InputException(directory is null ? $"{sizes}; give the model's own with --tokenizer DIR" : $"{directory}: {sizes}");
    }
}
