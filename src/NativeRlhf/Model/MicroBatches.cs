namespace NativeRlhf.Model;

/// <summary>
/// Cuts a list of sequences into consecutive micro-batches. It decides memory, never the result beyond rounding.
/// </summary>
/// <param name="Rows">The most sequences of a micro-batch; 0 where only the tokens bound it.</param>
/// <param name="Tokens">The most tokens of a micro-batch. A longer sequence is a micro-batch of its own.</param>
public readonly record struct MicroBatches(int Rows, int Tokens)
{
    /// <summary>How many sequences the next micro-batch takes.</summary>
    /// <typeparam name="T">What stands for a sequence.</typeparam>
    /// <param name="rest">The sequences that are left, at least one.</param>
    /// <param name="length">The tokens of a sequence.</param>
    /// <returns>At least one.</returns>
    public int Next<T>(ReadOnlySpan<T> rest, Func<T, int> length)
    {
        int count = 1, tokens = length(rest[0]);
        while (count < rest.Length && (Rows == 0 || count < Rows) && (tokens += length(rest[count])) <= Tokens) count++;
        return count;
    }
}
