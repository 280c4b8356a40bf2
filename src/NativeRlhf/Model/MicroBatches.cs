namespace NativeRlhf.Model;

/// <summary>
/// Cuts a list of sequences into consecutive micro-batches. It decides memory, never the result beyond rounding.
/// </summary>
/// <param name="Rows">The most sequences of a micro-batch; 0 where only the tokens bound it.</param>
/// <param name="Tokens">The most tokens of a micro-batch. A longer sequence is a micro-batch of its own.</param>
public readonly record struct MicroBatches(int Rows, int Tokens)
{
    /// <summary>The ranges of the micro-batches.</summary>
    /// <typeparam name="T">What stands for a sequence.</typeparam>
    /// <param name="sequences">The sequences.</param>
    /// <param name="length">The tokens of a sequence.</param>
    /// <returns>Start and count of each.</returns>
    public IEnumerable<(int Start, int Count)> Split<T>(IReadOnlyList<T> sequences, Func<T, int> length)
    {
        int start = 0, tokens = 0;
        for (int i = 0; i < sequences.Count; i++)
        {
            int next = length(sequences[i]);
            if (i > start && (tokens + next > Tokens || (Rows > 0 && i - start >= Rows)))
            {
                yield return (start, i - start);
                start = i;
                tokens = 0;
            }

            tokens += next;
        }

        if (sequences.Count > start) yield return (start, sequences.Count - start);
    }
}
