using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;

namespace NativeRlhf.Evaluation;

/// <summary>
/// Forward passes over lists of sequences, in micro-batches: log-probabilities of the counted tokens, scores of a reward
/// model, values of a value model. It is the same forward pass that training uses.
/// </summary>
/// <param name="workspace">Memory, planned for the models' shape.</param>
public sealed class SequenceScorer(Workspace workspace)
{
    private readonly ComputeDevice _device = workspace.Device;

    /// <summary>Log-probabilities of the counted tokens of every row.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="temperature">Logits are divided by it.</param>
    /// <param name="entropies">Receives the entropies in nats, row by row, or null.</param>
    /// <returns>For every row its counted tokens' natural log-probabilities.</returns>
    public float[][] LogProbs(Gpt model, IReadOnlyList<TokenRow> rows, float temperature = 1, IList<float[]>? entropies = null)
    {
        float[][] result = new float[rows.Count][];
        foreach (var (start, count) in Batches(rows, PackedBatch.InputLength))
        {
            var hidden = Pass(model, rows, start, count);
            Tensor logprobs = workspace.Values.Slice(0, workspace.Targets.Count);
            Tensor entropy = entropies is null ? Tensor.None : workspace.First.Slice(0, workspace.Targets.Count);
            workspace.Language.Forward(model, hidden, workspace.Targets, logprobs, entropy, temperature);
            Distribute(logprobs, rows, start, count, result);
            if (entropies is not null)
            {
                float[][] part = new float[rows.Count][];
                Distribute(entropy, rows, start, count, part);
                for (int i = start; i < start + count; i++) entropies.Add(part[i]);
            }
        }

        return result;
    }

    /// <summary>Scalars at the rows before the counted tokens: the values of a value model.</summary>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>For every row one value a counted token: the value of the state in which that token is chosen.</returns>
    public float[][] Values(Gpt model, IReadOnlyList<TokenRow> rows)
    {
        float[][] result = new float[rows.Count][];
        foreach (var (start, count) in Batches(rows, PackedBatch.InputLength))
        {
            var hidden = Pass(model, rows, start, count);
            Tensor values = workspace.Values.Slice(0, workspace.Targets.Count);
            workspace.Scalar.Forward(model, hidden, workspace.Targets.Rows, values);
            Distribute(values, rows, start, count, result);
        }

        return result;
    }

    /// <summary>Scalars at the last token: the scores of a reward model.</summary>
    /// <param name="model">A model with a scalar head.</param>
    /// <param name="sequences">The sequences.</param>
    /// <returns>One score a sequence.</returns>
    public float[] Scores(Gpt model, IReadOnlyList<int[]> sequences)
    {
        float[] scores = new float[sequences.Count];
        using var last = _device.AllocateIndices(sequences.Count);
        foreach (var (start, count) in Batches(sequences, tokens => tokens.Length))
        {
            workspace.Batch.Set([.. sequences.Skip(start).Take(count)]);
            last.Set(LastRows(workspace.Batch.Layout));
            var hidden = model.Forward(workspace.Batch, workspace.Activations);
            Tensor y = workspace.Values.Slice(0, count);
            workspace.Scalar.Forward(model, hidden, last, y);
            _device.Download(y, scores.AsSpan(start, count));
        }

        return scores;
    }

    /// <summary>The mean negative log-likelihood per counted token, in nats.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>The mean over all counted tokens.</returns>
    public double Loss(Gpt model, IReadOnlyList<TokenRow> rows)
    {
        double sum = 0;
        long count = 0;
        foreach (float[] logprobs in LogProbs(model, rows))
        {
            foreach (float logprob in logprobs) sum -= logprob;
            count += logprobs.Length;
        }

        return sum / count;
    }

    /// <summary>The last row of every sequence.</summary>
    /// <param name="layout">The sequences.</param>
    /// <returns>rows (S).</returns>
    public static int[] LastRows(SequenceLayout layout)
    {
        int[] rows = new int[layout.Sequences];
        for (int s = 0; s < rows.Length; s++) rows[s] = layout.Offsets.Host[s + 1] - 1;
        return rows;
    }

    private IEnumerable<(int Start, int Count)> Batches<T>(IReadOnlyList<T> rows, Func<T, int> length) =>
        new MicroBatches(0, workspace.Capacity).Split(rows, length);

    private Tensor Pass(Gpt model, IReadOnlyList<TokenRow> rows, int start, int count)
    {
        TokenRow[] part = [.. rows.Skip(start).Take(count)];
        workspace.Batch.SetInputs(part);
        workspace.Targets.Set(part);
        return model.Forward(workspace.Batch, workspace.Activations);
    }

    private void Distribute(Tensor values, IReadOnlyList<TokenRow> rows, int start, int count, float[][] result)
    {
        float[] flat = new float[values.Length];
        _device.Download(values, flat);
        int at = 0;
        for (int i = start; i < start + count; i++)
        {
            result[i] = flat[at..(at + rows[i].Counted)];
            at += rows[i].Counted;
        }
    }
}
