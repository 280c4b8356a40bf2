using System.Runtime.InteropServices;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Training;

/// <summary>
/// A reward model from rankings, as in the InstructGPT paper: every answer is run forward once, all pairs of a prompt are one
/// batch element, loss = mean over prompts of the mean over that prompt's pairs of −log σ(r(better) − r(worse)).
/// </summary>
public sealed class RewardTrainer : Trainer
{
    private readonly Gpt _model;
    private readonly IReadOnlyList<RankedRow> _rows;
    private readonly RankedRow[] _evalRows, _batch;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly MicroBatches _microBatches;
    private readonly IndexBuffer _winners, _losers;
    private readonly Tensor _weights;

    // The answers of a micro-batch; its pairs and their weights.
    private readonly List<int[]> _answers = [];
    private readonly List<int> _better = [], _worse = [];
    private readonly List<float> _pairWeights = [];

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">A model with a scalar head, trained in place.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    public RewardTrainer(RewardConfiguration configuration, TrainingRun run, Gpt model, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows)
        : base(configuration, run, rows.Count)
    {
        _model = Adapt(model);
        _rows = rows;
        _evalRows = [.. evalRows];
        _batch = new RankedRow[configuration.BatchSize];
        _microBatches = PlanMicroBatches(rows.Concat(evalRows).Max(Length));
        _workspace = Own(new Workspace(model.Device, model.Config, _microBatches.Tokens, forBackward: true, configuration.Recompute, model.AdapterRank));
        _optimizer = Optimize(model, IsScalar);
        _winners = Own(model.Device.AllocateIndices(64));
        _losers = Own(model.Device.AllocateIndices(64));
        int mostRows = _microBatches.Rows > 0 ? _microBatches.Rows : Math.Max(1, _microBatches.Tokens / rows.Concat(evalRows).Min(Length));
        int mostPairs = mostRows * rows.Concat(evalRows).Max(row => row.Pairs.Length);
        _weights = Own(model.Device.AllocateArena(mostPairs, "heads")).Take(1, mostPairs);
    }

    /// <summary>The gradient of the latest step.</summary>
    internal GptParameters Gradients => _optimizer.Gradients;

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        DrawBatch(_rows, step, _batch);
        var sums = default(PairSums);
        int firstRow = 0;
        _optimizer.ZeroGradients();
        for (int start = 0, count; start < _batch.Length; start += count)
        {
            count = _microBatches.Next(_batch.AsSpan(start), Length);
            var dropout = new ResidualDropout((float)Configuration.Dropout, Run.Seed, (uint)step, (uint)firstRow);
            var hidden = Scores(_batch.AsSpan(start, count), 1.0 / _batch.Length, dropout, out Tensor dScores, ref sums);
            Tensor dHidden = _workspace.DHidden.Slice(0, hidden.Rows);
            _model.Device.Kernels.Elementwise.Fill(dHidden, 0);
            _workspace.Scalar.Backward(_model, _optimizer.Gradients, dHidden, _workspace.Batch.LastRows, dScores);
            _model.Backward(_optimizer.Gradients, _workspace.Batch, _workspace.Activations, dHidden, dropout);
            firstRow += hidden.Rows;
        }

        metrics["loss"] = sums.Loss;
        metrics["accuracy"] = sums.Correct / sums.Pairs;
        metrics["margin"] = sums.Margin / sums.Pairs;
        metrics["grad_norm"] = _optimizer.Step(learningRate);
        metrics.Tokens += firstRow;
    }

    /// <inheritdoc/>
    protected override void Evaluate(Metrics metrics)
    {
        if (_evalRows.Length == 0) return;
        var sums = default(PairSums);
        for (int start = 0, count; start < _evalRows.Length; start += count)
        {
            count = _microBatches.Next(_evalRows.AsSpan(start), Length);
            Scores(_evalRows.AsSpan(start, count), 1.0 / _evalRows.Length, default, out _, ref sums);
        }

        metrics["eval/loss"] = sums.Loss;
        metrics["eval/accuracy"] = sums.Correct / sums.Pairs;
    }

    private static int Length(RankedRow row)
    {
        int tokens = 0;
        foreach (var answer in row.Answers) tokens += answer.Tokens.Length;
        return tokens;
    }

    /// <summary>
    /// Runs every answer of some prompts once and compares all their pairs; each prompt weighs the same, and so does each of
    /// its pairs.
    /// </summary>
    private Tensor Scores(ReadOnlySpan<RankedRow> prompts, double promptWeight, ResidualDropout dropout, out Tensor dScores, ref PairSums sums)
    {
        _answers.Clear();
        _better.Clear();
        _worse.Clear();
        _pairWeights.Clear();
        foreach (var prompt in prompts)
        {
            foreach (var pair in prompt.Pairs)
            {
                _better.Add(_answers.Count + pair.Better);
                _worse.Add(_answers.Count + pair.Worse);
                _pairWeights.Add((float)(promptWeight / prompt.Pairs.Length));
            }

            foreach (var answer in prompt.Answers) _answers.Add(answer.Tokens);
        }

        _workspace.Batch.Set(CollectionsMarshal.AsSpan(_answers));
        _winners.Set(CollectionsMarshal.AsSpan(_better));
        _losers.Set(CollectionsMarshal.AsSpan(_worse));
        Tensor weights = _weights.Reshape(1, _pairWeights.Count);
        _model.Device.Upload(weights, CollectionsMarshal.AsSpan(_pairWeights));

        Tensor scores = _workspace.Values.Slice(0, _answers.Count), statistics = _workspace.Statistics.Reshape(1, RankingLoss.StatisticsLength);
        dScores = _workspace.DValues.Slice(0, _answers.Count);
        var hidden = _model.Forward(_workspace.Batch, _workspace.Activations, dropout);
        _workspace.Scalar.Forward(_model, hidden, _workspace.Batch.LastRows, scores);
        _model.Device.Kernels.RankingLoss.Forward(statistics, dScores, scores, _winners.View, _losers.View, weights);

        Span<float> values = stackalloc float[RankingLoss.StatisticsLength];
        _model.Device.Download(statistics, values);
        sums.Loss += values[0];
        sums.Correct += values[1];
        sums.Margin += values[2];
        sums.Pairs += values[3];
        return hidden;
    }

    private struct PairSums
    {
        public double Loss, Correct, Margin, Pairs;
    }
}
