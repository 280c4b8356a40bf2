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
    private const string AverageName = "average.safetensors";

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

    // What a step fills: its prompts, its answers and their minibatches, and per answer token what only it needs.
    private readonly EncodedPrompt[] _batch;
    private readonly Experience _experience, _minibatch;
    private readonly float[] _refLogprobs, _entropies, _rewards;
    private readonly int[] _order;
    private IKlController _controller;

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

        _batch = new EncodedPrompt[configuration.BatchSize];
        _order = new int[configuration.BatchSize];
        _experience = new Experience(configuration.BatchSize, configuration.ResponseLength);
        _minibatch = new Experience(configuration.MiniBatchSize, configuration.ResponseLength);
        (_refLogprobs, _entropies, _rewards) = (NewTokens(), NewTokens(), NewTokens());
        _policyWorkspace = workspace;
        _microBatches = new MicroBatches(configuration.MicroBatchSize ?? 0, workspace.Capacity);
        // Policy and value function take turns with one workspace when they have the same shape.
        _valueWorkspace = models.Value.Config.HasSameShape(models.Policy.Config)
            ? workspace
            : Own(new Workspace(models.Value.Device, models.Value.Config, workspace.Capacity, forBackward: true, configuration.Recompute));
        _policyScorer = new SequenceScorer(_policyWorkspace);
        _valueScorer = new SequenceScorer(_valueWorkspace);
        _policyOptimizer = Optimize(models.Policy, IsLanguage);
        _valueOptimizer = Optimize(models.Value, IsScalar, "value");
        int context = prompts.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength;
        _generator = Own(new Generator(models.Policy, Math.Min(configuration.BatchSize, 64), context));
        _controller = Controller(configuration.KlCoef);
        if (configuration.EmaDecay > 0)
        {
            _average = Own(new GptParameters(models.Policy.Device, models.Policy.Config, models.Policy.Weights.HasScore));
            models.Policy.Device.Kernels.Elementwise.Copy(_average.All, models.Policy.Weights.All);
        }

        float[] NewTokens() => new float[configuration.BatchSize * configuration.ResponseLength];
    }

    /// <inheritdoc/>
    protected override double KlCoefficient => _controller.Coefficient;

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
        int capacity = configuration.PlanMicroBatches(longest, int.MaxValue).Tokens;
        return new Workspace(device, config, capacity, forBackward: true, configuration.Recompute);
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        // 1. Sample an answer to each prompt.
        long started = Stopwatch.GetTimestamp();
        DrawBatch(_prompts, step, _batch);
        float temperature = (float)_configuration.Temperature;
        var answers = Answer(_batch, temperature, firstStream: (uint)((long)step * _batch.Length));
        for (int i = 0; i < answers.Count; i++) _experience.SetRow(i, Row(_batch[i], answers[i]));
        double rolloutSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 2. Log-probabilities by the forward pass that training uses, values, and scores.
        started = Stopwatch.GetTimestamp();
        var rows = _experience.Rows;
        int tokens = _experience.Tokens;
        Span<float> logprobs = _experience.LogProbs.AsSpan(0, tokens), values = _experience.Values.AsSpan(0, tokens);
        Span<float> refLogprobs = _refLogprobs.AsSpan(0, tokens), entropies = _entropies.AsSpan(0, tokens), rewards = _rewards.AsSpan(0, tokens);
        _policyScorer.LogProbs(_models.Policy, rows, logprobs, entropies, temperature);
        _policyScorer.LogProbs(_models.Reference, rows, refLogprobs, temperature: temperature);
        _valueScorer.Values(_models.Value, rows, values);
        double[] scores = Score(_batch, answers, rows, (name, value) => metrics[$"objective/{name}"] = value);

        // 3. Rewards of tokens: the KL penalty on each, the score on the last.
        double beta = _controller.Coefficient, klSum = 0, scoreSum = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            var (start, count) = _experience.TokensOf(i, 1);
            double score = RewardShaping.Score(scores[i], answers[i].Ended, _configuration.MissingEosPenalty, _configuration.ScoreClip);
            RewardShaping.TokenRewards(logprobs.Slice(start, count), refLogprobs.Slice(start, count), beta, score, rewards.Slice(start, count));
            klSum += KlEstimators.SumK1(logprobs.Slice(start, count), refLogprobs.Slice(start, count));
            scoreSum += score;
        }

        double kl = klSum / rows.Length, meanScore = scoreSum / rows.Length;
        if (_configuration.WhitenRewards) Whitening.Whiten(rewards, keepMean: true);

        // 4. Advantages and returns.
        Span<float> advantages = _experience.Advantages.AsSpan(0, tokens), returns = _experience.Returns.AsSpan(0, tokens);
        for (int i = 0; i < rows.Length; i++)
        {
            var (start, count) = _experience.TokensOf(i, 1);
            Gae.Advantages(rewards.Slice(start, count), values.Slice(start, count), _configuration.Gamma, _configuration.Lambda, advantages.Slice(start, count));
        }

        Gae.Returns(advantages, values, returns);
        metrics["objective/scores"] = meanScore;
        metrics["objective/kl"] = kl;
        metrics["objective/rlhf_reward"] = meanScore - (beta * kl);
        metrics["objective/entropy"] = Mean(entropies);
        metrics["objective/kl_coef"] = beta;
        double scoreSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 5. Epochs of clipped updates on minibatches.
        started = Stopwatch.GetTimestamp();
        var sums = new UpdateSums();
        for (int epoch = 0; epoch < _configuration.InnerEpochs; epoch++)
        {
            Permute(step, epoch);
            for (int start = 0; start < _order.Length; start += _configuration.MiniBatchSize)
                Update(_order.AsSpan(start, _configuration.MiniBatchSize), learningRate, sums, metrics);
        }

        _controller.Update(kl, rows.Length);
        if (_average is not null)
            _models.Policy.Device.Kernels.Elementwise.Combine(_average.All, (float)(1 - _configuration.EmaDecay), _models.Policy.Weights.All, (float)_configuration.EmaDecay);

        sums.Report(metrics, _configuration);
        metrics["response/length"] = (double)tokens / rows.Length;
        metrics["response/eos_fraction"] = answers.Count(answer => answer.Ended) / (double)rows.Length;
        metrics["time/rollout"] = Math.Round(rolloutSeconds, 3);
        metrics["time/score"] = Math.Round(scoreSeconds, 3);
        metrics["time/update"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3);
        foreach (var row in rows) metrics.Tokens += row.Tokens.Length;
        Run.Directory.AppendSample(step + 1, new JsonObject
        {
            ["prompt"] = _batch[0].Text,
            ["completion"] = Text(answers[0]),
            ["tokens"] = new JsonArray([.. rows[0].Tokens.Select(token => (JsonNode)token)]),
            ["score"] = scores[0],
            ["kl"] = KlEstimators.SumK1(logprobs[..rows[0].Counted], refLogprobs[..rows[0].Counted]),
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
        var answers = Answer(prompts, temperature: 0, firstStream: 0);
        metrics["eval/scores"] = Score(prompts, answers, [.. prompts.Zip(answers, Row)]).Average();
    }

    /// <inheritdoc/>
    protected override void WriteState(string folder)
    {
        base.WriteState(folder);
        if (_average is not null) ModelDirectory.WriteParameters(Path.Combine(folder, AverageName), _average, _models.Policy.Device);
    }

    /// <inheritdoc/>
    protected override void ReadState(string folder, TrainerState state)
    {
        base.ReadState(folder, state);
        if (_average is not null) ModelDirectory.ReadParameters(Path.Combine(folder, AverageName), _average, _models.Policy.Device);
        _controller = Controller(state.KlCoefficient);
    }

    /// <inheritdoc/>
    protected override void WriteFinal(string folder) =>
        ModelDirectory.WriteFiles(folder, _models.Policy.Config, _average ?? _models.Policy.Weights, _models.Policy.Device, Run.Tokenizer);

    /// <summary>One update of policy and value function on a minibatch of answers.</summary>
    private void Update(ReadOnlySpan<int> answers, double learningRate, UpdateSums sums, Metrics metrics)
    {
        _minibatch.Select(_experience, answers);
        int tokens = _minibatch.Tokens;
        if (_configuration.WhitenAdvantages) Whitening.Whiten(_minibatch.Advantages.AsSpan(0, tokens), keepMean: false);

        _policyOptimizer.ZeroGradients();
        _valueOptimizer.ZeroGradients();
        bool isFirst = sums.Tokens == 0;
        int firstRow = 0;
        for (int start = 0, count; start < answers.Length; start += count)
        {
            count = _microBatches.Next(_minibatch.Rows.AsSpan(start), PackedBatch.InputLength);
            var dropout = Dropout(firstRow);
            sums.AddPolicy(AddPolicyGradient(_models.Policy, _policyOptimizer.Gradients, _policyWorkspace, _minibatch, start, count, _configuration, dropout));
            sums.AddValue(AddValueGradient(_models.Value, _valueOptimizer.Gradients, _valueWorkspace, _minibatch, start, count, _configuration, dropout));
            firstRow += _policyWorkspace.Batch.Rows;
        }

        if (isFirst) metrics["policy/ratio_first"] = sums.LargestRatioChange;
        if (_pretrainingOrder is not null) AddPretrainingGradient(answers.Length, firstRow, sums);
        sums.Tokens += tokens;
        sums.Updates++;
        sums.GradientNorm += _policyOptimizer.Step(learningRate);
        _valueOptimizer.Step(_configuration.ValueLearningRate is { } rate && _configuration.LearningRate > 0 ? learningRate / _configuration.LearningRate * rate : learningRate);
        metrics["grad_norm"] = sums.GradientNorm / sums.Updates;
    }

    /// <summary>Adds the gradient of the clipped policy loss: mean over the minibatch's answer tokens of max(−A·ratio, −A·clip(ratio, 1 ± ε)).</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the answers.</param>
    /// <param name="minibatch">The answers of the whole minibatch.</param>
    /// <param name="start">The first answer of the micro-batch.</param>
    /// <param name="count">How many answers it has.</param>
    /// <param name="configuration">Clip range and temperature.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>The statistics of <see cref="PpoLoss.Policy"/>.</returns>
    internal static float[] AddPolicyGradient(
        Gpt policy, GptParameters gradients, Workspace workspace, Experience minibatch, int start, int count, PpoConfiguration configuration, ResidualDropout dropout = default)
    {
        var kernels = policy.Device.Kernels;
        workspace.Batch.SetInputs(minibatch.Rows.AsSpan(start, count));
        workspace.Targets.Set(minibatch.Rows.AsSpan(start, count));
        var (first, n) = minibatch.TokensOf(start, count);
        Tensor logprobs = workspace.Values.Slice(0, n), dLogprobs = workspace.DValues.Slice(0, n), old = workspace.First.Slice(0, n), advantages = workspace.Second.Slice(0, n);
        Tensor dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows), statistics = workspace.Statistics.Reshape(1, PpoLoss.PolicyStatisticsLength);
        policy.Device.Upload(old, minibatch.LogProbs.AsSpan(first, n));
        policy.Device.Upload(advantages, minibatch.Advantages.AsSpan(first, n));
        float scale = 1f / minibatch.Tokens;
        kernels.Elementwise.Fill(statistics, 0);
        kernels.Elementwise.Fill(dHidden, 0);

        var hidden = policy.Forward(workspace.Batch, workspace.Activations, dropout);
        workspace.Language.ForwardBackward(
            policy, gradients, hidden, dHidden, workspace.Targets, logprobs, dLogprobs,
            (at, length) => kernels.PpoLoss.Policy(
                statistics, dLogprobs.Slice(at, length), logprobs.Slice(at, length), old.Slice(at, length), advantages.Slice(at, length),
                (float)configuration.ClipRange, scale),
            (float)configuration.Temperature);
        policy.Backward(gradients, workspace.Batch, workspace.Activations, dHidden, dropout);
        return Downloaded(policy.Device, statistics);
    }

    /// <summary>Adds the gradient of the clipped value loss, ½ · mean of max((v − R)², (clip(v, v_old ± ε) − R)²), times its coefficient.</summary>
    /// <param name="value">The value function.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the answers.</param>
    /// <param name="minibatch">The answers of the whole minibatch.</param>
    /// <param name="start">The first answer of the micro-batch.</param>
    /// <param name="count">How many answers it has.</param>
    /// <param name="configuration">Clip range and coefficient.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>The statistics of <see cref="PpoLoss.Value"/>.</returns>
    internal static float[] AddValueGradient(
        Gpt value, GptParameters gradients, Workspace workspace, Experience minibatch, int start, int count, PpoConfiguration configuration, ResidualDropout dropout = default)
    {
        var kernels = value.Device.Kernels;
        workspace.Batch.SetInputs(minibatch.Rows.AsSpan(start, count));
        workspace.Targets.Set(minibatch.Rows.AsSpan(start, count));
        var (first, n) = minibatch.TokensOf(start, count);
        Tensor values = workspace.Values.Slice(0, n), dValues = workspace.DValues.Slice(0, n), old = workspace.First.Slice(0, n), returns = workspace.Second.Slice(0, n);
        Tensor dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows), statistics = workspace.Statistics.Reshape(1, PpoLoss.ValueStatisticsLength);
        value.Device.Upload(old, minibatch.Values.AsSpan(first, n));
        value.Device.Upload(returns, minibatch.Returns.AsSpan(first, n));
        kernels.Elementwise.Fill(statistics, 0);
        kernels.Elementwise.Fill(dHidden, 0);

        var hidden = value.Forward(workspace.Batch, workspace.Activations, dropout);
        workspace.Scalar.Forward(value, hidden, workspace.Targets.Rows, values);
        kernels.PpoLoss.Value(
            statistics, dValues, values, old, returns, (float)(configuration.ValueClipRange ?? double.PositiveInfinity), (float)(configuration.ValueCoef / minibatch.Tokens));
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
        for (int i = 0; i < rows.Length; i++) rows[i] = _pretraining[_pretrainingOrder![((long)_policyOptimizer.Steps * rows.Length) + i]];
        int counted = TokenRow.CountedOf(rows);
        double loss = 0;
        for (int start = 0, count; start < rows.Length; start += count)
        {
            count = _microBatches.Next(rows.AsSpan(start), PackedBatch.InputLength);
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
    private ResidualDropout Dropout(int firstRow) => new((float)_configuration.Dropout, Run.Seed, (uint)_policyOptimizer.Steps, (uint)firstRow);

    private IReadOnlyList<SampledAnswer> Answer(EncodedPrompt[] prompts, float temperature, uint firstStream) => _generator.Generate(
        [.. prompts.Select((prompt, i) => new SampleRequest(prompt.Tokens, firstStream + (uint)i))],
        new SamplingOptions(_configuration.ResponseLength, temperature, _configuration.TopK, (float)_configuration.TopP, Run.Seed, EndOfText));

    private double[] Score(EncodedPrompt[] prompts, IReadOnlyList<SampledAnswer> answers, TokenRow[] rows, Action<string, double>? report = null) =>
        _models.Reward.Score([.. prompts.Select((prompt, i) => new RewardRequest(prompt.Text ?? "", Text(answers[i]), rows[i].Tokens, prompt.Fields))], report);

    private static TokenRow Row(EncodedPrompt prompt, SampledAnswer answer) => new([.. prompt.Tokens, .. answer.Tokens], prompt.Tokens.Length);

    private int? EndOfText => _models.Policy.Config.EosToken ?? Run.Tokenizer?.EndOfText;

    private string Text(SampledAnswer answer) =>
        Run.Tokenizer?.Decode(answer.Ended ? answer.Tokens.AsSpan(0, answer.Tokens.Length - 1) : answer.Tokens) ?? "";

    private IKlController Controller(double coefficient) => _configuration.KlController == KlControl.Fixed
        ? new FixedKlController(coefficient)
        : new AdaptiveKlController(coefficient, _configuration.KlTarget, _configuration.KlHorizon);

    /// <summary>The order in which an epoch goes through the answers.</summary>
    private void Permute(int step, int epoch)
    {
        long first = (((long)step * _configuration.InnerEpochs) + epoch) * _order.Length;
        for (int i = 0; i < _order.Length; i++) _order[i] = _minibatchOrder[first + i];
    }

    private static float[] Downloaded(ComputeDevice device, Tensor statistics)
    {
        float[] values = new float[statistics.Length];
        device.Download(statistics, values);
        return values;
    }

    private static double Mean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += value;
        return sum / values.Length;
    }

    /// <summary>
    /// Answers and what is known of their tokens, packed one answer after another: of a whole step, or of a minibatch of it.
    /// </summary>
    /// <param name="answers">How many answers.</param>
    /// <param name="longest">The most tokens of an answer.</param>
    internal sealed class Experience(int answers, int longest)
    {
        /// <summary>offsets (answers + 1): the first token of every answer, and the number of tokens</summary>
        private readonly int[] _offsets = new int[answers + 1];

        /// <summary>The answers, each after its prompt.</summary>
        public TokenRow[] Rows { get; } = new TokenRow[answers];

        public float[] LogProbs { get; } = new float[answers * longest];

        public float[] Values { get; } = new float[answers * longest];

        public float[] Advantages { get; } = new float[answers * longest];

        public float[] Returns { get; } = new float[answers * longest];

        /// <summary>The answer tokens of all answers.</summary>
        public int Tokens => _offsets[^1];

        /// <summary>Where the tokens of some answers lie.</summary>
        public (int Start, int Count) TokensOf(int answer, int count) => (_offsets[answer], _offsets[answer + count] - _offsets[answer]);

        /// <summary>Sets an answer; those before it are set.</summary>
        public void SetRow(int answer, TokenRow row)
        {
            Rows[answer] = row;
            _offsets[answer + 1] = _offsets[answer] + row.Counted;
        }

        /// <summary>Becomes a minibatch of the answers of a step.</summary>
        public void Select(Experience all, ReadOnlySpan<int> which)
        {
            for (int i = 0; i < which.Length; i++)
            {
                SetRow(i, all.Rows[which[i]]);
                int source = all._offsets[which[i]], destination = _offsets[i], count = Rows[i].Counted;
                Array.Copy(all.LogProbs, source, LogProbs, destination, count);
                Array.Copy(all.Values, source, Values, destination, count);
                Array.Copy(all.Advantages, source, Advantages, destination, count);
                Array.Copy(all.Returns, source, Returns, destination, count);
            }
        }
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
