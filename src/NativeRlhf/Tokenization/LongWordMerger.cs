namespace NativeRlhf.Tokenization;

/// <summary>
/// Merges the bytes of a word in O(n log n) for a word of n bytes: symbols are a linked list, the pairs that can be
/// merged a heap ordered by rank and place. Meant for words without end: runs of one letter, encoded binary data.
/// </summary>
internal sealed class LongWordMerger
{
    private const int Merged = -1;

    private readonly int[] _byteTokens = new int[ByteAlphabet.CharacterLimit];
    private readonly Dictionary<long, (int Rank, int Id)> _merges;

    public LongWordMerger(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges)
    {
        foreach (byte b in ByteAlphabet.Order)
            _byteTokens[ByteAlphabet.ToCharacter(b)] = vocabulary[ByteAlphabet.ToCharacter(b).ToString()];
        _merges = new(merges.Count);
        foreach ((string left, string right) in merges)
            _merges.Add(Pair(vocabulary[left], vocabulary[right]), (_merges.Count, vocabulary[left + right]));
    }

    /// <summary>Encodes a word.</summary>
    /// <param name="word">Bytes in the byte alphabet.</param>
    /// <returns>The ids.</returns>
    public Span<int> Encode(ReadOnlySpan<char> word)
    {
        int n = word.Length;
        var symbols = new int[n];
        var next = new int[n];
        var previous = new int[n];
        for (int i = 0; i < n; i++)
            (symbols[i], next[i], previous[i]) = (_byteTokens[word[i]], i + 1, i - 1);

        // A pair that is found changed when its turn comes is dropped.
        var heap = new PriorityQueue<long, long>(n);
        for (int i = 0; i < n; i++)
            Enqueue(i);

        while (heap.TryDequeue(out long pair, out long rankAndPlace))
        {
            int left = (int)rankAndPlace;
            int right = next[left];
            if (symbols[left] == Merged || right == n || Pair(symbols[left], symbols[right]) != pair)
                continue;

            symbols[left] = _merges[pair].Id;
            symbols[right] = Merged;
            next[left] = next[right];
            if (next[left] < n)
                previous[next[left]] = left;
            if (previous[left] >= 0)
                Enqueue(previous[left]);
            Enqueue(left);
        }

        int count = 0;
        for (int i = 0; i < n; i = next[i])
            symbols[count++] = symbols[i];
        return symbols.AsSpan(0, count);

        void Enqueue(int place)
        {
            if (next[place] == n)
                return;
            long pair = Pair(symbols[place], symbols[next[place]]);
            if (_merges.TryGetValue(pair, out (int Rank, int Id) merge))
                heap.Enqueue(pair, ((long)merge.Rank << 32) | (uint)place);
        }
    }

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;
}
