using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Evaluation;

/// <summary>How probable is a continuation after a context?</summary>
/// <param name="Context">The text before it; if empty, the continuation follows the token with which texts begin.</param>
/// <param name="Continuation">The text whose probability is asked for, not empty.</param>
/// <param name="Place">Where it came from.</param>
public sealed record LikelihoodRequest(string Context, string Continuation, RowPlace Place);

/// <summary>How probable a text is.</summary>
/// <param name="LogProbability">The sum of its tokens' log-probabilities, in nats.</param>
/// <param name="Tokens">How many tokens that are.</param>
/// <param name="IsGreedy">Whether each of them is the most probable one at its place; false where that was not asked for.</param>
/// <param name="IsTruncated">Whether the beginning of the context did not fit into the model's positions.</param>
public readonly record struct Likelihood(double LogProbability, int Tokens, bool IsGreedy, bool IsTruncated);

/// <summary>
/// Log-likelihoods of texts under a model, by the rules of the Language Model Evaluation Harness (EleutherAI, lm-evaluation-harness 0.4:
/// <c>loglikelihood</c> and <c>loglikelihood_rolling</c> of <c>TemplateLM</c> and <c>HFLM</c>):
/// <list type="bullet">
/// <item>White space at the end of a context is moved to the beginning of the continuation. Context ⧺ continuation is tokenized as one text,
/// and the continuation's tokens are those after as many as the context has by itself.</item>
/// <item>No beginning-of-text token is put before a context; an empty context is that token (<c>bos_token_id</c>, else
/// <c>eos_token_id</c>).</item>
/// <item>Of more than P + 1 tokens, P the model's positions, the last P + 1 are kept; the last one is predicted and not read.</item>
/// </list>
/// </summary>
public sealed class LikelihoodScorer : IDisposable
{
    // How many requests are tokenized at once: between two of such portions it can be cancelled and progress be shown.
    private const int Portion = 64;

    private readonly Gpt _model;
    private readonly TextTokenizer _tokenizer;
    private readonly Workspace _workspace;
    private readonly SequenceScorer _scorer;

    /// <summary>Plans the memory.</summary>
    /// <param name="model">The model; not disposed of.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    public LikelihoodScorer(Gpt model, TextTokenizer tokenizer)
    {
        (_model, _tokenizer) = (model, tokenizer);
        _workspace = new Workspace(model.Device, model.Config, Math.Max(2048, model.Config.Positions), forBackward: false, adapterRank: model.AdapterRank);
        _scorer = new SequenceScorer(_workspace);
    }

    /// <summary>Receives how many of how many requests are done.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Checked between portions of requests.</summary>
    public CancellationToken Cancel { get; init; }

    /// <summary>The token that stands for an empty context.</summary>
    /// <exception cref="InputException">The model has none.</exception>
    private int Prefix => _model.Config.BosToken ?? _model.Config.EosToken ?? _tokenizer.EndOfText
        ?? throw new InputException("the model has no token with which a text begins; give bos_token_id or eos_token_id in its config.json");

    /// <summary>Log-likelihoods of continuations.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="greedy">Whether to find out if the continuation is what greedy decoding gives.</param>
    /// <returns>One result each, in their order.</returns>
    /// <exception cref="InputException">A text cannot be tokenized, or a continuation does not fit into the model's positions.</exception>
    public Likelihood[] Score(IReadOnlyList<LikelihoodRequest> requests, bool greedy = false)
    {
        var results = new Likelihood[requests.Count];
        for (int start = 0; start < requests.Count; start += Portion)
        {
            Cancel.ThrowIfCancellationRequested();
            int count = Math.Min(Portion, requests.Count - start);
            var rows = new TokenRow[count];
            bool[] truncated = new bool[count];
            for (int i = 0; i < count; i++) rows[i] = Encode(requests[start + i], out truncated[i]);

            float[] logprobs = new float[TokenRow.CountedOf(rows)];
            int[] best = new int[greedy ? logprobs.Length : 0];
            if (greedy) _scorer.LogProbs(_model, rows, logprobs, best);
            else _scorer.LogProbs(_model, rows, logprobs, temperature: 1);
            for (int i = 0, at = 0; i < count; at += rows[i++].Counted)
            {
                var row = rows[i];
                double sum = 0;
                foreach (float logprob in logprobs.AsSpan(at, row.Counted)) sum += logprob;
                bool isGreedy = greedy && row.Tokens.AsSpan(row.CountedFrom).SequenceEqual(best.AsSpan(at, row.Counted));
                results[start + i] = new Likelihood(sum, row.Counted, isGreedy, truncated[i]);
            }

            Progress?.Invoke(start + count, requests.Count);
        }

        return results;
    }

    /// <summary>
    /// Log-likelihoods of whole texts of any length, each token predicted once: after the prefix token the first P tokens; then windows of P
    /// tokens, each read after the one token before it; the last window, which is shorter, is read after as many tokens before it
    /// as fit (<c>get_rolling_token_windows</c> with a context of 1, and <c>make_disjoint_window</c>).
    /// </summary>
    /// <param name="texts">The texts.</param>
    /// <returns>One result each, in their order; none is truncated.</returns>
    /// <exception cref="InputException">A text cannot be tokenized.</exception>
    public Likelihood[] Rolling(IReadOnlyList<(string Text, RowPlace Place)> texts)
    {
        var results = new Likelihood[texts.Count];
        for (int i = 0; i < texts.Count; i++)
        {
            Cancel.ThrowIfCancellationRequested();
            TokenRow[] rows = [.. Windows([Prefix, .. Encode(texts[i].Text, texts[i].Place)], _model.Config.Positions)];
            results[i] = new Likelihood(_scorer.LogProbs(_model, rows).Sum(row => row.Sum(logprob => (double)logprob)), TokenRow.CountedOf(rows), false, false);
            Progress?.Invoke(i + 1, texts.Count);
        }

        return results;
    }

    /// <summary>The windows of <see cref="Rolling"/>.</summary>
    /// <param name="tokens">The prefix token and the text.</param>
    /// <param name="positions">P.</param>
    /// <returns>Rows of at most P + 1 tokens whose counted tokens together are the text.</returns>
    public static IEnumerable<TokenRow> Windows(int[] tokens, int positions)
    {
        for (int from = 1; from < tokens.Length; from += positions)
        {
            int end = Math.Min(from + positions, tokens.Length);
            int begin = Math.Max(0, end - positions - 1);
            yield return new TokenRow(tokens[begin..end], from - begin);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _workspace.Dispose();

    private TokenRow Encode(LikelihoodRequest request, out bool isTruncated)
    {
        string context = request.Context.TrimEnd(), continuation = request.Context[context.Length..] + request.Continuation;
        int[] before = request.Context.Length == 0 ? [Prefix] : Encode(context, request.Place);
        int[] whole = request.Context.Length == 0 ? [Prefix, .. Encode(continuation, request.Place)] : Encode(context + continuation, request.Place);
        int longest = _model.Config.Positions + 1, counted = whole.Length - before.Length;
        if (counted <= 0) throw request.Place.Error("nothing is left to predict: the continuation has no token of its own");
        if (counted > _model.Config.Positions)
            throw request.Place.Error($"the continuation has {counted} tokens and the model {_model.Config.Positions} positions; evaluate a model with longer contexts");
        // White space alone is a context without tokens once it is moved; something must come before the first token.
        if (before.Length == 0) whole = [Prefix, .. whole];
        isTruncated = whole.Length > longest;
        if (isTruncated) whole = whole[^longest..];
        return new TokenRow(whole, whole.Length - counted);
    }

    private int[] Encode(string text, RowPlace place)
    {
        try
        {
            return _tokenizer.Encode(text);
        }
        catch (InputException e)
        {
            throw place.Error(e.Message, e);
        }
    }
}
