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
/// finished sequence leaves its slot of the cache to a waiting one at once.
/// </summary>
public sealed class Generator : IDisposable
{
    private readonly Gpt _model;
    private readonly GptActivations _activations;
    private readonly KvCache _cache;
    private readonly LanguageHead _head;
    private readonly DecodeRows _rows;
    private readonly IndexBuffer _lastRows, _streams, _positions, _sampled;

    /// <summary>Plans the memory.</summary>
    /// <param name="model">The model that answers.</param>
    /// <param name="slots">How many answers are sampled at once.</param>
    /// <param name="capacity">The most tokens of prompt and answer together, at most the model's positions.</param>
    public Generator(Gpt model, int slots, int capacity)
    {
        _model = model;
        _cache = new KvCache(model.Device, model.Config, slots, capacity);
        // Room for one token of every slot and one prompt more; prompts that do not fit wait for the next pass.
        _activations = new GptActivations(model.Device, model.Config, slots + Math.Max(capacity, 256), forBackward: false);
        _head = new LanguageHead(model.Device, model.Config, slots);
        _rows = new DecodeRows(model.Device);
        _lastRows = model.Device.AllocateIndices(slots);
        _streams = model.Device.AllocateIndices(slots);
        _positions = model.Device.AllocateIndices(slots);
        _sampled = model.Device.AllocateIndices(slots);
    }

    /// <summary>Samples one answer for every request.</summary>
    /// <param name="requests">The prompts.</param>
    /// <param name="options">How to sample.</param>
    /// <param name="onToken">Called with the request's index and the token, as tokens come; or null.</param>
    /// <param name="cancel">Checked before every pass.</param>
    /// <returns>The answers, in the order of the requests.</returns>
    /// <exception cref="ArgumentException">A prompt is empty or leaves no room for an answer, or no tokens are asked for.</exception>
    public IReadOnlyList<SampledAnswer> Generate(
        IReadOnlyList<SampleRequest> requests, SamplingOptions options, Action<int, int>? onToken = null, CancellationToken cancel = default)
    {
        if (options.MaxNewTokens < 1) throw new ArgumentException($"an answer of {options.MaxNewTokens} tokens was asked for; the least is 1");
        var answers = new SampledAnswer[requests.Count];
        var active = new Sequence?[_cache.Slots];
        int waiting = 0;
        foreach (var request in requests)
        {
            if (request.Prompt.Length is 0 || request.Prompt.Length >= _cache.Capacity)
                throw new ArgumentException($"a prompt of {request.Prompt.Length} tokens leaves no room in a context of {_cache.Capacity}");
        }

        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            _rows.Clear();
            List<Sequence> sampling = [];
            List<int> lastRows = [], streams = [], positions = [];
            for (int slot = 0; slot < active.Length; slot++)
            {
                if (active[slot] is { } sequence)
                {
                    _rows.Add(sequence.Answer[^1], slot, sequence.Length - 1);
                }
                else
                {
                    // Rows are reserved for the slots that come after this one.
                    if (waiting == requests.Count || _rows.Count + requests[waiting].Prompt.Length + (active.Length - slot - 1) > _activations.Capacity) continue;
                    int[] prompt = requests[waiting].Prompt;
                    active[slot] = sequence = new Sequence(waiting, slot, prompt.Length);
                    waiting++;
                    for (int i = 0; i < prompt.Length; i++) _rows.Add(prompt[i], slot, i);
                }

                sampling.Add(sequence);
                lastRows.Add(_rows.Count - 1);
                streams.Add((int)requests[sequence.Request].Stream);
                positions.Add(sequence.Answer.Count);
            }

            if (sampling.Count == 0) return answers;

            _rows.Upload();
            _lastRows.Set([.. lastRows]);
            _streams.Set([.. streams]);
            _positions.Set([.. positions]);
            var tokens = Sample(_model.Decode(_cache, _rows, _activations), options);
            for (int i = 0; i < sampling.Count; i++)
            {
                var sequence = sampling[i];
                sequence.Answer.Add(tokens[i]);
                onToken?.Invoke(sequence.Request, tokens[i]);
                bool ended = tokens[i] == options.EndOfText;
                if (!ended && sequence.Answer.Count < options.MaxNewTokens && sequence.Length < _cache.Capacity) continue;
                answers[sequence.Request] = new SampledAnswer([.. sequence.Answer], ended);
                active[sequence.Slot] = null;
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

    private ReadOnlySpan<int> Sample(Tensor hidden, SamplingOptions options)
    {
        Tensor logits = _head.Logits(_model, hidden, _lastRows);
        _sampled.Set(_lastRows.Host);
        _model.Device.Kernels.Sampling.Forward(
            _sampled.View, logits, _streams.View, _positions.View, new SamplingSettings(options.Temperature, options.TopK, options.TopP, options.Seed));
        return _sampled.Download();
    }

    private sealed record Sequence(int Request, int Slot, int PromptLength)
    {
        public List<int> Answer { get; } = [];

        /// <summary>Tokens so far, the last of which is not yet in the cache.</summary>
        public int Length => PromptLength + Answer.Count;
    }
}
