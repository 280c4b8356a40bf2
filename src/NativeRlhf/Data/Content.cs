namespace NativeRlhf.Data;

/// <summary>A piece of a row: text, or token ids in place of it. Exactly one of the two is there.</summary>
public readonly record struct Content
{
    private Content(string? text, int[]? tokens)
    {
        Text = text;
        Tokens = tokens;
    }

    /// <summary>The text, or null where token ids were given.</summary>
    public string? Text { get; }

    /// <summary>The token ids, or null where text was given.</summary>
    public int[]? Tokens { get; }

    /// <summary>A piece of text.</summary>
    /// <param name="text">Any text, possibly empty.</param>
    /// <returns>The piece.</returns>
    public static Content OfText(string text) => new(text, null);

    /// <summary>A list of token ids.</summary>
    /// <param name="tokens">The ids; not copied.</param>
    /// <returns>The piece.</returns>
    public static Content OfTokens(int[] tokens) => new(null, tokens);

    /// <summary>Whether two pieces are the same text or the same ids.</summary>
    /// <param name="other">The other piece.</param>
    /// <returns>True if they are equal in content.</returns>
    public bool Equals(Content other) =>
        Text == other.Text && (Tokens is null ? other.Tokens is null : other.Tokens is not null && Tokens.AsSpan().SequenceEqual(other.Tokens));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Text, Tokens?.Length ?? -1);
}
