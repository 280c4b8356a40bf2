using System.Text.Json;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rewards;
using NativeRlhf.Rollout;

namespace NativeRlhf.Training;

/// <summary>What fine-tuning may have besides demonstrations.</summary>
/// <param name="Pretraining">Rows of pretraining text to be mixed in; empty where pretrainRatio is 0.</param>
/// <param name="EvalPrompts">Validation prompts; empty where there is no reward.</param>
/// <param name="Reward">What scores the answers to them, or null.</param>
public sealed record FineTuning(IReadOnlyList<TokenRow> Pretraining, IReadOnlyList<EncodedPrompt> EvalPrompts, IReward? Reward);

/// <summary>
/// Next-token training: pretraining on windows of text and supervised fine-tuning on demonstrations differ only in their
/// rows. The loss is the mean negative log-likelihood over the counted tokens of the whole batch. In fine-tuning, pretraining text
/// may be mixed in, and the model that the run ends with be chosen by its loss or its reward on held-out rows.
/// </summary>
public sealed class LanguageModelTrainer : Trainer
{
    private const string BestWeightsName = "best.safetensors", BestName = "best.json";

    private readonly Gpt _model;
    private readonly IReadOnlyList<TokenRow> _rows;
    private readonly TokenRow[] _evalRows, _batch;
    private readonly SftConfiguration _tuning;
    private readonly FineTuning _others;
    private readonly RowOrder? _pretrainingOrder;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly SequenceScorer _scorer;
    private readonly MicroBatches _microBatches;
    private readonly PromptSampler? _sampler;

    // The best model that was evaluated, where the run does not end with the last one.
    private readonly GptParameters? _bestWeights;
    private Best? _best;

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">The model, trained in place.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="evalRows">Held-out rows; may be empty.</param>
    /// <param name="others">What fine-tuning has besides, or null.</param>
    /// <exception cref="InputException">The configuration asks for pretraining text, held-out rows or a reward that is not there.</exception>
    public LanguageModelTrainer(
        TrainerConfiguration configuration, TrainingRun run, Gpt model, IReadOnlyList<TokenRow> rows, IReadOnlyList<TokenRow> evalRows, FineTuning? others = null)
        : base(configuration, run, rows.Count)
    {
        _model = Adapt(model);
        _rows = rows;
        _evalRows = [.. evalRows];
        _batch = new TokenRow[configuration.BatchSize];
        _tuning = configuration as SftConfiguration ?? new SftConfiguration();
        _others = others ?? new FineTuning([], [], null);
        if (_tuning.PretrainRatio > 0)
        {
            if (_others.Pretraining.Count == 0) throw new InputException(FormattableString.Invariant($"pretrainRatio is {_tuning.PretrainRatio}, but there is no pretraining text; give --pretrain-data, or set pretrainRatio to 0"));
            _pretrainingOrder = new RowOrder(run.Seed, _others.Pretraining.Count, configuration.Shuffle, RandomPurpose.PretrainingMix);
        }

        if (_tuning.SelectBy == ModelSelection.Loss && evalRows.Count == 0) throw new InputException("selectBy is loss, but there are no held-out rows; give --eval-data, or set selectBy to last");
        if (_tuning.SelectBy == ModelSelection.Reward && (_others.Reward is null || _others.EvalPrompts.Count == 0))
            throw new InputException("selectBy is reward, but there is no reward or no validation prompt; give --reward and --eval-prompts, or set selectBy to last");
        _microBatches = PlanMicroBatches(rows.Concat(evalRows).Concat(_others.Pretraining).Max(PackedBatch.InputLength));
        _workspace = Own(new Workspace(model.Device, model.Config, _microBatches.Tokens, forBackward: true, configuration.Recompute, model.AdapterRank));
        _optimizer = Optimize(model, IsLanguage);
        _scorer = new SequenceScorer(_workspace);
        if (_others is { Reward: not null, EvalPrompts: [_, ..] prompts })
            _sampler = Own(new PromptSampler(model, run.Tokenizer, prompts.Count, prompts.Max(prompt => prompt.Tokens.Length), _tuning.ResponseLength));
        if (_tuning.SelectBy != ModelSelection.Last) _bestWeights = Own(new GptParameters(model.Device, model.Config, model.Trainable.Specs, purpose: "best weights"));
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        long mixedBefore = Mixed(step), before = ((long)step * _batch.Length) - mixedBefore;
        int demonstrations = _batch.Length - (int)(Mixed(step + 1) - mixedBefore);
        Draw(_rows, before, _batch.AsSpan(0, demonstrations));
        if (_pretrainingOrder is not null) Draw(_others.Pretraining, mixedBefore, _batch.AsSpan(demonstrations), _pretrainingOrder);

        int counted = TokenRow.CountedOf(_batch), countedDemonstrations = TokenRow.CountedOf(_batch.AsSpan(0, demonstrations)), firstRow = 0;
        _optimizer.ZeroGradients();
        double loss = AddGradients(_batch.AsSpan(0, demonstrations)), mixedLoss = AddGradients(_batch.AsSpan(demonstrations));
        metrics["loss"] = Finite("loss", (loss + mixedLoss) / counted);
        if (_pretrainingOrder is not null)
        {
            if (countedDemonstrations > 0) metrics["loss/sft"] = loss / countedDemonstrations;
            if (counted > countedDemonstrations) metrics["loss/ptx"] = mixedLoss / (counted - countedDemonstrations);
        }

        metrics["grad_norm"] = _optimizer.Step(learningRate);
        metrics.Tokens += firstRow;

        double AddGradients(Span<TokenRow> rows)
        {
            double sum = 0;
            for (int start = 0, count; start < rows.Length; start += count)
            {
                count = _microBatches.Next(rows[start..], PackedBatch.InputLength);
                var dropout = new ResidualDropout((float)Configuration.Dropout, Run.Seed, (uint)step, (uint)firstRow);
                sum += AddGradient(_model, _optimizer.Gradients, _workspace, rows.Slice(start, count), 1.0 / counted, dropout);
                firstRow += _workspace.Batch.Rows;
            }

            return sum;
        }
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
        workspace.Targets.Set(workspace.Batch, rows);
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
        if (_sampler is not null)
        {
            // The most probable answers, so that evaluations differ by the model and not by luck.
            var answers = _sampler.Answer(_others.EvalPrompts, new SamplingOptions(_tuning.ResponseLength, Temperature: 0));
            metrics["eval/scores"] = _others.Reward!.Score([.. answers.Select(answer => answer.Request)], (name, value) => metrics[$"eval/{name}"] = value).Average();
        }

        if (_bestWeights is null) return;
        double value = _tuning.SelectBy == ModelSelection.Loss ? -metrics["eval/loss"] : metrics["eval/scores"];
        if (_best is not null && !(value > _best.Value)) return;
        _best = new Best(_optimizer.Steps, value);
        _bestWeights.Combine(_model.Device.Kernels, 1, _model.Trainable, 0);
    }

    /// <inheritdoc/>
    protected override void WriteState(string folder)
    {
        base.WriteState(folder);
        if (_best is null) return;
        ModelDirectory.WriteParameters(Path.Combine(folder, BestWeightsName), _bestWeights!, _model.Device);
        AtomicFile.WriteText(Path.Combine(folder, BestName), JsonSerializer.Serialize(_best));
    }

    /// <inheritdoc/>
    protected override void ReadState(string folder, TrainerState state)
    {
        base.ReadState(folder, state);
        // There is none before the first evaluation.
        string file = Path.Combine(folder, BestName);
        if (_bestWeights is null || !File.Exists(file)) return;
        _best = JsonSerializer.Deserialize<Best>(File.ReadAllText(file));
        ModelDirectory.ReadParameters(Path.Combine(folder, BestWeightsName), _bestWeights, _model.Device);
    }

    /// <inheritdoc/>
    protected override void WriteFinal(string folder)
    {
        if (_best is null)
        {
            base.WriteFinal(folder);
            return;
        }

        string what = _tuning.SelectBy == ModelSelection.Loss ? FormattableString.Invariant($"eval/loss {-_best.Value:g6}") : FormattableString.Invariant($"eval/scores {_best.Value:g6}");
        Run.Directory.Log($"final is the model of step {_best.Step}, with {what}");
        WriteModel(folder, _bestWeights);
    }

    /// <summary>How many of the rows that are drawn before a step are pretraining text; exact in the long run.</summary>
    private long Mixed(int step) => (long)Math.Floor((step * (double)_batch.Length * _tuning.PretrainRatio) + 0.5);

    /// <summary>The best evaluation so far: after how many steps, and what it reached (greater is better).</summary>
    private sealed record Best(int Step, double Value);
}
