using NativeRlhf.Kernels.Device;

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
    private readonly ulong _seed;
    private readonly RandomPurpose _purpose;
    private readonly int[] _permutation;
    private long _epoch = -1;

    /// <summary>An order of rows.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="count">How many rows there are, ≥ 1.</param>
    /// <param name="shuffle">Whether they are shuffled.</param>
    /// <param name="purpose">What is drawn, where a run has several orders.</param>
    public RowOrder(ulong seed, int count, bool shuffle, RandomPurpose purpose = RandomPurpose.Shuffling)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        Shuffle = shuffle;
        _seed = seed;
        _purpose = purpose;
        _permutation = shuffle ? new int[count] : [];
    }

    /// <summary>How many rows there are.</summary>
    public int Count { get; }

    /// <summary>Whether they are shuffled.</summary>
    public bool Shuffle { get; }

    /// <summary>The row drawn at a position.</summary>
    /// <param name="position">How many rows were drawn before in this run, ≥ 0 and within 2³² epochs.</param>
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
                Permute(checked((uint)epoch));
            return _permutation[index];
        }
    }

    /// <summary>
    /// Fisher–Yates from the identity: every permutation is equally likely. The draw of the swap at index j of epoch e is the
    /// one at position j of stream e.
    /// </summary>
    private void Permute(uint epoch)
    {
        for (int i = 0; i < Count; i++)
            _permutation[i] = i;
        for (uint j = (uint)Count - 1; j > 0; j--)
        {
            Philox.Words words = Philox.At(_seed, _purpose, epoch, j);
            // The high word of bits · (j + 1): uniform on [0, j] up to a bias below (j + 1) / 2⁶⁴.
            int other = (int)Math.BigMul(((ulong)words.X << 32) | words.Y, (ulong)j + 1, out _);
            (_permutation[j], _permutation[other]) = (_permutation[other], _permutation[j]);
        }
        _epoch = epoch;
    }
}
