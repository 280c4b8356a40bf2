using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;

namespace NativeRlhf.Evaluation;

/// <summary>
/// Forward passes over lists of sequences, in micro-batches: log-probabilities of the counted tokens, scores of a reward
/// model, values of a value model. It is the same forward pass that training uses. Results of several rows lie packed, one
/// row's counted tokens after another's; <see cref="Unpack"/> separates them. What neighbours begin with, as the answers to one
/// prompt do, is run once.
/// </summary>
/// <param name="workspace">Memory, planned for the models' shape.</param>
public sealed class SequenceScorer(Workspace workspace)
{
    private readonly ComputeDevice _device = workspace.Device;
    private readonly MicroBatches _microBatches = new(0, workspace.Capacity);

    /// <summary>Log-probabilities of the counted tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows, M counted tokens in all.</param>
    /// <param name="logprobs">logprobs (M) =: natural logarithms</param>
    /// <param name="entropies">entropies (M) = in nats, or empty</param>
    /// <param name="temperature">Logits are divided by it.</param>
    public void LogProbs(Gpt model, ReadOnlySpan<TokenRow> rows, Span<float> logprobs, Span<float> entropies = default, float temperature = 1)
    {
        for (int start = 0, count; start < rows.Length; start += count)
        {
            var hidden = Pass(model, rows[start..], out count);
            int tokens = workspace.Targets.Count;
            Tensor y = workspace.Values.Slice(0, tokens), entropy = entropies.IsEmpty ? Tensor.None : workspace.First.Slice(0, tokens);
            workspace.Language.Forward(model, hidden, workspace.Targets, y, entropy, temperature);
            _device.Download(y, logprobs[..tokens]);
            logprobs = logprobs[tokens..];
            if (entropies.IsEmpty) continue;
            _device.Download(entropy, entropies[..tokens]);
            entropies = entropies[tokens..];
        }
    }

    /// <summary>Log-probabilities of the counted tokens, and which token would have been the most probable in place of each.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows, M counted tokens in all.</param>
    /// <param name="logprobs">logprobs (M) =: natural logarithms</param>
    /// <param name="best">best (M) =: token ids, the first of several</param>
    public void LogProbs(Gpt model, ReadOnlySpan<TokenRow> rows, Span<float> logprobs, Span<int> best)
    {
        using var found = _device.AllocateIndices(256);
        for (int start = 0, count; start < rows.Length; start += count)
        {
            var hidden = Pass(model, rows[start..], out count);
            int tokens = workspace.Targets.Count;
            Tensor y = workspace.Values.Slice(0, tokens);
            found.Set(workspace.Targets.Tokens.Host);
            workspace.Language.Forward(model, hidden, workspace.Targets, y, Tensor.None, best: found);
            _device.Download(y, logprobs[..tokens]);
            found.Download().CopyTo(best);
            logprobs = logprobs[tokens..];
            best = best[tokens..];
        }
    }

    /// <summary>Log-probabilities of the counted tokens of every row.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="temperature">Logits are divided by it.</param>
    /// <returns>For every row its counted tokens' natural log-probabilities.</returns>
    public float[][] LogProbs(Gpt model, ReadOnlySpan<TokenRow> rows, float temperature = 1)
    {
        float[] logprobs = new float[TokenRow.CountedOf(rows)];
        LogProbs(model, rows, logprobs, temperature: temperature);
        return Unpack(rows, logprobs);
    }

    /// <summary>Scalars at the rows before the counted tokens: the values of a value model.</summary>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="rows">The rows, M counted tokens in all.</param>
    /// <param name="values">values (M) =: the value of the state in which each token is chosen</param>
    public void Values(Gpt model, ReadOnlySpan<TokenRow> rows, Span<float> values)
    {
        for (int start = 0, count; start < rows.Length; start += count)
        {
            var hidden = Pass(model, rows[start..], out count);
            Tensor y = workspace.Values.Slice(0, workspace.Targets.Count);
            workspace.Scalar.Forward(model, hidden, workspace.Targets.Rows, y);
            _device.Download(y, values[..y.Rows]);
            values = values[y.Rows..];
        }
    }

    /// <summary>Scalars at the last token: the scores of a reward model.</summary>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="sequences">The sequences.</param>
    /// <returns>One score a sequence.</returns>
    public float[] Scores(Gpt model, ReadOnlySpan<int[]> sequences)
    {
        float[] scores = new float[sequences.Length];
        for (int start = 0, count; start < sequences.Length; start += count)
        {
            count = _microBatches.Next(sequences[start..], static tokens => tokens.Length);
            workspace.Batch.Set(sequences.Slice(start, count), static tokens => tokens, groupOf: static _ => 0);
            var hidden = model.Forward(workspace.Batch, workspace.Activations);
            Tensor y = workspace.Values.Slice(0, count);
            workspace.Scalar.Forward(model, hidden, workspace.Batch.LastRows, y);
            _device.Download(y, scores.AsSpan(start, count));
        }

        return scores;
    }

    /// <summary>The mean negative log-likelihood per counted token, in nats.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>The mean over all counted tokens.</returns>
    public double Loss(Gpt model, ReadOnlySpan<TokenRow> rows)
    {
        float[] logprobs = new float[TokenRow.CountedOf(rows)];
        LogProbs(model, rows, logprobs, temperature: 1);
        double sum = 0;
        foreach (float logprob in logprobs) sum -= logprob;
        return sum / logprobs.Length;
    }

    /// <summary>Separates packed results.</summary>
    /// <param name="rows">The rows, M counted tokens in all.</param>
    /// <param name="packed">packed (M): one value a counted token</param>
    /// <returns>For every row its counted tokens' values.</returns>
    public static float[][] Unpack(ReadOnlySpan<TokenRow> rows, ReadOnlySpan<float> packed)
    {
        float[][] result = new float[rows.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            result[i] = packed[..rows[i].Counted].ToArray();
            packed = packed[rows[i].Counted..];
        }

        return result;
    }

    /// <summary>Runs as many of the rows as fit at once.</summary>
    private Tensor Pass(Gpt model, ReadOnlySpan<TokenRow> rest, out int count)
    {
        count = _microBatches.Next(rest, PackedBatch.InputLength);
        workspace.Batch.SetInputs(rest[..count], share: true);
        workspace.Targets.Set(workspace.Batch, rest[..count]);
        return model.Forward(workspace.Batch, workspace.Activations);
    }
}
