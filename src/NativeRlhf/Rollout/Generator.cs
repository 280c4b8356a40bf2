using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;

namespace NativeRlhf.Rollout;

/// <summary>One answer to be sampled.</summary>
/// <param name="Prompt">The tokens of the prompt, at least one.</param>
/// <param name="Stream">The random stream of this answer, different for every answer of a run.</param>
public readonly record struct SampleRequest(int[] Prompt, uint Stream);

/// <summary>A sampled answer.</summary>
/// <param name="Tokens">Its tokens, the end-of-text token included if it was reached.</param>
/// <param name="Ended">Whether it ends with the end-of-text token rather than at the length limit.</param>
public sealed record SampledAnswer(int[] Tokens, bool Ended);

/// <summary>How answers are sampled.</summary>
/// <param name="MaxNewTokens">The most tokens of an answer, the end included.</param>
/// <param name="Temperature">Logits are divided by it; 0 takes the most probable token.</param>
/// <param name="TopK">Only the k most probable tokens; 0 for all.</param>
/// <param name="TopP">Only the most probable tokens that together have this mass; 1 for all.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="EndOfText">The token that ends an answer, or none.</param>
public sealed record SamplingOptions(int MaxNewTokens, float Temperature = 1, int TopK = 0, float TopP = 1, ulong Seed = 42, int? EndOfText = null);

/// <summary>
/// Sampling with continuous batching: each pass mixes prompts being read with single tokens of sequences under way; a
/// finished sequence leaves its slot of the cache to a waiting one at once. What several prompts begin with is run once where
/// a slot still has it: its keys and values are copied, and equal prompts of one pass share its rows.
/// </summary>
public sealed class Generator : IDisposable
{
    private readonly Gpt _model;
    private readonly GptActivations _activations;
    private readonly KvCache _cache;
    private readonly LanguageHead _head;
    private readonly DecodeRows _rows;
    private readonly IndexBuffer _lastRows, _streams, _positions, _sampled;

    // Of every slot the sequence under way, and the prompt whose keys and values it holds, also after its sequence ended.
    private readonly Sequence?[] _active;
    private readonly int[]?[] _prompts;

    // Of a pass: the sequences that get a token, those of them that begin, and a column for the index buffers.
    private readonly List<Sequence> _sampling = [], _beginning = [];
    private readonly int[] _column;

    /// <summary>Plans the memory.</summary>
    /// <param name="model">The model that answers.</param>
    /// <param name="slots">How many answers are sampled at once.</param>
    /// <param name="capacity">The most tokens of prompt and answer together, at most the model's positions.</param>
    public Generator(Gpt model, int slots, int capacity)
    {
        _model = model;
        _cache = new KvCache(model.Device, model.Config, slots, capacity);
        // Room for one token of every slot and one prompt more; prompts that do not fit wait for the next pass.
        _activations = new GptActivations(model.Device, model.Config, slots + Math.Max(capacity, 256), forBackward: false, adapterRank: model.AdapterRank);
        _head = new LanguageHead(model.Device, model.Config, slots);
        _rows = new DecodeRows(model.Device);
        _lastRows = model.Device.AllocateIndices(slots);
        _streams = model.Device.AllocateIndices(slots);
        _positions = model.Device.AllocateIndices(slots);
        _sampled = model.Device.AllocateIndices(slots);
        _active = new Sequence?[slots];
        _prompts = new int[]?[slots];
        _column = new int[slots];
    }

    /// <summary>The rows that went through the model so far: tokens of prompts, less those that were shared, and of answers.</summary>
    public long RowsRun { get; private set; }

    /// <summary>Samples one answer for every request.</summary>
    /// <param name="requests">The prompts.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="onToken">Called with the request's index and the token, as tokens come; or null.</param>
    /// <param name="cancel">Checked before every pass.</param>
    /// <returns>The answers, in the order of the requests.</returns>
    /// <exception cref="ArgumentException">A prompt is empty or leaves no room for an answer, or no tokens are asked for.</exception>
    /// <exception cref="NonFiniteException">The model's logits are no distribution: one is NaN or +∞.</exception>
    public IReadOnlyList<SampledAnswer> Generate(
        IReadOnlyList<SampleRequest> requests, SamplingOptions options, Action<int, int>? onToken = null, CancellationToken cancel = default)
    {
        if (options.MaxNewTokens < 1) throw new ArgumentException($"an answer of {options.MaxNewTokens} tokens was asked for; the least is 1");
        foreach (var request in requests)
        {
            if (request.Prompt.Length is 0 || request.Prompt.Length >= _cache.Capacity)
                throw new ArgumentException($"a prompt of {request.Prompt.Length} tokens leaves no room in a context of {_cache.Capacity}");
        }

        var answers = new SampledAnswer[requests.Count];
        int waiting = 0;
        // What the cache holds may be of other weights.
        Array.Clear(_active);
        Array.Clear(_prompts);
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            _rows.Clear();
            _sampling.Clear();
            _beginning.Clear();
            for (int slot = 0; slot < _active.Length; slot++)
            {
                if (_active[slot] is { } sequence)
                {
                    _rows.Add(sequence.Answer[^1], slot, sequence.Length - 1);
                    sequence.LastRow = _rows.Count - 1;
                }
                else
                {
                    if (waiting == requests.Count) continue;
                    sequence = new Sequence(waiting, slot, requests[waiting]);
                    if (!TryBegin(sequence)) continue;
                    _active[slot] = sequence;
                    waiting++;
                }

                _sampling.Add(sequence);
            }

            if (_sampling.Count == 0) return answers;

            _rows.Upload();
            RowsRun += _rows.Count;
            var hidden = _model.Decode(_cache, _rows, _activations);
            foreach (var sequence in _beginning)
            {
                if (sequence.ReadBy != sequence.Slot) _cache.Copy(sequence.ReadBy, sequence.Slot, sequence.Prompt.Length);
                _prompts[sequence.Slot] = sequence.Prompt;
            }

            var tokens = Sample(hidden, options);
            for (int i = 0; i < _sampling.Count; i++)
            {
                var sequence = _sampling[i];
                if (tokens[i] < 0) throw new NonFiniteException($"the logits of answer {sequence.Request + 1}, token {sequence.Answer.Count + 1}, are not finite");
                sequence.Answer.Add(tokens[i]);
                onToken?.Invoke(sequence.Request, tokens[i]);
                bool ended = tokens[i] == options.EndOfText;
                if (!ended && sequence.Answer.Count < options.MaxNewTokens && sequence.Length < _cache.Capacity) continue;
                answers[sequence.Request] = new SampledAnswer([.. sequence.Answer], ended);
                _active[sequence.Slot] = null;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _activations.Dispose();
        _cache.Dispose();
        _head.Dispose();
        _rows.Dispose();
        _lastRows.Dispose();
        _streams.Dispose();
        _positions.Dispose();
        _sampled.Dispose();
    }

    /// <summary>Adds to the rows of a pass what of a prompt has to be read, unless they do not fit.</summary>
    private bool TryBegin(Sequence sequence)
    {
        ReadOnlySpan<int> prompt = sequence.Prompt;
        foreach (var other in _beginning)
        {
            // Its last row predicts this answer too; its keys and values are copied after the pass.
            if (!prompt.SequenceEqual(other.Prompt)) continue;
            (sequence.ReadBy, sequence.LastRow) = (other.ReadBy, other.LastRow);
            Begin();
            return true;
        }

        // The slot that holds most of the prompt, this one before others. The last token is run in any case: it predicts the answer.
        int source = sequence.Slot, shared = Shared(source, prompt);
        for (int slot = 0; slot < _prompts.Length; slot++)
        {
            if (Shared(slot, prompt) > shared) (source, shared) = (slot, Shared(slot, prompt));
        }

        // Rows are reserved for the slots that come after this one.
        if (_rows.Count + prompt.Length - shared + (_active.Length - sequence.Slot - 1) > _activations.Capacity) return false;
        if (source != sequence.Slot && shared > 0) _cache.Copy(source, sequence.Slot, shared);
        for (int i = shared; i < prompt.Length; i++) _rows.Add(prompt[i], sequence.Slot, i);
        sequence.LastRow = _rows.Count - 1;
        Begin();
        return true;

        void Begin()
        {
            _beginning.Add(sequence);
            _prompts[sequence.Slot] = null; // until the pass has filled it
        }
    }

    private int Shared(int slot, ReadOnlySpan<int> prompt) => _prompts[slot] is { } held ? Math.Min(prompt.CommonPrefixLength(held), prompt.Length - 1) : 0;

    private ReadOnlySpan<int> Sample(Tensor hidden, SamplingOptions options)
    {
        Set(_lastRows, static sequence => sequence.LastRow);
        Set(_streams, static sequence => (int)sequence.Stream);
        Set(_positions, static sequence => sequence.Answer.Count);
        Set(_sampled, static _ => 0);
        Tensor logits = _head.Logits(_model, hidden, _lastRows);
        _model.Device.Kernels.Sampling.Forward(
            _sampled.View, logits, _streams.View, _positions.View, new SamplingSettings(options.Temperature, options.TopK, options.TopP, options.Seed));
        return _sampled.Download();
    }

    private void Set(IndexBuffer buffer, Func<Sequence, int> value)
    {
        for (int i = 0; i < _sampling.Count; i++) _column[i] = value(_sampling[i]);
        buffer.Set(_column.AsSpan(0, _sampling.Count));
    }

    private sealed class Sequence(int index, int slot, SampleRequest request)
    {
        public int Request => index;

        public int Slot { get; } = slot;

        public int[] Prompt => request.Prompt;

        public uint Stream => request.Stream;

        public List<int> Answer { get; } = [];

        /// <summary>Tokens so far, the last of which is not yet in the cache.</summary>
        public int Length => Prompt.Length + Answer.Count;

        /// <summary>The row of the current pass that predicts the next token.</summary>
        public int LastRow { get; set; }

        /// <summary>The slot whose rows read the prompt: this one's, or that of an equal prompt in the same pass.</summary>
        public int ReadBy { get; set; } = slot;
    }
}
