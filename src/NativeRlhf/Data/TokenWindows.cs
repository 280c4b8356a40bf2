namespace NativeRlhf.Data;

/// <summary>
/// Pretraining text as one stream of tokens, cut into consecutive windows of <c>maxLength + 1</c> tokens that do not
/// overlap, each of which predicts <c>maxLength</c> tokens. The last window may be shorter; it is kept if it holds
/// at least two tokens, since rows are packed and need no common length.
/// </summary>
public sealed class TokenWindows
{
    private readonly ReadOnlyMemory<int> _tokens;

    /// <summary>Cuts a stream of tokens.</summary>
    /// <param name="tokens">The stream; not copied.</param>
    /// <param name="maxLength">How many tokens a full window predicts, ≥ 1.</param>
    public TokenWindows(ReadOnlyMemory<int> tokens, int maxLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        _tokens = tokens;
        WindowLength = (int)Math.Min(maxLength + 1L, int.MaxValue);
        int rest = tokens.Length % WindowLength;
        Count = tokens.Length / WindowLength + (rest >= 2 ? 1 : 0);
        LeftOver = rest == 1 ? 1 : 0;
    }

    /// <summary>Tokens of a full window: <c>maxLength + 1</c>.</summary>
    public int WindowLength { get; }

    /// <summary>How many windows there are.</summary>
    public int Count { get; }

    /// <summary>Tokens at the end that are in no window: 0 or 1.</summary>
    public int LeftOver { get; }

    /// <summary>All tokens, (n).</summary>
    public ReadOnlySpan<int> Tokens => _tokens.Span;

    /// <summary>The tokens of one window; all but the first count for the loss.</summary>
    /// <param name="index">The window, from 0 to <see cref="Count"/> − 1.</param>
    /// <returns>Between 2 and <see cref="WindowLength"/> tokens.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such window.</exception>
    public ReadOnlySpan<int> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            int start = index * WindowLength;
            return _tokens.Span.Slice(start, Math.Min(WindowLength, _tokens.Length - start));
        }
    }
}
