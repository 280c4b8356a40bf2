using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// Byte pair encoding (Sennrich et al. 2016): a piece of text starts as one token per character; the neighbouring pair
/// that stands first in the list of merges is joined, leftmost first, until no neighbours can be joined.
/// Characters that the vocabulary lacks are left out. Safe for concurrent use.
/// </summary>
public sealed class BpeTokenizer : Tokenizer
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    private readonly Dictionary<long, Merge> _merges;

    private readonly record struct Merge(int Rank, int Id);

    private BpeTokenizer(Dictionary<string, int> vocabulary, Dictionary<long, Merge> merges, PreTokenizer? preTokenizer)
    {
        _vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _merges = merges;
        PreTokenizer = preTokenizer;
    }

    /// <inheritdoc/>
    public override PreTokenizer? PreTokenizer { get; }

    /// <summary>Creates a tokenizer from its two files.</summary>
    /// <param name="vocabStream">A JSON object of tokens and their ids (<c>vocab.json</c>).</param>
    /// <param name="mergesStream">One pair a line, separated by a space, best first (<c>merges.txt</c>); none merges nothing.</param>
    /// <param name="preTokenizer">What cuts the text first, or none.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="vocabStream"/> is null.</exception>
    /// <exception cref="JsonException">The vocabulary is not a JSON object of integers.</exception>
    /// <exception cref="InvalidOperationException">A line is not a pair, or a merge names a token that the vocabulary lacks.</exception>
    /// <exception cref="ArgumentException">A pair is listed twice.</exception>
    public static BpeTokenizer Create(Stream vocabStream, Stream? mergesStream, PreTokenizer? preTokenizer)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        Dictionary<string, int> vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(vocabStream)
            ?? throw new JsonException("The vocabulary is null; expected an object of tokens and ids.");
        var merges = new Dictionary<long, Merge>();
        if (mergesStream is null)
            return new BpeTokenizer(vocabulary, merges, preTokenizer);

        using var reader = new StreamReader(mergesStream, leaveOpen: true);
        for (int line = 1; reader.ReadLine() is { } text; line++)
        {
            if (text.Length == 0 || text.StartsWith("#version", StringComparison.Ordinal))
                continue;
            if (text.Split(' ') is not [{ } left, { Length: > 0 } right])
                throw new InvalidOperationException($"Line {line} of the merges, \"{text}\", is not a pair of tokens separated by a space.");
            merges.Add(
                Pair(Id(left, line), Id(right, line)),
                new Merge(merges.Count, Id(left + right, line)));
        }

        return new BpeTokenizer(vocabulary, merges, preTokenizer);

        int Id(string token, int line) => vocabulary.TryGetValue(token, out int id)
            ? id
            : throw new InvalidOperationException($"Line {line} of the merges needs the token \"{token}\", which the vocabulary lacks.");
    }

    private protected override void EncodePiece(ReadOnlySpan<char> piece, List<int> ids)
    {
        int first = ids.Count;
        for (int i = 0; i < piece.Length;)
        {
            int length = Rune.DecodeFromUtf16(piece[i..], out _, out int consumed) == OperationStatus.Done ? consumed : 1;
            if (_vocabulary.TryGetValue(piece.Slice(i, length), out int id))
                ids.Add(id);
            i += length;
        }

        int count = MergeAll(CollectionsMarshal.AsSpan(ids)[first..]);
        CollectionsMarshal.SetCount(ids, first + count);
    }

    /// <summary>Merges in place. The work grows with the square of the length, as pieces are words.</summary>
    private int MergeAll(Span<int> symbols)
    {
        Span<int> ranks = new int[symbols.Length];
        for (int i = 0; i + 1 < symbols.Length; i++)
            ranks[i] = Rank(symbols[i], symbols[i + 1]);

        while (symbols.Length > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < symbols.Length; i++)
            {
                if (ranks[i] < ranks[best])
                    best = i;
            }

            if (ranks[best] == int.MaxValue)
                break;

            symbols[best] = _merges[Pair(symbols[best], symbols[best + 1])].Id;
            symbols[(best + 2)..].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 2)..].CopyTo(ranks[(best + 1)..]);
            symbols = symbols[..^1];
            if (best > 0)
                ranks[best - 1] = Rank(symbols[best - 1], symbols[best]);
            if (best + 1 < symbols.Length)
                ranks[best] = Rank(symbols[best], symbols[best + 1]);
        }

        return symbols.Length;
    }

    private int Rank(int left, int right) => _merges.TryGetValue(Pair(left, right), out Merge merge) ? merge.Rank : int.MaxValue;

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;
}
