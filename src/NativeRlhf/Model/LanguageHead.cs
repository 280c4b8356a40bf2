using System.Runtime.InteropServices;
using NativeRlhf.Data;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// Fills dLogprobs[first .. first + count) from the log-probabilities of the same rows: the gradient of a loss that is a
/// sum over tokens.
/// </summary>
/// <param name="first">The first of the counted tokens.</param>
/// <param name="count">How many.</param>
public delegate void TokenLoss(int first, int count);

/// <summary>
/// The vocabulary head. Only the tokens that count go through it, in blocks of rows: the (M, V) logits never exist as a
/// whole. For each block: gather the hidden rows, logits = x·Wᵀ + b, log-probabilities; and, when training, the gradient of
/// the loss at them, turned back into dHidden and dW before the next block takes the memory.
/// </summary>
public sealed class LanguageHead : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly Arena _arena;
    private readonly Tensor _x, _dX, _logits, _dLogits, _lse;
    private readonly int _block;

    /// <summary>Plans the memory of one block.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="block">Rows of a block.</param>
    public LanguageHead(ComputeDevice device, GptConfig config, int block = 256)
    {
        _kernels = device.Kernels;
        _block = block;
        var operand = config.Precision.Operands();
        long width = (long)block * config.Width, logits = (long)block * config.VocabularySize;
        // Their gradient takes the place of the logits, unless it is of another type.
        long dLogits = operand == ElementType.Float32 ? 0 : Arena.AlignUp(logits, operand);
        _arena = device.AllocateArena(Arena.AlignUp(width, operand) + Arena.AlignUp(width) + Arena.AlignUp(logits) + dLogits + Arena.AlignUp(block), "heads");
        _x = _arena.Take(block, config.Width, "hidden of counted tokens", operand);
        _dX = _arena.Take(block, config.Width, "gradient of the hidden of counted tokens");
        _logits = _arena.Take(block, config.VocabularySize, "logits");
        _dLogits = dLogits == 0 ? _logits : _arena.Take(block, config.VocabularySize, "gradient of the logits", operand);
        _lse = _arena.Take(block, 1, "logits lse");
    }

    /// <summary>Log-probabilities of given tokens.</summary>
    /// <param name="model">The model whose output matrix is used.</param>
    /// <param name="hidden">hidden (N, C)</param>
    /// <param name="targets">The M tokens that count, and the rows that predict them.</param>
    /// <param name="logprobs">logprobs (M) =</param>
    /// <param name="entropy">entropy (M) =, or none</param>
    /// <param name="temperature">Logits are divided by it.</param>
    /// <param name="best">best (M) = the most probable token at each place, the first of several; or null.</param>
    public void Forward(Gpt model, Tensor hidden, Targets targets, Tensor logprobs, Tensor entropy, float temperature = 1, IndexBuffer? best = null)
    {
        for (int first = 0; first < targets.Count; first += _block)
        {
            int count = BlockForward(model, hidden, targets, first, logprobs, entropy, temperature);
            // Without a temperature nothing is drawn, so that streams and positions do not matter.
            var tokens = targets.Tokens.View.SubView(first, count);
            if (best is not null) _kernels.Sampling.Forward(best.View.SubView(first, count), _logits.Slice(0, count), tokens, tokens, new Kernels.Ops.SamplingSettings(0, 0, 1, 0));
        }
    }

    /// <summary>Log-probabilities, and the gradients of a loss that is a sum over tokens.</summary>
    /// <param name="model">The model whose output matrix is used.</param>
    /// <param name="gradients">Receives the gradient of the output matrix, if it holds one; +=.</param>
    /// <param name="hidden">hidden (N, C)</param>
    /// <param name="dHidden">dHidden (N, C) +=</param>
    /// <param name="targets">The M tokens that count, and the rows that predict them; no row twice.</param>
    /// <param name="logprobs">logprobs (M) =</param>
    /// <param name="dLogprobs">dLogprobs (M): filled by <paramref name="loss"/> block by block, or beforehand.</param>
    /// <param name="loss">Fills a block of dLogprobs; null where it is filled already.</param>
    /// <param name="temperature">Logits are divided by it.</param>
    public void ForwardBackward(
        Gpt model, GptParameters gradients, Tensor hidden, Tensor dHidden, Targets targets, Tensor logprobs, Tensor dLogprobs, TokenLoss? loss = null, float temperature = 1)
    {
        for (int first = 0; first < targets.Count; first += _block)
        {
            int count = BlockForward(model, hidden, targets, first, logprobs, Tensor.None, temperature);
            loss?.Invoke(first, count);
            Tensor logits = _logits.Slice(0, count), dLogits = _dLogits.Slice(0, count), dX = _dX.Slice(0, count);
            var tokens = targets.Tokens.View.SubView(first, count);
            _kernels.LogProb.Backward(dLogits, dLogprobs.Slice(first, count), _lse.Slice(0, count), logits, tokens, temperature);
            _kernels.MatMul.BackwardInput(dX, dLogits, model.Weights.Output, Kernels.Ops.WeightLayout.OutIn);
            if (!gradients.Output.IsNone) _kernels.MatMul.BackwardWeight(gradients.Output, gradients.OutputBias, _x.Slice(0, count), dLogits, Kernels.Ops.WeightLayout.OutIn);
            _kernels.Elementwise.ScatterAdd(dHidden, dX, targets.Rows.View.SubView(first, count));
        }
    }

    /// <summary>The logits of up to a block of rows.</summary>
    /// <param name="model">The model whose output matrix is used.</param>
    /// <param name="hidden">hidden (N, C)</param>
    /// <param name="rows">The rows wanted.</param>
    /// <returns>logits (rows, V), valid until the next call.</returns>
    public Tensor Logits(Gpt model, Tensor hidden, IndexBuffer rows)
    {
        if (rows.Length > _block) throw new ArgumentException($"{rows.Length} rows exceed the block of {_block}");
        Tensor x = _x.Slice(0, rows.Length), logits = _logits.Slice(0, rows.Length);
        _kernels.Elementwise.Gather(x, hidden, rows.View);
        _kernels.MatMul.Forward(logits, x, model.Weights.Output, model.Weights.OutputBias, Kernels.Ops.WeightLayout.OutIn);
        return logits;
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();

    private int BlockForward(Gpt model, Tensor hidden, Targets targets, int first, Tensor logprobs, Tensor entropy, float temperature)
    {
        int count = Math.Min(_block, targets.Count - first);
        model.Config.RequireTokens(targets.Tokens.Host.Slice(first, count));
        Tensor x = _x.Slice(0, count), logits = _logits.Slice(0, count);
        _kernels.Elementwise.Gather(x, hidden, targets.Rows.View.SubView(first, count));
        _kernels.MatMul.Forward(logits, x, model.Weights.Output, model.Weights.OutputBias, Kernels.Ops.WeightLayout.OutIn);
        _kernels.LogProb.Forward(
            logprobs.Slice(first, count), _lse.Slice(0, count), entropy.IsNone ? entropy : entropy.Slice(first, count),
            logits, targets.Tokens.View.SubView(first, count), temperature);
        return count;
    }
}

/// <summary>The tokens of a batch that count: for each the row whose hidden state predicts it, and the token.</summary>
public sealed class Targets : IDisposable
{
    private readonly List<int> _rows = [], _tokens = [];

    /// <summary>No targets.</summary>
    /// <param name="device">The device that will read them.</param>
    public Targets(ComputeDevice device)
    {
        Rows = device.AllocateIndices(256);
        Tokens = device.AllocateIndices(256);
    }

    /// <summary>M, the number of tokens that count.</summary>
    public int Count => Rows.Length;

    /// <summary>rows (M): the packed row before each counted token</summary>
    public IndexBuffer Rows { get; }

    /// <summary>tokens (M): the counted tokens</summary>
    public IndexBuffer Tokens { get; }

    /// <summary>Collects the counted tokens of rows.</summary>
    /// <param name="batch">The batch that <see cref="PackedBatch.SetInputs"/> packed them into.</param>
    /// <param name="rows">The rows.</param>
    public void Set(PackedBatch batch, ReadOnlySpan<TokenRow> rows)
    {
        _rows.Clear();
        _tokens.Clear();
        for (int s = 0; s < rows.Length; s++)
        {
            for (int i = rows[s].CountedFrom; i < rows[s].Tokens.Length; i++)
            {
                _rows.Add(batch.RowOf(s, i - 1));
                _tokens.Add(rows[s].Tokens[i]);
            }
        }

        Rows.Set(CollectionsMarshal.AsSpan(_rows));
        Tokens.Set(CollectionsMarshal.AsSpan(_tokens));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rows.Dispose();
        Tokens.Dispose();
    }
}
