using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rewards;
using NativeRlhf.Rl;
using NativeRlhf.Rollout;

namespace NativeRlhf.Training;

/// <summary>The models of a PPO run.</summary>
/// <param name="Policy">The policy, trained in place.</param>
/// <param name="Reference">What the KL penalty is measured against; not trained.</param>
/// <param name="Value">The value function, with a scalar head; trained in place.</param>
/// <param name="Reward">What scores answers.</param>
public sealed record PpoModels(Gpt Policy, Gpt Reference, Gpt Value, IReward Reward);

/// <summary>
/// Proximal policy optimisation of the InstructGPT paper. A step: sample an answer to each prompt; score it; penalise every
/// token by β·(log π − log π_ref); estimate advantages with a value function; then several epochs of clipped updates on
/// minibatches, with pretraining text mixed in if asked (PPO-ptx).
/// </summary>
public sealed class PpoTrainer : Trainer
{
    private readonly PpoConfiguration _configuration;
    private readonly PpoModels _models;
    private readonly IReadOnlyList<EncodedPrompt> _prompts;
    private readonly IReadOnlyList<TokenRow> _pretraining;
    private readonly RowOrder _minibatchOrder;
    private readonly RowOrder? _pretrainingOrder;
    private readonly Workspace _policyWorkspace, _valueWorkspace;
    private readonly SequenceScorer _policyScorer, _valueScorer;
    private readonly AdamWOptimizer _policyOptimizer, _valueOptimizer;
    private readonly Generator _generator;
    private readonly GptParameters? _average;
    private readonly MicroBatches _microBatches;
    private IKlController _controller;
    private int _updates;

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="models">Policy, reference, value function and reward.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="pretraining">Rows of pretraining text for PPO-ptx; empty where ptxCoef is 0.</param>
    /// <param name="workspace">Memory for models of the policy's shape, with backward passes, made by <see cref="PlanWorkspace"/>.</param>
    /// <exception cref="InputException">ptxCoef is set but there is no text, or a prompt leaves no room for an answer.</exception>
    public PpoTrainer(
        PpoConfiguration configuration, TrainingRun run, PpoModels models, IReadOnlyList<EncodedPrompt> prompts, IReadOnlyList<TokenRow> pretraining, Workspace workspace)
        : base(configuration, run, prompts.Count)
    {
        _configuration = configuration;
        _models = models;
        _prompts = prompts;
        _pretraining = pretraining;
        int positions = models.Policy.Config.Positions;
        if (prompts.FirstOrDefault(prompt => prompt.Tokens.Length + configuration.ResponseLength > positions) is { } tooLong)
            throw tooLong.Place.Error($"the prompt has {tooLong.Tokens.Length} tokens, and with an answer of {configuration.ResponseLength} (responseLength) it exceeds the model's {positions} positions; shorten one of the two");
        _minibatchOrder = new RowOrder(run.Seed, configuration.BatchSize, shuffle: true, RandomPurpose.Minibatches);
        if (configuration.PtxCoef > 0)
        {
            if (pretraining.Count == 0) throw new InputException($"ptxCoef is {configuration.PtxCoef}, but there is no pretraining text; give --pretrain-data, or set ptxCoef to 0");
            _pretrainingOrder = new RowOrder(run.Seed, pretraining.Count, configuration.Shuffle, RandomPurpose.PretrainingMix);
        }

        _policyWorkspace = workspace;
        _microBatches = new MicroBatches(configuration.MicroBatchSize ?? 0, workspace.Capacity);
        // Policy and value function take turns with one workspace when they have the same shape.
        _valueWorkspace = models.Value.Config.HasSameShape(models.Policy.Config)
            ? workspace
            : Own(new Workspace(models.Value.Device, models.Value.Config, workspace.Capacity, forBackward: true));
        _policyScorer = new SequenceScorer(_policyWorkspace);
        _valueScorer = new SequenceScorer(_valueWorkspace);
        _policyOptimizer = Own(new AdamWOptimizer(models.Policy, OptimizerSettings, spec => spec.Name != "score.weight"));
        _valueOptimizer = Own(new AdamWOptimizer(models.Value, OptimizerSettings, spec => !spec.Name.StartsWith("lm_head.", StringComparison.Ordinal)));
        int context = prompts.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength;
        _generator = Own(new Generator(models.Policy, Math.Min(configuration.BatchSize, 64), context));
        _controller = Controller(configuration.KlCoef);
        if (configuration.EmaDecay > 0)
        {
            _average = Own(new GptParameters(models.Policy.Device, models.Policy.Config, models.Policy.Weights.HasScore));
            models.Policy.Device.Kernels.Elementwise.Copy(_average.All, models.Policy.Weights.All);
        }
    }

    /// <inheritdoc/>
    protected override double KlCoefficient => _controller.Coefficient;

    /// <inheritdoc/>
    protected override int Updates => _updates;

    /// <summary>Plans the memory that policy, reference and reward model share.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The policy's shape.</param>
    /// <param name="configuration">The run's configuration.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="pretraining">Rows of pretraining text.</param>
    /// <returns>A workspace, to be disposed by the caller.</returns>
    public static Workspace PlanWorkspace(ComputeDevice device, GptConfig config, PpoConfiguration configuration, IReadOnlyList<EncodedPrompt> prompts, IReadOnlyList<TokenRow> pretraining)
    {
        int longest = prompts.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength;
        if (pretraining.Count > 0) longest = Math.Max(longest, pretraining.Max(PackedBatch.InputLength));
        int capacity = configuration.MicroBatchSize is { } rows ? rows * longest : Math.Max(longest, 2048);
        return new Workspace(device, config, capacity, forBackward: true);
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        // 1. Sample an answer to each prompt.
        long started = Stopwatch.GetTimestamp();
        var prompts = DrawBatch(_prompts, step);
        var answers = Answer(prompts, (float)_configuration.Temperature, firstStream: (uint)((long)step * prompts.Length));
        TokenRow[] rows = [.. prompts.Zip(answers, (prompt, answer) => new TokenRow([.. prompt.Tokens, .. answer.Tokens], prompt.Tokens.Length))];
        double rolloutSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 2. Log-probabilities by the forward pass that training uses, values, and scores.
        started = Stopwatch.GetTimestamp();
        float temperature = (float)_configuration.Temperature;
        List<float[]> entropies = [];
        float[][] logprobs = _policyScorer.LogProbs(_models.Policy, rows, temperature, entropies);
        float[][] refLogprobs = _policyScorer.LogProbs(_models.Reference, rows, temperature);
        float[][] values = _valueScorer.Values(_models.Value, rows);
        double[] scores = Score(prompts, answers);

        // 3. Rewards of tokens: the KL penalty on each, the score on the last.
        double beta = _controller.Coefficient;
        float[][] rewards = new float[rows.Length][];
        double klSum = 0, scoreSum = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            double score = RewardShaping.Score(scores[i], answers[i].Ended, _configuration.MissingEosPenalty, _configuration.ScoreClip);
            rewards[i] = new float[logprobs[i].Length];
            RewardShaping.TokenRewards(logprobs[i], refLogprobs[i], beta, score, rewards[i]);
            klSum += KlEstimators.SumK1(logprobs[i], refLogprobs[i]);
            scoreSum += score;
        }

        double kl = klSum / rows.Length, meanScore = scoreSum / rows.Length;
        if (_configuration.WhitenRewards) WhitenAll(rewards, keepMean: true);

        // 4. Advantages and returns.
        float[][] advantages = new float[rows.Length][], returns = new float[rows.Length][];
        for (int i = 0; i < rows.Length; i++)
        {
            advantages[i] = new float[rewards[i].Length];
            returns[i] = new float[rewards[i].Length];
            Gae.Advantages(rewards[i], values[i], _configuration.Gamma, _configuration.Lambda, advantages[i]);
            Gae.Returns(advantages[i], values[i], returns[i]);
        }

        metrics["objective/scores"] = meanScore;
        metrics["objective/kl"] = kl;
        metrics["objective/rlhf_reward"] = meanScore - (beta * kl);
        metrics["objective/entropy"] = Mean(entropies);
        metrics["objective/kl_coef"] = beta;
        double scoreSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 5. Epochs of clipped updates on minibatches.
        started = Stopwatch.GetTimestamp();
        var experience = new Experience(rows, logprobs, values, advantages, returns);
        var sums = new UpdateSums();
        for (int epoch = 0; epoch < _configuration.InnerEpochs; epoch++)
        {
            int[] order = Permutation(step, epoch);
            for (int start = 0; start < order.Length; start += _configuration.MiniBatchSize)
                Update(experience, order.AsSpan(start, _configuration.MiniBatchSize), learningRate, sums, metrics);
        }

        _controller.Update(kl, rows.Length);
        if (_average is not null)
            _models.Policy.Device.Kernels.Elementwise.Combine(_average.All, (float)(1 - _configuration.EmaDecay), _models.Policy.Weights.All, (float)_configuration.EmaDecay);

        sums.Report(metrics, _configuration);
        metrics["response/length"] = answers.Average(answer => answer.Tokens.Length);
        metrics["response/eos_fraction"] = answers.Average(answer => answer.Ended ? 1.0 : 0.0);
        metrics["time/rollout"] = Math.Round(rolloutSeconds, 3);
        metrics["time/score"] = Math.Round(scoreSeconds, 3);
        metrics["time/update"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3);
        metrics.Tokens += rows.Sum(row => row.Tokens.Length);
        Run.Directory.AppendSample(step + 1, new JsonObject
        {
            ["prompt"] = prompts[0].Text,
            ["completion"] = Text(answers[0]),
            ["tokens"] = new JsonArray([.. rows[0].Tokens.Select(token => (JsonNode)token)]),
            ["score"] = scores[0],
            ["kl"] = KlEstimators.SumK1(logprobs[0], refLogprobs[0]),
            ["finish_reason"] = answers[0].Ended ? "eos" : "length",
        });
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The scores of the most probable answers to the first batchSize prompts, the same ones each time: without the noise of
    /// sampling, and with the policy as the step leaves it.
    /// </remarks>
    protected override void Evaluate(Metrics metrics)
    {
        EncodedPrompt[] prompts = [.. _prompts.Take(_configuration.BatchSize)];
        metrics["eval/scores"] = Score(prompts, Answer(prompts, temperature: 0, firstStream: 0)).Average();
    }

    /// <inheritdoc/>
    protected override void WriteState(string folder)
    {
        WriteModel(folder, _models.Policy, _policyOptimizer);
        WriteModel(Directory.CreateDirectory(Path.Combine(folder, "value")).FullName, _models.Value, _valueOptimizer);
        if (_average is not null) ModelDirectory.WriteParameters(Path.Combine(folder, "average.safetensors"), _average, _models.Policy.Device);

        void WriteModel(string path, Gpt model, AdamWOptimizer optimizer)
        {
            ModelDirectory.WriteFiles(path, model.Config, model.Weights, model.Device, Run.Tokenizer);
            OptimizerState.Write(path, optimizer, model.Device);
        }
    }

    /// <inheritdoc/>
    protected override void ReadState(string folder, TrainerState state)
    {
        ReadModel(folder, _models.Policy, _policyOptimizer);
        ReadModel(Path.Combine(folder, "value"), _models.Value, _valueOptimizer);
        if (_average is not null) ModelDirectory.ReadParameters(Path.Combine(folder, "average.safetensors"), _average, _models.Policy.Device);
        _updates = state.Updates;
        _controller = Controller(state.KlCoefficient);

        void ReadModel(string path, Gpt model, AdamWOptimizer optimizer)
        {
            ModelDirectory.ReadParameters(Path.Combine(path, SafeTensorsSet.FileName), model.Weights, model.Device);
            OptimizerState.Read(path, optimizer, model.Device, state.Updates);
        }
    }

    /// <inheritdoc/>
    protected override void WriteFinal(string folder) =>
        ModelDirectory.WriteFiles(folder, _models.Policy.Config, _average ?? _models.Policy.Weights, _models.Policy.Device, Run.Tokenizer);

    /// <summary>One update of policy and value function on a minibatch of answers.</summary>
    private void Update(Experience all, ReadOnlySpan<int> indices, double learningRate, UpdateSums sums, Metrics metrics)
    {
        var batch = all.Select(indices);
        int tokens = batch.Rows.Sum(row => row.Counted);
        if (_configuration.WhitenAdvantages) WhitenAll(batch.Advantages, keepMean: false);

        _policyOptimizer.ZeroGradients();
        _valueOptimizer.ZeroGradients();
        bool isFirst = sums.Tokens == 0;
        int firstRow = 0;
        foreach (var (start, count) in _microBatches.Split(batch.Rows, PackedBatch.InputLength))
        {
            var part = batch.Slice(start, count);
            var dropout = Dropout(firstRow);
            sums.AddPolicy(AddPolicyGradient(_models.Policy, _policyOptimizer.Gradients, _policyWorkspace, part, _configuration, tokens, dropout));
            sums.AddValue(AddValueGradient(_models.Value, _valueOptimizer.Gradients, _valueWorkspace, part, _configuration, tokens, dropout));
            firstRow += _policyWorkspace.Batch.Rows;
        }

        if (isFirst) metrics["policy/ratio_first"] = sums.LargestRatioChange;
        if (_pretrainingOrder is not null) AddPretrainingGradient(indices.Length, firstRow, sums);
        sums.Tokens += tokens;
        sums.Updates++;
        sums.GradientNorm += _policyOptimizer.Step(learningRate);
        _valueOptimizer.Step(_configuration.ValueLearningRate is { } rate && _configuration.LearningRate > 0 ? learningRate / _configuration.LearningRate * rate : learningRate);
        _updates++;
        metrics["grad_norm"] = sums.GradientNorm / sums.Updates;
    }

    /// <summary>Adds the gradient of the clipped policy loss: mean over the minibatch's answer tokens of max(−A·ratio, −A·clip(ratio, 1 ± ε)).</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the answers.</param>
    /// <param name="part">The answers of one micro-batch.</param>
    /// <param name="configuration">Clip range and temperature.</param>
    /// <param name="tokens">The answer tokens of the whole minibatch.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>The statistics of <see cref="PpoLoss.Policy"/>.</returns>
    internal static float[] AddPolicyGradient(
        Gpt policy, GptParameters gradients, Workspace workspace, Experience part, PpoConfiguration configuration, int tokens, ResidualDropout dropout = default)
    {
        var kernels = policy.Device.Kernels;
        workspace.Batch.SetInputs(part.Rows);
        workspace.Targets.Set(part.Rows);
        int n = workspace.Targets.Count;
        Tensor logprobs = workspace.Values.Slice(0, n), dLogprobs = workspace.DValues.Slice(0, n), old = workspace.First.Slice(0, n), advantages = workspace.Second.Slice(0, n);
        Tensor dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows), statistics = workspace.Statistics.Reshape(1, PpoLoss.PolicyStatisticsLength);
        Flatten(policy.Device, old, part.LogProbs);
        Flatten(policy.Device, advantages, part.Advantages);
        kernels.Elementwise.Fill(statistics, 0);
        kernels.Elementwise.Fill(dHidden, 0);

        var hidden = policy.Forward(workspace.Batch, workspace.Activations, dropout);
        workspace.Language.ForwardBackward(
            policy, gradients, hidden, dHidden, workspace.Targets, logprobs, dLogprobs,
            (first, length) => kernels.PpoLoss.Policy(
                statistics, dLogprobs.Slice(first, length), logprobs.Slice(first, length), old.Slice(first, length), advantages.Slice(first, length),
                (float)configuration.ClipRange, 1f / tokens),
            (float)configuration.Temperature);
        policy.Backward(gradients, workspace.Batch, workspace.Activations, dHidden, dropout);
        return Downloaded(policy.Device, statistics);
    }

    /// <summary>Adds the gradient of the clipped value loss, ½ · mean of max((v − R)², (clip(v, v_old ± ε) − R)²), times its coefficient.</summary>
    /// <param name="value">The value function.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the answers.</param>
    /// <param name="part">The answers of one micro-batch.</param>
    /// <param name="configuration">Clip range and coefficient.</param>
    /// <param name="tokens">The answer tokens of the whole minibatch.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>The statistics of <see cref="PpoLoss.Value"/>.</returns>
    internal static float[] AddValueGradient(
        Gpt value, GptParameters gradients, Workspace workspace, Experience part, PpoConfiguration configuration, int tokens, ResidualDropout dropout = default)
    {
        var kernels = value.Device.Kernels;
        workspace.Batch.SetInputs(part.Rows);
        workspace.Targets.Set(part.Rows);
        int n = workspace.Targets.Count;
        Tensor values = workspace.Values.Slice(0, n), dValues = workspace.DValues.Slice(0, n), old = workspace.First.Slice(0, n), returns = workspace.Second.Slice(0, n);
        Tensor dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows), statistics = workspace.Statistics.Reshape(1, PpoLoss.ValueStatisticsLength);
        Flatten(value.Device, old, part.Values);
        Flatten(value.Device, returns, part.Returns);
        kernels.Elementwise.Fill(statistics, 0);
        kernels.Elementwise.Fill(dHidden, 0);

        var hidden = value.Forward(workspace.Batch, workspace.Activations, dropout);
        workspace.Scalar.Forward(value, hidden, workspace.Targets.Rows, values);
        kernels.PpoLoss.Value(
            statistics, dValues, values, old, returns, (float)(configuration.ValueClipRange ?? double.PositiveInfinity), (float)(configuration.ValueCoef / tokens));
        workspace.Scalar.Backward(value, gradients, dHidden, workspace.Targets.Rows, dValues);
        value.Backward(gradients, workspace.Batch, workspace.Activations, dHidden, dropout);
        return Downloaded(value.Device, statistics);
    }

    /// <summary>
    /// PPO-ptx: ptxRatio rows of pretraining text for each answer, their mean negative log-likelihood per token times ptxCoef.
    /// </summary>
    private void AddPretrainingGradient(int answers, int firstRow, UpdateSums sums)
    {
        TokenRow[] rows = new TokenRow[Math.Max(1, (int)Math.Round(answers * _configuration.PtxRatio))];
        for (int i = 0; i < rows.Length; i++) rows[i] = _pretraining[_pretrainingOrder![((long)_updates * rows.Length) + i]];
        int counted = rows.Sum(row => row.Counted);
        double loss = 0;
        foreach (var (start, count) in _microBatches.Split(rows, PackedBatch.InputLength))
        {
            loss += LanguageModelTrainer.AddGradient(
                _models.Policy, _policyOptimizer.Gradients, _policyWorkspace, rows.AsSpan(start, count), _configuration.PtxCoef / counted, Dropout(firstRow));
            firstRow += _policyWorkspace.Batch.Rows;
        }

        sums.PretrainingLoss += loss / counted;
    }

    /// <summary>
    /// Dropout of an update. Log-probabilities of the rollout are without it, so that ratios are then noisy from the first
    /// update on; the default is none.
    /// </summary>
    private ResidualDropout Dropout(int firstRow) => new((float)_configuration.Dropout, Run.Seed, (uint)_updates, (uint)firstRow);

    private IReadOnlyList<SampledAnswer> Answer(EncodedPrompt[] prompts, float temperature, uint firstStream) => _generator.Generate(
        [.. prompts.Select((prompt, i) => new SampleRequest(prompt.Tokens, firstStream + (uint)i))],
        new SamplingOptions(_configuration.ResponseLength, temperature, _configuration.TopK, (float)_configuration.TopP, Run.Seed, EndOfText));

    private double[] Score(EncodedPrompt[] prompts, IReadOnlyList<SampledAnswer> answers) => _models.Reward.Score([.. prompts.Zip(answers, (prompt, answer) =>
        new RewardRequest(prompt.Text ?? "", Text(answer), [.. prompt.Tokens, .. answer.Tokens], prompt.Fields))]);

    private int? EndOfText => _models.Policy.Config.EosToken ?? Run.Tokenizer?.EndOfText;

    private string Text(SampledAnswer answer) =>
        Run.Tokenizer?.Decode(answer.Ended ? answer.Tokens.AsSpan(0, answer.Tokens.Length - 1) : answer.Tokens) ?? "";

    private IKlController Controller(double coefficient) => _configuration.KlController == KlControl.Fixed
        ? new FixedKlController(coefficient)
        : new AdaptiveKlController(coefficient, _configuration.KlTarget, _configuration.KlHorizon);

    private int[] Permutation(int step, int epoch)
    {
        long first = (((long)step * _configuration.InnerEpochs) + epoch) * _minibatchOrder.Count;
        return [.. Enumerable.Range(0, _minibatchOrder.Count).Select(i => _minibatchOrder[first + i])];
    }

    private static void WhitenAll(float[][] values, bool keepMean)
    {
        float[] flat = [.. values.SelectMany(v => v)];
        Whitening.Whiten(flat, keepMean);
        int at = 0;
        foreach (float[] part in values)
        {
            flat.AsSpan(at, part.Length).CopyTo(part);
            at += part.Length;
        }
    }

    private static float[] Downloaded(ComputeDevice device, Tensor statistics)
    {
        float[] values = new float[statistics.Length];
        device.Download(statistics, values);
        return values;
    }

    private static void Flatten(ComputeDevice device, Tensor destination, ReadOnlySpan<float[]> parts)
    {
        float[] flat = new float[destination.Length];
        int at = 0;
        foreach (float[] part in parts)
        {
            part.CopyTo(flat, at);
            at += part.Length;
        }

        device.Upload(destination, flat);
    }

    private static double Mean(IEnumerable<float[]> parts)
    {
        double sum = 0;
        long count = 0;
        foreach (float[] part in parts)
        {
            foreach (float value in part) sum += value;
            count += part.Length;
        }

        return sum / count;
    }

    /// <summary>What a rollout leaves for the updates: per answer, and per token of it.</summary>
    internal sealed record Experience(TokenRow[] Rows, float[][] LogProbs, float[][] Values, float[][] Advantages, float[][] Returns)
    {
        /// <summary>A minibatch; advantages are copied, since it whitens them for itself.</summary>
        public Experience Select(ReadOnlySpan<int> indices)
        {
            int[] which = indices.ToArray();
            return new Experience(
                Array.ConvertAll(which, i => Rows[i]), Array.ConvertAll(which, i => LogProbs[i]), Array.ConvertAll(which, i => Values[i]),
                Array.ConvertAll(which, i => (float[])Advantages[i].Clone()), Array.ConvertAll(which, i => Returns[i]));
        }

        /// <summary>A micro-batch of it.</summary>
        public Experience Slice(int start, int count) => new(
            Rows[start..(start + count)], LogProbs[start..(start + count)], Values[start..(start + count)],
            Advantages[start..(start + count)], Returns[start..(start + count)]);
    }

    /// <summary>Sums over all updates of a step.</summary>
    private sealed class UpdateSums
    {
        public double PolicyLoss, Clipped, ApproximateKl, Ratio, LargestRatioChange, ValueLoss, ValueClipped, PretrainingLoss, GradientNorm;
        public long Tokens;
        public int Updates;

        /// <summary>Adds the statistics of <see cref="PpoLoss.Policy"/>.</summary>
        public void AddPolicy(float[] statistics)
        {
            PolicyLoss += statistics[0];
            Clipped += statistics[1];
            ApproximateKl += statistics[2];
            Ratio += statistics[3];
            LargestRatioChange = Math.Max(LargestRatioChange, statistics[4]);
        }

        /// <summary>Adds the statistics of <see cref="PpoLoss.Value"/>.</summary>
        public void AddValue(float[] statistics)
        {
            ValueLoss += statistics[0];
            ValueClipped += statistics[1];
        }

        public void Report(Metrics metrics, PpoConfiguration configuration)
        {
            metrics["policy/approxkl"] = ApproximateKl / Tokens;
            metrics["policy/clipfrac"] = Clipped / Tokens;
            metrics["policy/ratio"] = Ratio / Tokens;
            metrics["loss/policy"] = PolicyLoss / Tokens;
            metrics["loss/value"] = ValueLoss / Tokens;
            metrics["value/clipfrac"] = ValueClipped / Tokens;
            if (configuration.PtxCoef > 0) metrics["loss/ptx"] = PretrainingLoss / Updates;
        }
    }
}
