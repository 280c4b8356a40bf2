using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Training;

/// <summary>
/// Next-token training: pretraining on windows of text and supervised fine-tuning on demonstrations differ only in their
/// rows. The loss is the mean negative log-likelihood over the counted tokens of the whole batch.
/// </summary>
public sealed class LanguageModelTrainer : Trainer
{
    private readonly Gpt _model;
    private readonly IReadOnlyList<TokenRow> _rows;
    private readonly TokenRow[] _evalRows, _batch;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly SequenceScorer _scorer;
    private readonly MicroBatches _microBatches;

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">The model, trained in place.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="evalRows">Held-out rows; may be empty.</param>
    public LanguageModelTrainer(TrainerConfiguration configuration, TrainingRun run, Gpt model, IReadOnlyList<TokenRow> rows, IReadOnlyList<TokenRow> evalRows)
        : base(configuration, run, rows.Count)
    {
        _model = Adapt(model);
        _rows = rows;
        _evalRows = [.. evalRows];
        _batch = new TokenRow[configuration.BatchSize];
        _microBatches = PlanMicroBatches(rows.Concat(evalRows).Max(PackedBatch.InputLength));
        _workspace = Own(new Workspace(model.Device, model.Config, _microBatches.Tokens, forBackward: true, configuration.Recompute, model.AdapterRank));
        _optimizer = Optimize(model, IsLanguage);
        _scorer = new SequenceScorer(_workspace);
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        DrawBatch(_rows, step, _batch);
        int counted = TokenRow.CountedOf(_batch);
        double loss = 0;
        int firstRow = 0;
        _optimizer.ZeroGradients();
        for (int start = 0, count; start < _batch.Length; start += count)
        {
            count = _microBatches.Next(_batch.AsSpan(start), PackedBatch.InputLength);
            var dropout = new ResidualDropout((float)Configuration.Dropout, Run.Seed, (uint)step, (uint)firstRow);
            loss += AddGradient(_model, _optimizer.Gradients, _workspace, _batch.AsSpan(start, count), 1.0 / counted, dropout);
            firstRow += _workspace.Batch.Rows;
        }

        metrics["loss"] = Finite("loss", loss / counted);
        metrics["grad_norm"] = _optimizer.Step(learningRate);
        metrics.Tokens += firstRow;
    }

    /// <summary>
    /// Adds the gradient of factor · Σ −log p(token) over the counted tokens of some rows: forward, head, backward.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the rows.</param>
    /// <param name="rows">The rows of one micro-batch.</param>
    /// <param name="factor">The factor: 1 / (counted tokens of the whole batch) for the mean.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>Σ −log p(token), without the factor.</returns>
    internal static double AddGradient(
        Gpt model, GptParameters gradients, Workspace workspace, ReadOnlySpan<TokenRow> rows, double factor, ResidualDropout dropout = default)
    {
        var kernels = model.Device.Kernels;
        workspace.Batch.SetInputs(rows);
        workspace.Targets.Set(rows);
        int tokens = workspace.Targets.Count;
        Tensor logprobs = workspace.Values.Slice(0, tokens), dLogprobs = workspace.DValues.Slice(0, tokens);
        Tensor dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows);

        var hidden = model.Forward(workspace.Batch, workspace.Activations, dropout);
        kernels.Elementwise.Fill(dHidden, 0);
        kernels.Elementwise.Fill(dLogprobs, (float)-factor);
        workspace.Language.ForwardBackward(model, gradients, hidden, dHidden, workspace.Targets, logprobs, dLogprobs);
        model.Backward(gradients, workspace.Batch, workspace.Activations, dHidden, dropout);
        return -workspace.Sum(logprobs);
    }

    /// <inheritdoc/>
    protected override void Evaluate(Metrics metrics)
    {
        if (_evalRows.Length > 0) metrics["eval/loss"] = _scorer.Loss(_model, _evalRows);
    }
}
