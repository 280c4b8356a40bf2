using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rl;

namespace NativeRlhf.Training;

/// <summary>
/// A reward model from rankings, as in the InstructGPT paper: every answer is run forward once, the prompt once for all
/// of them, all pairs of a prompt are one batch element, loss = mean over prompts of the mean over that prompt's pairs of −log σ(r(better) − r(worse)).
/// </summary>
/// <remarks>
/// Several models may be trained side by side as an ensemble. Member i has the seed of the run plus i, and is to the bit what a
/// run of its own with that seed would have trained. Metrics of a step are means over members; those of an evaluation are of the
/// mean of the members' scores.
/// </remarks>
public sealed class RewardTrainer : Trainer
{
    /// <summary>The latest evaluation's calibration, by bins, in the folder of the run.</summary>
    public const string CalibrationName = "calibration.json";

    private readonly RewardConfiguration _configuration;
    private readonly IReadOnlyList<RankedRow> _rows;
    private readonly RankedRow[] _evalRows, _batch;
    private readonly int[][] _references;
    private readonly Member[] _members;
    private readonly Workspace _workspace;
    private readonly SequenceScorer _scorer;
    private readonly MicroBatches _microBatches;
    private readonly IndexBuffer _winners, _losers;
    private readonly Tensor _weights;

    // The answers of a micro-batch; its pairs and their weights.
    private readonly List<(int[] Tokens, int Prompt)> _answers = [];
    private readonly List<int> _better = [], _worse = [];
    private readonly List<float> _pairWeights = [];

    /// <summary>Plans the memory of a run that trains one model.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">A model with a scalar head, trained in place.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    /// <exception cref="InputException">There are no reference answers to normalise by.</exception>
    public RewardTrainer(RewardConfiguration configuration, TrainingRun run, Gpt model, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows)
        : this(configuration, run, [model], rows, evalRows, [])
    {
    }

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="members">Models of one shape with scalar heads, trained in place; one, or the members of an ensemble.</param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    /// <param name="references">Answers whose scores are normalised; empty for the best-ranked answers of <paramref name="rows"/>.</param>
    /// <exception cref="InputException">There are not enough reference answers to normalise by.</exception>
    public RewardTrainer(
        RewardConfiguration configuration, TrainingRun run, IReadOnlyList<Gpt> members, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows, IReadOnlyList<TokenRow> references)
        : base(configuration, run, rows.Count)
    {
        if (members.Count != configuration.Ensemble) throw new ArgumentException($"{members.Count} models for an ensemble of {configuration.Ensemble}", nameof(members));
        _configuration = configuration;
        _rows = rows;
        _evalRows = [.. evalRows];
        _batch = new RankedRow[configuration.BatchSize];
        _references = configuration.Normalization == Normalization.None ? []
            : references.Count > 0 ? [.. references.Select(row => row.Tokens)]
            : [.. rows.SelectMany(row => row.Answers.Where((_, k) => row.Ranks[k] == row.Ranks.Min())).Select(answer => answer.Tokens)];
        if (configuration.Normalization == Normalization.Unit && _references.All(tokens => tokens.SequenceEqual(_references[0])))
            throw new InputException("normalization is unit, but all reference answers are the same; give other --reference-data, or set normalization to bias");
        _microBatches = PlanMicroBatches(Math.Max(rows.Concat(evalRows).Max(Length), _references.Select(tokens => tokens.Length).DefaultIfEmpty().Max()));
        var (device, shape) = (members[0].Device, members[0].Config);
        for (int i = 0; i < members.Count; i++) Adapt(members[i], run.Seed + (ulong)i);
        _workspace = Own(new Workspace(device, shape, _microBatches.Tokens, forBackward: true, configuration.Recompute, members[0].AdapterRank));
        _scorer = new SequenceScorer(_workspace);
        _members = [.. members.Select((model, i) => new Member(
            model, Optimize(model, IsScalar, i == 0 ? "" : Folder(i)), run.Seed + (ulong)i, new RowOrder(run.Seed + (ulong)i, rows.Count, configuration.Shuffle)))];
        _winners = Own(device.AllocateIndices(64));
        _losers = Own(device.AllocateIndices(64));
        int mostRows = _microBatches.Rows > 0 ? _microBatches.Rows : Math.Max(1, _microBatches.Tokens / rows.Min(Length));
        int mostPairs = mostRows * rows.Max(row => row.Pairs.Length);
        _weights = Own(device.AllocateArena(mostPairs, "heads")).Take(1, mostPairs);
    }

    /// <summary>The gradient of the latest step, of the first member.</summary>
    internal GptParameters Gradients => _members[0].Optimizer.Gradients;

    /// <summary>The folder of a member of an ensemble within that of the ensemble.</summary>
    /// <param name="member">The member, from 0.</param>
    /// <returns><c>member-0</c> and so on.</returns>
    public static string Folder(int member) => $"member-{member}";

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        var sums = default(PairSums);
        double gradientNorm = 0;
        // A member's update is all that is run again where a number is not finite: those before it have changed their weights.
        foreach (var member in _members) Replayable(step, () => Update(member));
        metrics["loss"] = sums.Loss / _members.Length;
        metrics["accuracy"] = sums.Correct / sums.Pairs;
        metrics["margin"] = sums.Margin / sums.Pairs;
        metrics["grad_norm"] = gradientNorm / _members.Length;

        void Update(Member member)
        {
            DrawBatch(_rows, step, _batch, member.Order);
            double before = sums.Loss;
            int firstRow = 0;
            member.Optimizer.ZeroGradients();
            for (int start = 0, count; start < _batch.Length; start += count)
            {
                count = _microBatches.Next(_batch.AsSpan(start), Length);
                var dropout = new ResidualDropout((float)Configuration.Dropout, member.Seed, (uint)step, (uint)firstRow);
                var hidden = Compare(member.Model, _batch.AsSpan(start, count), 1.0 / _batch.Length, dropout, out Tensor dScores, ref sums);
                Tensor dHidden = _workspace.DHidden.Slice(0, hidden.Rows);
                _workspace.Device.Kernels.Elementwise.Fill(dHidden, 0);
                _workspace.Scalar.Backward(member.Model, member.Optimizer.Gradients, dHidden, _workspace.Batch.LastRows, dScores);
                member.Model.Backward(member.Optimizer.Gradients, _workspace.Batch, _workspace.Activations, dHidden, dropout);
                firstRow += hidden.Rows;
            }

            Finite("loss", sums.Loss - before);
            gradientNorm += member.Optimizer.Step(learningRate);
            foreach (var row in _batch) metrics.Tokens += Length(row);
        }
    }

    /// <inheritdoc/>
    protected override void Evaluate(Metrics metrics)
    {
        if (_evalRows.Length == 0) return;
        int[][] answers = [.. _evalRows.SelectMany(row => row.Answers).Select(answer => answer.Tokens)];
        float[][] byMember = [.. _members.Select(member => _scorer.Scores(member.Model, answers))];
        var calibration = new PreferenceCalibration();
        var byLabeler = new SortedDictionary<string, (double Correct, int Pairs)>(StringComparer.Ordinal);
        double loss = 0, correct = 0;
        int first = 0;
        foreach (var row in _evalRows)
        {
            double right = 0;
            foreach (var pair in row.Pairs)
            {
                double margin = byMember.Average(scores => (double)scores[first + pair.Better] - scores[first + pair.Worse]);
                // −log σ(x) = max(−x, 0) + log(1 + e^−|x|)
                loss += (Math.Max(-margin, 0) + Math.Log(1 + Math.Exp(-Math.Abs(margin)))) / row.Pairs.Length;
                right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
                calibration.Add(margin);
            }

            correct += right;
            first += row.Answers.Length;
            if (row.Labeler is not { } labeler) continue;
            var (before, pairs) = byLabeler.GetValueOrDefault(labeler);
            byLabeler[labeler] = (before + right, pairs + row.Pairs.Length);
        }

        metrics["eval/loss"] = loss / _evalRows.Length;
        metrics["eval/accuracy"] = correct / calibration.Pairs;
        foreach (var (labeler, sums) in byLabeler) metrics[$"eval/accuracy/{labeler}"] = sums.Correct / sums.Pairs;
        metrics["eval/calibration_error"] = calibration.Error;
        if (_members.Length > 1)
            metrics["eval/score_std"] = Enumerable.Range(0, answers.Length).Average(i => Math.Sqrt(Whitening.MeanAndVariance([.. byMember.Select(scores => scores[i])]).Variance));
        var json = new JsonObject { ["step"] = _members[0].Optimizer.Steps };
        foreach (var (key, value) in calibration.ToJson()) json[key] = value?.DeepClone();
        AtomicFile.WriteText(Path.Combine(Run.Directory.Path, CalibrationName), json.ToJsonString(JsonStyle.Indented) + "\n");
    }

    /// <inheritdoc/>
    protected override void WriteFinal(string folder)
    {
        for (int i = 0; i < _members.Length; i++)
        {
            var model = _members[i].Model;
            string path = _members.Length == 1 ? folder : Directory.CreateDirectory(Path.Combine(folder, Folder(i))).FullName;
            WriteModel(path, model: model, config: Normalized(model));
        }
    }

    /// <summary>The configuration of a trained model with the bias and the scale that put its reference answers where they belong.</summary>
    private GptConfig Normalized(Gpt model)
    {
        if (_configuration.Normalization == Normalization.None) return model.Config;
        float[] scores = _scorer.Scores(model, _references);
        ScoreNormalization normalization;
        try
        {
            normalization = _configuration.Normalization == Normalization.Bias ? ScoreNormalization.ToZeroMean(scores) : ScoreNormalization.ToUnitVariance(scores);
        }
        catch (ArgumentException exception)
        {
            throw new InputException($"normalization: the reference answers all score {scores[0]}, so that no gain gives them standard deviation 1; set normalization to bias", exception);
        }

        Run.Directory.Log(FormattableString.Invariant($"normalization by {scores.Length} reference answers: scale {normalization.Scale:g6}, bias {normalization.Bias:g6}"));
        // The scores have the model's own bias in them already.
        return model.Config with
        {
            RewardScale = (float)normalization.Scale,
            RewardBias = (float)((normalization.Scale * model.Config.RewardBias) + normalization.Bias),
        };
    }

    private static int Length(RankedRow row)
    {
        int tokens = 0;
        foreach (var answer in row.Answers) tokens += answer.Tokens.Length;
        return tokens;
    }

    /// <summary>
    /// Runs every prompt and each of its answers once and compares all their pairs; each prompt weighs the same, and so does
    /// each of its pairs.
    /// </summary>
    private Tensor Compare(Gpt model, ReadOnlySpan<RankedRow> prompts, double promptWeight, ResidualDropout dropout, out Tensor dScores, ref PairSums sums)
    {
        _answers.Clear();
        _better.Clear();
        _worse.Clear();
        _pairWeights.Clear();
        for (int i = 0; i < prompts.Length; i++)
        {
            var prompt = prompts[i];
            foreach (var pair in prompt.Pairs)
            {
                _better.Add(_answers.Count + pair.Better);
                _worse.Add(_answers.Count + pair.Worse);
                _pairWeights.Add((float)(promptWeight / prompt.Pairs.Length));
            }

            foreach (var answer in prompt.Answers) _answers.Add((answer.Tokens, i));
        }

        _workspace.Batch.Set(CollectionsMarshal.AsSpan(_answers), static answer => answer.Tokens, groupOf: static answer => answer.Prompt);
        _winners.Set(CollectionsMarshal.AsSpan(_better));
        _losers.Set(CollectionsMarshal.AsSpan(_worse));
        Tensor weights = _weights.Reshape(1, _pairWeights.Count);
        model.Device.Upload(weights, CollectionsMarshal.AsSpan(_pairWeights));

        Tensor scores = _workspace.Values.Slice(0, _answers.Count), statistics = _workspace.Statistics.Reshape(1, RankingLoss.StatisticsLength);
        dScores = _workspace.DValues.Slice(0, _answers.Count);
        var hidden = model.Forward(_workspace.Batch, _workspace.Activations, dropout);
        _workspace.Scalar.Forward(model, hidden, _workspace.Batch.LastRows, scores);
        model.Device.Kernels.RankingLoss.Forward(statistics, dScores, scores, _winners.View, _losers.View, weights);

        Span<float> values = stackalloc float[RankingLoss.StatisticsLength];
        model.Device.Download(statistics, values);
        sums.Loss += values[0];
        sums.Correct += values[1];
        sums.Margin += values[2];
        sums.Pairs += values[3];
        return hidden;
    }

    private sealed record Member(Gpt Model, AdamWOptimizer Optimizer, ulong Seed, RowOrder Order);

    private struct PairSums
    {
        public double Loss, Correct, Margin, Pairs;
    }
}
