namespace NativeRlhf.Data;

/// <summary>
/// Which row is drawn when: a pure function of the seed and of the position in the run, so that a resumed run goes on
/// where it stopped without having to remember an order. With shuffling every epoch is a new permutation of all rows;
/// without, rows come in file order, starting over at the end.
/// </summary>
/// <remarks>
/// Not safe for use by several threads at once: the permutation of the current epoch is kept.
/// </remarks>
public sealed class RowOrder
{
    private readonly Func<ulong, ulong> _random;
    private readonly int[] _permutation;
    private long _epoch = -1;

    /// <summary>An order of rows.</summary>
    /// <param name="count">How many rows there are, ≥ 1.</param>
    /// <param name="shuffle">Whether they are shuffled.</param>
    /// <param name="random">
    /// 64 random bits for a position: a counter-based generator that is keyed by the seed and by the purpose. The draw of
    /// the swap at index j of epoch e is taken at position e · 2³² + j.
    /// </param>
    public RowOrder(int count, bool shuffle, Func<ulong, ulong> random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(random);
        Count = count;
        Shuffle = shuffle;
        _random = random;
        _permutation = shuffle ? new int[count] : [];
    }

    /// <summary>How many rows there are.</summary>
    public int Count { get; }

    /// <summary>Whether they are shuffled.</summary>
    public bool Shuffle { get; }

    /// <summary>The row drawn at a position.</summary>
    /// <param name="position">How many rows were drawn before in this run, ≥ 0 and below 2³² epochs.</param>
    /// <returns>An index from 0 to <see cref="Count"/> − 1.</returns>
    public int this[long position]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(position);
            (long epoch, long index) = Math.DivRem(position, Count);
            if (!Shuffle)
                return (int)index;
            if (epoch != _epoch)
                Permute(epoch);
            return _permutation[index];
        }
    }

    /// <summary>Fisher–Yates from the identity: every permutation is equally likely.</summary>
    private void Permute(long epoch)
    {
        for (int i = 0; i < Count; i++)
            _permutation[i] = i;
        for (int j = Count - 1; j > 0; j--)
        {
            // The high word of bits · (j + 1): uniform on [0, j] up to a bias below (j + 1) / 2⁶⁴.
            int other = (int)Math.BigMul(_random(((ulong)epoch << 32) | (uint)j), (ulong)j + 1, out _);
            (_permutation[j], _permutation[other]) = (_permutation[other], _permutation[j]);
        }
        _epoch = epoch;
    }
}
