using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// Sequences packed one after another: tokens (N) and where each sequence starts. Made once and refilled every step.
/// </summary>
public sealed class PackedBatch : IDisposable
{
    private int[] _tokens = new int[256], _offsets = new int[16], _lastRows = new int[16];

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

    /// <summary>lastRows (S): the last row of every sequence</summary>
    public IndexBuffer LastRows { get; }

    /// <summary>N, the number of tokens.</summary>
    public int Rows => Layout.Rows;

    /// <summary>Replaces the content.</summary>
    /// <typeparam name="T">What stands for a sequence.</typeparam>
    /// <param name="sequences">The sequences.</param>
    /// <param name="tokensOf">The tokens of a sequence, at least one.</param>
    public void Set<T>(ReadOnlySpan<T> sequences, TokensOf<T> tokensOf)
    {
        int rows = 0;
        if (_offsets.Length < sequences.Length + 1) (_offsets, _lastRows) = (new int[2 * (sequences.Length + 1)], new int[2 * (sequences.Length + 1)]);
        for (int s = 0; s < sequences.Length; s++)
        {
            var tokens = tokensOf(sequences[s]);
            if (_tokens.Length < rows + tokens.Length) Array.Resize(ref _tokens, 2 * (rows + tokens.Length));
            tokens.CopyTo(_tokens.AsSpan(rows));
            rows += tokens.Length;
            _offsets[s + 1] = rows;
            _lastRows[s] = rows - 1;
        }

        Tokens.Set(_tokens.AsSpan(0, rows));
        Layout.Set(_offsets.AsSpan(0, sequences.Length + 1));
        LastRows.Set(_lastRows.AsSpan(0, sequences.Length));
    }

    /// <summary>Replaces the content.</summary>
    /// <param name="sequences">The tokens of every sequence, at least one each.</param>
    public void Set(params ReadOnlySpan<int[]> sequences) => Set(sequences, static tokens => tokens);

    /// <summary>Replaces the content by what predicts the tokens of rows: all tokens but the last, which predicts nothing.</summary>
    /// <param name="rows">The rows.</param>
    public void SetInputs(ReadOnlySpan<TokenRow> rows) => Set(rows, static row => row.Tokens.AsSpan(0, InputLength(row)));

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
