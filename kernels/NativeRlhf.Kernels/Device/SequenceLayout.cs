namespace NativeRlhf.Kernels.Device;

/// <summary>
/// How a packed batch is cut into sequences: sequence s has rows offsets[s] to offsets[s + 1] − 1 of N. Only attention
/// and the position embedding look at it; there is no padding and no mask.
/// </summary>
public sealed class SequenceLayout : IDisposable
{
    private readonly IndexBuffer _offsets, _rowStarts, _positions;
    private int[] _scratch = [];

    /// <summary>An empty layout.</summary>
    /// <param name="device">The device that will read it.</param>
    public SequenceLayout(ComputeDevice device)
    {
        _offsets = device.AllocateIndices(16);
        _rowStarts = device.AllocateIndices(256);
        _positions = device.AllocateIndices(256);
        _offsets.Set([0]);
    }

    /// <summary>The number of packed rows, N.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of sequences, S.</summary>
    public int Sequences => _offsets.Length - 1;

    /// <summary>The length of the longest sequence.</summary>
    public int MaxLength { get; private set; }

    /// <summary>offsets (S + 1): the first row of every sequence, and N.</summary>
    public IndexBuffer Offsets => _offsets;

    /// <summary>rowStarts (N): for every row the first row of its sequence.</summary>
    public IndexBuffer RowStarts => _rowStarts;

    /// <summary>positions (N): for every row its place in its sequence, from 0.</summary>
    public IndexBuffer Positions => _positions;

    /// <summary>Describes a new batch.</summary>
    /// <param name="offsets">offsets (S + 1): 0, then the end of every sequence, increasing.</param>
    /// <exception cref="ArgumentException">The offsets do not start at 0 or an empty or negative sequence follows.</exception>
    public void Set(ReadOnlySpan<int> offsets)
    {
        if (offsets.Length < 1 || offsets[0] != 0) throw new ArgumentException("sequence offsets must start with 0");
        for (int s = 0; s + 1 < offsets.Length; s++)
        {
            if (offsets[s + 1] <= offsets[s])
                throw new ArgumentException($"sequence {s} has {offsets[s + 1] - offsets[s]} rows; every sequence needs at least one");
        }

        Rows = offsets[^1];
        MaxLength = 0;
        if (_scratch.Length < 2 * Rows) _scratch = new int[2 * Rows];
        Span<int> starts = _scratch.AsSpan(0, Rows), positions = _scratch.AsSpan(Rows, Rows);
        for (int s = 0; s + 1 < offsets.Length; s++)
        {
            int start = offsets[s], length = offsets[s + 1] - start;
            MaxLength = Math.Max(MaxLength, length);
            starts.Slice(start, length).Fill(start);
            for (int i = 0; i < length; i++) positions[start + i] = i;
        }

        _offsets.Set(offsets);
        _rowStarts.Set(starts);
        _positions.Set(positions);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _offsets.Dispose();
        _rowStarts.Dispose();
        _positions.Dispose();
    }
}
