using System.Runtime.InteropServices;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// Sequences packed one after another: tokens (N) and where each sequence starts. Made once and refilled every step.
/// Sequences that follow each other and begin alike, as the answers to one prompt do, can share the rows of their beginning.
/// </summary>
public sealed class PackedBatch : IDisposable
{
    /// <summary>The least tokens that are worth being shared.</summary>
    private const int LeastShared = 4;

    private readonly List<int> _tokens = [], _offsets = [], _prefixes = [], _lastRows = [], _firstRows = [], _sharedRows = [], _shared = [];

    /// <summary>An empty batch.</summary>
    /// <param name="device">The device that will read it.</param>
    public PackedBatch(ComputeDevice device)
    {
        Tokens = device.AllocateIndices(256);
        LastRows = device.AllocateIndices(16);
        Layout = new SequenceLayout(device);
    }

    /// <summary>tokens (N)</summary>
    public IndexBuffer Tokens { get; }

    /// <summary>Where the sequences start, and the positions of their rows.</summary>
    public SequenceLayout Layout { get; }

    /// <summary>lastRows: the last row of every sequence that was given</summary>
    public IndexBuffer LastRows { get; }

    /// <summary>N, the number of tokens.</summary>
    public int Rows => Layout.Rows;

    /// <summary>Replaces the content.</summary>
    /// <typeparam name="T">What stands for a sequence.</typeparam>
    /// <param name="sequences">The sequences.</param>
    /// <param name="tokensOf">The tokens of a sequence, at least one.</param>
    /// <param name="groupOf">
    /// Neighbours of the same group share the rows of what they begin with, all but the last token of each. Those rows then
    /// stand for several sequences, and the gradient of their hidden states is the sum over these. Null if nothing is shared.
    /// </param>
    public void Set<T>(ReadOnlySpan<T> sequences, TokensOf<T> tokensOf, Func<T, int>? groupOf = null)
    {
        _tokens.Clear();
        _offsets.Clear();
        _prefixes.Clear();
        _lastRows.Clear();
        _firstRows.Clear();
        _sharedRows.Clear();
        _shared.Clear();
        _offsets.Add(0);
        for (int s = 0, end; s < sequences.Length; s = end)
        {
            end = Group(sequences, s, tokensOf, groupOf, out int shared);
            int prefix = _prefixes.Count, prefixRow = _tokens.Count;
            if (shared > 0) Add(tokensOf(sequences[s])[..shared], prefix);
            for (int i = s; i < end; i++)
            {
                _sharedRows.Add(prefixRow);
                _shared.Add(shared);
                _firstRows.Add(_tokens.Count - shared);
                Add(tokensOf(sequences[i])[shared..], shared > 0 ? prefix : _prefixes.Count);
                _lastRows.Add(_tokens.Count - 1);
            }
        }

        Tokens.Set(CollectionsMarshal.AsSpan(_tokens));
        Layout.Set(CollectionsMarshal.AsSpan(_offsets), CollectionsMarshal.AsSpan(_prefixes));
        LastRows.Set(CollectionsMarshal.AsSpan(_lastRows));

        void Add(ReadOnlySpan<int> tokens, int prefix)
        {
            _tokens.AddRange(tokens);
            _offsets.Add(_tokens.Count);
            _prefixes.Add(prefix);
        }
    }

    /// <summary>The row of a token of a sequence that was given.</summary>
    /// <param name="sequence">The sequence, from 0.</param>
    /// <param name="token">The token's place in it, from 0.</param>
    /// <returns>A row of the batch, which other sequences may share.</returns>
    public int RowOf(int sequence, int token) => (token < _shared[sequence] ? _sharedRows[sequence] : _firstRows[sequence]) + token;

    /// <summary>The end of the sequences that share rows with the first of them: as many as make the rows saved most.</summary>
    private static int Group<T>(ReadOnlySpan<T> sequences, int first, TokensOf<T> tokensOf, Func<T, int>? groupOf, out int shared)
    {
        var tokens = tokensOf(sequences[first]);
        (shared, int end) = (0, first + 1);
        for (; groupOf is not null && end < sequences.Length && groupOf(sequences[end]) == groupOf(sequences[first]); end++)
        {
            var other = tokensOf(sequences[end]);
            int most = Math.Min(end == first + 1 ? tokens.Length - 1 : shared, other.Length - 1), common = tokens[..most].CommonPrefixLength(other);
            if (common < LeastShared || common * (end - first) <= shared * (end - first - 1)) break;
            shared = common;
        }

        return end;
    }

    /// <summary>Replaces the content.</summary>
    /// <param name="sequences">The tokens of every sequence, at least one each.</param>
    public void Set(params ReadOnlySpan<int[]> sequences) => Set(sequences, static tokens => tokens);

    /// <summary>Replaces the content by what predicts the tokens of rows: all tokens but the last, which predicts nothing.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="share">Whether neighbours share the rows of what they begin with.</param>
    public void SetInputs(ReadOnlySpan<TokenRow> rows, bool share = false) =>
        Set(rows, static row => row.Tokens.AsSpan(0, InputLength(row)), share ? static _ => 0 : null);

    /// <summary>The tokens of a row that go through the model: all but the last, and at least one.</summary>
    /// <param name="row">The row.</param>
    /// <returns>Their number.</returns>
    public static int InputLength(TokenRow row) => Math.Max(1, row.Tokens.Length - 1);

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        LastRows.Dispose();
        Layout.Dispose();
    }
}

/// <summary>Finds the tokens of a sequence.</summary>
/// <typeparam name="T">What stands for a sequence.</typeparam>
/// <param name="sequence">The sequence.</param>
/// <returns>Its tokens.</returns>
public delegate ReadOnlySpan<int> TokensOf<T>(T sequence);
