using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
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
    private readonly IReadOnlyList<RankedRow> _rows, _evalRows;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly MicroBatches _microBatches;
    private readonly IndexBuffer _lastRows, _winners, _losers;
    private readonly Arena _arena;
    private readonly Tensor _weights;

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">A model with a scalar head, trained in place.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    public RewardTrainer(RewardConfiguration configuration, TrainingRun run, Gpt model, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows)
        : base(configuration, run, rows.Count)
    {
        _model = model;
        _rows = rows;
        _evalRows = evalRows;
        _microBatches = PlanMicroBatches(rows.Concat(evalRows).Max(Length));
        _workspace = Own(new Workspace(model.Device, model.Config, _microBatches.Tokens, forBackward: true));
        _optimizer = Own(new AdamWOptimizer(model, OptimizerSettings, spec => !spec.Name.StartsWith("lm_head.", StringComparison.Ordinal)));
        _lastRows = Own(model.Device.AllocateIndices(64));
        _winners = Own(model.Device.AllocateIndices(64));
        _losers = Own(model.Device.AllocateIndices(64));
        int mostPairs = _microBatches.Split(rows, Length).Concat(_microBatches.Split(evalRows, Length)).Max(part => part.Count) * rows.Concat(evalRows).Max(row => row.Pairs.Length);
        _arena = Own(model.Device.AllocateArena(Math.Max(mostPairs, configuration.BatchSize * rows.Max(row => row.Pairs.Length))));
        _weights = _arena.Take(1, (int)_arena.Capacity);
    }

    /// <summary>The gradient of the latest step.</summary>
    internal GptParameters Gradients => _optimizer.Gradients;

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        var batch = DrawBatch(_rows, step);
        var sums = default(PairSums);
        int firstRow = 0;
        _optimizer.ZeroGradients();
        foreach (var (start, count) in _microBatches.Split(batch, Length))
        {
            var dropout = new ResidualDropout((float)Configuration.Dropout, Run.Seed, (uint)step, (uint)firstRow);
            var hidden = Scores(batch.AsSpan(start, count), 1.0 / batch.Length, dropout, out Tensor dScores, ref sums);
            Tensor dHidden = _workspace.DHidden.Slice(0, hidden.Rows);
            _model.Device.Kernels.Elementwise.Fill(dHidden, 0);
            _workspace.Scalar.Backward(_model, _optimizer.Gradients, dHidden, _lastRows, dScores);
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
        if (_evalRows.Count == 0) return;
        var sums = default(PairSums);
        RankedRow[] rows = [.. _evalRows];
        foreach (var (start, count) in _microBatches.Split(rows, Length)) Scores(rows.AsSpan(start, count), 1.0 / rows.Length, default, out _, ref sums);
        metrics["eval/loss"] = sums.Loss;
        metrics["eval/accuracy"] = sums.Correct / sums.Pairs;
    }

    /// <inheritdoc/>
    protected override void WriteState(string folder)
    {
        ModelDirectory.WriteFiles(folder, _model.Config, _model.Weights, _model.Device, Run.Tokenizer);
        OptimizerState.Write(folder, _optimizer, _model.Device);
    }

    /// <inheritdoc/>
    protected override void ReadState(string folder, TrainerState state)
    {
        ModelDirectory.ReadParameters(Path.Combine(folder, SafeTensorsSet.FileName), _model.Weights, _model.Device);
        OptimizerState.Read(folder, _optimizer, _model.Device, state.Step);
    }

    /// <inheritdoc/>
    protected override void WriteFinal(string folder) => ModelDirectory.WriteFiles(folder, _model.Config, _model.Weights, _model.Device, Run.Tokenizer);

    private static int Length(RankedRow row) => row.Answers.Sum(answer => answer.Tokens.Length);

    /// <summary>
    /// Runs every answer of some prompts once and compares all their pairs; each prompt weighs the same, and so does each of
    /// its pairs.
    /// </summary>
    private Tensor Scores(ReadOnlySpan<RankedRow> prompts, double promptWeight, ResidualDropout dropout, out Tensor dScores, ref PairSums sums)
    {
        List<int[]> answers = [];
        List<int> winners = [], losers = [];
        List<float> weights = [];
        foreach (var prompt in prompts)
        {
            foreach (var pair in prompt.Pairs)
            {
                winners.Add(answers.Count + pair.Better);
                losers.Add(answers.Count + pair.Worse);
                weights.Add((float)(promptWeight / prompt.Pairs.Length));
            }

            answers.AddRange(prompt.Answers.Select(answer => answer.Tokens));
        }

        _workspace.Batch.Set([.. answers]);
        _lastRows.Set(SequenceScorer.LastRows(_workspace.Batch.Layout));
        _winners.Set([.. winners]);
        _losers.Set([.. losers]);
        Tensor pairWeights = _weights.Reshape(1, weights.Count);
        _model.Device.Upload(pairWeights, [.. weights]);

        Tensor scores = _workspace.Values.Slice(0, answers.Count), statistics = _workspace.Statistics.Reshape(1, RankingLoss.StatisticsLength);
        dScores = _workspace.DValues.Slice(0, answers.Count);
        var hidden = _model.Forward(_workspace.Batch, _workspace.Activations, dropout);
        _workspace.Scalar.Forward(_model, hidden, _lastRows, scores);
        _model.Device.Kernels.RankingLoss.Forward(statistics, dScores, scores, _winners.View, _losers.View, pairWeights);

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
