using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeRlhf.Tokenization;

/// <summary>What a byte-level BPE that is to be trained shall be like.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>The number of tokens: 256 bytes, the merges, and the special tokens. A small text may give fewer.</summary>
    public int VocabularySize { get; init; } = 1024;

    /// <summary>How often a pair must occur to become a token.</summary>
    public int MinimumFrequency { get; init; } = 2;

    /// <summary>The text of the end-of-text token, or null for none.</summary>
    public string? EndOfText { get; init; } = TextTokenizer.DefaultEndOfText;

    /// <summary>The texts of further special tokens.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];
}

/// <summary>
/// Learns the merges of a <see cref="ByteLevelBpe"/>: again and again, the pair of neighbouring tokens that occurs most
/// often within the words of the documents becomes a token. Of pairs that occur equally often the one with the smaller
/// id on the left wins, then the one with the smaller id on the right, so that the result depends on nothing but how
/// often each word occurs. Ids are laid out as in GPT-2: bytes (<see cref="ByteAlphabet.Order"/>), merges in the order
/// in which they were learned, end of text, further special tokens.
/// <para>
/// Counts are kept up to date at the places where a merge happens; the work is proportional to the number of changes,
/// whatever the length of the words.
/// </para>
/// </summary>
public static class BpeTrainer
{
    /// <summary>Trains a tokenizer.</summary>
    /// <param name="documents">The documents, as plain text: the text of a special token has no meaning in them.</param>
    /// <param name="options">What the tokenizer shall be like, or null for the defaults.</param>
    /// <returns>The tokenizer; smaller than asked for where no pair is left that occurs often enough.</returns>
    /// <exception cref="InputException">The vocabulary cannot hold the bytes and the special tokens; or a special token is empty or comes twice.</exception>
    public static ByteLevelBpe Train(IEnumerable<string> documents, BpeTrainerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(documents);
        options ??= new BpeTrainerOptions();
        string[] special = options.EndOfText is null ? [.. options.SpecialTokens] : [options.EndOfText, .. options.SpecialTokens];
        if (special.Contains("") || special.Distinct().Count() != special.Length)
            throw new InputException("special tokens must have a text, and each a different one");
        int mergeLimit = options.VocabularySize - 256 - special.Length;
        if (mergeLimit < 0)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"a vocabulary of {options.VocabularySize} tokens is too small: 256 bytes and {special.Length} special tokens need {256 + special.Length}"));
        }

        var merger = new Merger(CountWords(documents), options.MinimumFrequency, special);
        while (merger.Merges.Count < mergeLimit && merger.MergeBest())
        {
        }

        var vocabulary = new Dictionary<string, int>(merger.Tokens.Count);
        foreach (string token in merger.Tokens)
            vocabulary.Add(token, vocabulary.Count);
        AddedToken[] added = [.. special.Select((text, i) => new AddedToken(vocabulary.Count + i, text, IsSpecial: true))];
        var source = new BpeSource("the trained vocabulary", "the training options", (_, message) => new InputException(message));
        return new ByteLevelBpe(vocabulary, merger.Merges, added, options.EndOfText, source);
    }

    private static Dictionary<string, long> CountWords(IEnumerable<string> documents)
    {
        var counts = new Dictionary<string, long>();
        Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string document in documents)
        {
            ReadOnlySpan<char> text = ByteAlphabet.ToText(Encoding.UTF8.GetBytes(document));
            for (int start = 0; start < text.Length;)
            {
                int end = Gpt2Splitter.WordEnd(text, start);
                CollectionsMarshal.GetValueRefOrAddDefault(lookup, text[start..end], out _)++;
                start = end;
            }
        }

        return counts;
    }

    /// <summary>
    /// The distinct words, one after another in one array of symbols linked within each word, with the number of times
    /// that the word occurs; and for each pair of neighbours its number and the places of its left symbol.
    /// </summary>
    private sealed class Merger
    {
        private const int None = -1;

        private readonly int[] _symbols;
        private readonly int[] _next;
        private readonly int[] _previous;
        private readonly long[] _weights;
        private readonly long _minimum;
        private readonly Dictionary<(int Left, int Right), Occurrences> _pairs = [];
        private readonly PriorityQueue<(int Left, int Right), (long Count, int Left, int Right)> _queue = new(_bestFirst);
        private readonly HashSet<string> _taken;
        private readonly HashSet<(int Left, int Right)> _grown = [];

        private sealed class Occurrences
        {
            // Places where the pair no longer stands are left in the list and skipped when it is used.
            public long Count;
            public readonly List<int> Places = [];
        }

        private static readonly Comparer<(long Count, int Left, int Right)> _bestFirst = Comparer<(long Count, int Left, int Right)>.Create(
            (a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : (a.Left, a.Right).CompareTo((b.Left, b.Right)));

        public Merger(Dictionary<string, long> words, int minimum, IEnumerable<string> reserved)
        {
            _minimum = minimum;
            var ids = new int[ByteAlphabet.CharacterLimit];
            foreach (byte b in ByteAlphabet.Order)
            {
                ids[ByteAlphabet.ToCharacter(b)] = Tokens.Count;
                Tokens.Add(ByteAlphabet.ToCharacter(b).ToString());
            }

            _taken = [.. Tokens, .. reserved];
            int length = words.Keys.Sum(word => word.Length);
            _symbols = new int[length];
            _next = new int[length];
            _previous = new int[length];
            _weights = new long[length];
            int place = 0;
            foreach ((string word, long count) in words)
            {
                for (int i = 0; i < word.Length; i++, place++)
                {
                    _symbols[place] = ids[word[i]];
                    _weights[place] = count;
                    _previous[place] = i == 0 ? None : place - 1;
                    _next[place] = i == word.Length - 1 ? None : place + 1;
                }
            }

            for (int i = 0; i < length; i++)
            {
                if (_next[i] != None)
                    Add(i);
            }

            EnqueueGrown();
        }

        /// <summary>The tokens by id, in the byte alphabet.</summary>
        public List<string> Tokens { get; } = [];

        /// <summary>The merges in the order in which they were learned.</summary>
        public List<(string Left, string Right)> Merges { get; } = [];

        /// <summary>Learns the next merge.</summary>
        /// <returns>False if no pair occurs often enough.</returns>
        public bool MergeBest()
        {
            while (_queue.TryDequeue(out (int Left, int Right) pair, out (long Count, int, int) entry))
            {
                // Counts that have fallen are found out here; counts that have grown were put into the queue anew.
                if (!_pairs.TryGetValue(pair, out Occurrences? occurrences) || occurrences.Count < _minimum)
                    continue;
                if (occurrences.Count != entry.Count)
                {
                    if (occurrences.Count < entry.Count)
                        _queue.Enqueue(pair, (occurrences.Count, pair.Left, pair.Right));
                    continue;
                }

                string token = Tokens[pair.Left] + Tokens[pair.Right];
                _pairs.Remove(pair);
                if (!_taken.Add(token))
                    continue;

                Merges.Add((Tokens[pair.Left], Tokens[pair.Right]));
                Tokens.Add(token);
                MergeAll(pair, occurrences.Places, Tokens.Count - 1);
                EnqueueGrown();
                return true;
            }

            return false;
        }

        private void MergeAll((int Left, int Right) pair, List<int> places, int id)
        {
            // Runs of one symbol are merged from the left, as in encoding.
            places.Sort();
            foreach (int left in places)
            {
                int right = _next[left];
                if (_symbols[left] != pair.Left || right == None || _symbols[right] != pair.Right)
                    continue;

                int before = _previous[left];
                int after = _next[right];
                if (before != None)
                    Subtract(before);
                if (after != None)
                    Subtract(right);

                _symbols[left] = id;
                _symbols[right] = None;
                _next[left] = after;
                if (before != None)
                    Add(before);
                if (after != None)
                {
                    _previous[after] = left;
                    Add(left);
                }
            }
        }

        private void Add(int place)
        {
            (int Left, int Right) pair = (_symbols[place], _symbols[_next[place]]);
            ref Occurrences? occurrences = ref CollectionsMarshal.GetValueRefOrAddDefault(_pairs, pair, out _);
            occurrences ??= new Occurrences();
            occurrences.Count += _weights[place];
            occurrences.Places.Add(place);
            _grown.Add(pair);
        }

        private void Subtract(int place)
        {
            if (_pairs.TryGetValue((_symbols[place], _symbols[_next[place]]), out Occurrences? occurrences))
                occurrences.Count -= _weights[place];
        }

        private void EnqueueGrown()
        {
            foreach ((int Left, int Right) pair in _grown)
            {
                if (_pairs.TryGetValue(pair, out Occurrences? occurrences) && occurrences.Count >= _minimum)
                    _queue.Enqueue(pair, (occurrences.Count, pair.Left, pair.Right));
            }

            _grown.Clear();
        }
    }
}
