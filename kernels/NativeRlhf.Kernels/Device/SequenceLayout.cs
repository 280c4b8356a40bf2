namespace NativeRlhf.Kernels.Device;

/// <summary>
/// How a packed batch is cut into sequences: sequence s has rows offsets[s] to offsets[s + 1] − 1 of N. Only attention
/// and the position embedding look at it; there is no padding and no mask.
/// <para>
/// A sequence may continue another: several answers to one prompt continue the prompt's rows, which then are run once. A
/// row sees the rows of its sequence up to itself, and before them those of the sequence that it continues: of the rows j ≤ n
/// those with rowStarts[n] ≤ j &lt; prefixEnds[n] or j ≥ ownStarts[n].
/// </para>
/// </summary>
public sealed class SequenceLayout : IDisposable
{
    private readonly IndexBuffer _offsets, _prefixes, _rowStarts, _prefixEnds, _ownStarts, _positions;
    private int[] _scratch = [];

    /// <summary>An empty layout.</summary>
    /// <param name="device">The device that will read it.</param>
    public SequenceLayout(ComputeDevice device)
    {
        _offsets = device.AllocateIndices(16);
        _prefixes = device.AllocateIndices(16);
        _rowStarts = device.AllocateIndices(256);
        _prefixEnds = device.AllocateIndices(256);
        _ownStarts = device.AllocateIndices(256);
        _positions = device.AllocateIndices(256);
        _offsets.Set([0]);
    }

    /// <summary>The number of packed rows, N.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of sequences, S.</summary>
    public int Sequences => _offsets.Length - 1;

    /// <summary>Whether any sequence continues another.</summary>
    public bool HasPrefixes { get; private set; }

    /// <summary>The length of the longest sequence, with what it continues.</summary>
    public int MaxLength { get; private set; }

    /// <summary>offsets (S + 1): the first row of every sequence, and N.</summary>
    public IndexBuffer Offsets => _offsets;

    /// <summary>prefixes (S): for every sequence the one that it continues, or itself where it continues none.</summary>
    public IndexBuffer Prefixes => _prefixes;

    /// <summary>rowStarts (N): for every row the first row of its sequence, or of the one that this continues.</summary>
    public IndexBuffer RowStarts => _rowStarts;

    /// <summary>prefixEnds (N): for every row the row behind the sequence that its own continues; ownStarts[n] where it continues none.</summary>
    public IndexBuffer PrefixEnds => _prefixEnds;

    /// <summary>ownStarts (N): for every row the first row of its own sequence.</summary>
    public IndexBuffer OwnStarts => _ownStarts;

    /// <summary>positions (N): for every row its place in its sequence, from 0; it goes on where the sequence continues another.</summary>
    public IndexBuffer Positions => _positions;

    /// <summary>Describes a new batch.</summary>
    /// <param name="offsets">offsets (S + 1): 0, then the end of every sequence, increasing.</param>
    /// <param name="prefixes">
    /// prefixes (S): for every sequence the one that it continues, or itself; empty where none continues another. Those that
    /// continue a sequence follow it at once, and a sequence that is continued continues none.
    /// </param>
    /// <exception cref="ArgumentException">The offsets do not start at 0, an empty or negative sequence follows, or a prefix is out of place.</exception>
    public void Set(ReadOnlySpan<int> offsets, ReadOnlySpan<int> prefixes = default)
    {
        if (offsets.Length < 1 || offsets[0] != 0) throw new ArgumentException("sequence offsets must start with 0");
        int sequences = offsets.Length - 1;
        if (!prefixes.IsEmpty && prefixes.Length != sequences) throw new ArgumentException($"{prefixes.Length} prefixes for {sequences} sequences");
        for (int s = 0; s < sequences; s++)
        {
            if (offsets[s + 1] <= offsets[s])
                throw new ArgumentException($"sequence {s} has {offsets[s + 1] - offsets[s]} rows; every sequence needs at least one");
        }

        Rows = offsets[^1];
        (MaxLength, HasPrefixes) = (0, false);
        if (_scratch.Length < (4 * Rows) + sequences) _scratch = new int[(4 * Rows) + sequences];
        Span<int> starts = _scratch.AsSpan(0, Rows), ends = _scratch.AsSpan(Rows, Rows), owns = _scratch.AsSpan(2 * Rows, Rows), positions = _scratch.AsSpan(3 * Rows, Rows);
        Span<int> continued = _scratch.AsSpan(4 * Rows, sequences);
        for (int s = 0; s < sequences; s++)
        {
            int prefix = continued[s] = prefixes.IsEmpty ? s : prefixes[s];
            if (prefix != s && (s == 0 || (prefix != s - 1 && prefix != continued[s - 1]) || continued[prefix] != prefix))
                throw new ArgumentException($"sequence {s} cannot continue sequence {prefix}, which it does not follow or which continues another");
            int start = offsets[s], length = offsets[s + 1] - start, prefixLength = prefix == s ? 0 : offsets[prefix + 1] - offsets[prefix];
            MaxLength = Math.Max(MaxLength, prefixLength + length);
            HasPrefixes |= prefix != s;
            starts.Slice(start, length).Fill(offsets[prefix]);
            ends.Slice(start, length).Fill(prefix == s ? start : offsets[prefix + 1]);
            owns.Slice(start, length).Fill(start);
            for (int i = 0; i < length; i++) positions[start + i] = prefixLength + i;
        }

        _offsets.Set(offsets);
        _prefixes.Set(continued);
        _rowStarts.Set(starts);
        _prefixEnds.Set(ends);
        _ownStarts.Set(owns);
        _positions.Set(positions);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _offsets.Dispose();
        _prefixes.Dispose();
        _rowStarts.Dispose();
        _prefixEnds.Dispose();
        _ownStarts.Dispose();
        _positions.Dispose();
    }
}
