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
/// <param name="Value">The value function, with a scalar head, trained in place; null where advantages are relative to a group.</param>
/// <param name="Reward">What scores answers.</param>
public sealed record PpoModels(Gpt Policy, Gpt Reference, Gpt? Value, IReward Reward);

/// <summary>
/// Proximal policy optimisation of the InstructGPT paper. A step: sample an answer to each prompt; score it; penalise every
/// token by β·(log π − log π_ref); estimate advantages with a value function; then several epochs of clipped updates on
/// minibatches, with pretraining text mixed in if asked (PPO-ptx). With several answers per prompt, advantages can be relative
/// to the other answers in place of a value function (GRPO, RLOO).
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
    private readonly Workspace _policyWorkspace;
    private readonly SequenceScorer _policyScorer, _referenceScorer;
    private readonly LearningRateSchedule _valueSchedule;
    private readonly AdamWOptimizer _policyOptimizer;
    private readonly Critic? _critic;
    private readonly PromptSampler _sampler;
    private readonly GptParameters? _average;
    private readonly MicroBatches _microBatches;

    // What a step fills: its prompts, its answers and their minibatches, and per answer token what only it needs.
    private readonly EncodedPrompt[] _drawn, _batch;
    private readonly Experience _experience, _minibatch;
    private readonly float[] _entropies, _rewards;
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
        int longest = prompts.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength;
        CheckFits(models.Reference.Config, "reference", longest);
        if (models.Value is not null) CheckFits(models.Value.Config, "value function", longest);
        _minibatchOrder = new RowOrder(run.Seed, configuration.BatchSize, shuffle: true, RandomPurpose.Minibatches);
        if (configuration.PtxCoef > 0)
        {
            if (pretraining.Count == 0) throw new InputException($"ptxCoef is {configuration.PtxCoef}, but there is no pretraining text; give --pretrain-data, or set ptxCoef to 0");
            _pretrainingOrder = new RowOrder(run.Seed, pretraining.Count, configuration.Shuffle, RandomPurpose.PretrainingMix);
        }

        _drawn = new EncodedPrompt[configuration.BatchSize / configuration.AnswersPerPrompt];
        _batch = new EncodedPrompt[configuration.BatchSize];
        _order = new int[configuration.BatchSize];
        _experience = new Experience(configuration.BatchSize, configuration.ResponseLength);
        _minibatch = new Experience(configuration.MiniBatchSize, configuration.ResponseLength);
        (_entropies, _rewards) = (NewTokens(), NewTokens());
        Adapt(models.Policy);
        _policyWorkspace = workspace;
        _microBatches = new MicroBatches(configuration.MicroBatchSize ?? 0, workspace.Capacity);
        _policyScorer = new SequenceScorer(_policyWorkspace);
        var reference = models.Reference;
        _referenceScorer = reference.Config.HasSameShape(models.Policy.Config)
            ? _policyScorer
            : new SequenceScorer(Own(new Workspace(reference.Device, reference.Config, workspace.Capacity, forBackward: false, adapterRank: reference.AdapterRank)));
        _valueSchedule = (configuration with { LearningRate = configuration.ValueLearningRate ?? configuration.LearningRate }).Schedule(prompts.Count);
        _policyOptimizer = Optimize(models.Policy, IsLanguage);
        if (configuration.Advantages == AdvantageEstimator.Gae)
        {
            var value = Adapt(models.Value ?? throw new ArgumentException("advantages by GAE need a value function", nameof(models)));
            // Policy and value function take turns with one workspace when they have the same shape.
            var valueWorkspace = value.Config.HasSameShape(models.Policy.Config)
                ? workspace
                : Own(new Workspace(value.Device, value.Config, workspace.Capacity, forBackward: true, configuration.Recompute, value.AdapterRank));
            _critic = new Critic(value, valueWorkspace, new SequenceScorer(valueWorkspace), Optimize(value, IsScalar, "value"));
        }

        _sampler = Own(new PromptSampler(models.Policy, run.Tokenizer, configuration.BatchSize, longest - configuration.ResponseLength, configuration.ResponseLength));
        _controller = Controller(configuration.KlCoef);
        if (configuration.EmaDecay > 0)
        {
            _average = Own(new GptParameters(models.Policy.Device, models.Policy.Config, models.Policy.Trainable.Specs, purpose: "average"));
            _average.Combine(models.Policy.Device.Kernels, 1, models.Policy.Trainable, 0);
        }

        float[] NewTokens() => new float[configuration.BatchSize * configuration.ResponseLength];

        void CheckFits(GptConfig other, string role, int length)
        {
            if (other.VocabularySize != models.Policy.Config.VocabularySize)
                throw new InputException($"the {role} has a vocabulary of {other.VocabularySize} tokens and the policy one of {models.Policy.Config.VocabularySize}; they must have the same tokenizer");
            if (other.Positions < length)
                throw new InputException($"the {role} has {other.Positions} positions, and the longest prompt with an answer of {configuration.ResponseLength} (responseLength) needs {length}; choose another {role}, or set maxLength");
        }
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
        return new Workspace(device, config, capacity, forBackward: true, configuration.Recompute, configuration.LoraRank);
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        // 1. Sample an answer to each prompt, or several.
        long started = Stopwatch.GetTimestamp();
        DrawBatch(_prompts, step, _drawn);
        for (int i = 0; i < _batch.Length; i++) _batch[i] = _drawn[i / _configuration.AnswersPerPrompt];
        float temperature = (float)_configuration.Temperature;
        var answers = Answer(_batch, temperature, firstStream: (uint)((long)step * _batch.Length));
        for (int i = 0; i < answers.Length; i++) _experience.SetRow(i, answers[i].Row);
        double rolloutSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 2. Log-probabilities by the forward pass that training uses, values, and scores.
        started = Stopwatch.GetTimestamp();
        var rows = _experience.Rows;
        int tokens = _experience.Tokens;
        Span<float> logprobs = _experience.LogProbs.AsSpan(0, tokens), values = _experience.Values.AsSpan(0, tokens);
        Span<float> refLogprobs = _experience.RefLogProbs.AsSpan(0, tokens), entropies = _entropies.AsSpan(0, tokens), rewards = _rewards.AsSpan(0, tokens);
        _policyScorer.LogProbs(_models.Policy, rows, logprobs, entropies, temperature);
        _referenceScorer.LogProbs(_models.Reference, rows, refLogprobs, temperature: temperature);
        _critic?.Scorer.Values(_critic.Model, rows, values);
        double[] scores = Score(answers, (name, value) => metrics[$"objective/{name}"] = value);
        Finite("objective/kl", KlEstimators.SumK1(logprobs, refLogprobs));
        Finite("the sum of the values", Mean(values));
        foreach (double score in scores) Finite("a score", score);

        // 3. Rewards of tokens: the KL penalty on each (unless it is a part of the loss), the score on the last.
        double beta = _controller.Coefficient, penalty = _configuration.KlPenalty == KlPenalty.Reward ? beta : 0;
        double klSum = 0, k3Sum = 0, scoreSum = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            var (start, count) = _experience.TokensOf(i, 1);
            double score = RewardShaping.Score(scores[i], answers[i].Sampled.Ended, _configuration.MissingEosPenalty, _configuration.ScoreClip);
            RewardShaping.TokenRewards(logprobs.Slice(start, count), refLogprobs.Slice(start, count), penalty, score, rewards.Slice(start, count));
            klSum += KlEstimators.SumK1(logprobs.Slice(start, count), refLogprobs.Slice(start, count));
            k3Sum += KlEstimators.SumK3(logprobs.Slice(start, count), refLogprobs.Slice(start, count));
            scoreSum += score;
        }

        double kl = klSum / rows.Length, meanScore = scoreSum / rows.Length;
        if (_configuration.WhitenRewards) Whitening.Whiten(rewards, keepMean: true);

        // 4. Advantages and returns.
        Span<float> advantages = _experience.Advantages.AsSpan(0, tokens), returns = _experience.Returns.AsSpan(0, tokens);
        if (_critic is null)
        {
            AdvantagesInGroups(rewards, advantages);
        }
        else
        {
            for (int i = 0; i < rows.Length; i++)
            {
                var (start, count) = _experience.TokensOf(i, 1);
                Gae.Advantages(rewards.Slice(start, count), values.Slice(start, count), _configuration.Gamma, _configuration.Lambda, advantages.Slice(start, count));
            }

            Gae.Returns(advantages, values, returns);
        }

        metrics["objective/scores"] = meanScore;
        metrics["objective/kl"] = kl;
        metrics["objective/kl_k3"] = k3Sum / rows.Length;
        metrics["objective/rlhf_reward"] = meanScore - (beta * kl);
        metrics["objective/entropy"] = Mean(entropies);
        metrics["objective/kl_coef"] = beta;
        double scoreSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 5. Epochs of clipped updates on minibatches.
        started = Stopwatch.GetTimestamp();
        var sums = new PpoSums();
        for (int epoch = 0; epoch < _configuration.InnerEpochs; epoch++)
        {
            Permute(step, epoch);
            for (int start = 0; start < _order.Length; start += _configuration.MiniBatchSize)
            {
                int first = start;
                Replayable(step, () => Update(_order.AsSpan(first, _configuration.MiniBatchSize), learningRate, _valueSchedule.At(step), sums, metrics));
            }
        }

        _controller.Update(kl, rows.Length);
        if (_average is not null)
            _average.Combine(_models.Policy.Device.Kernels, (float)(1 - _configuration.EmaDecay), _models.Policy.Trainable, (float)_configuration.EmaDecay);

        sums.Report(metrics, _configuration);
        metrics["response/length"] = (double)tokens / rows.Length;
        metrics["response/eos_fraction"] = answers.Count(answer => answer.Sampled.Ended) / (double)rows.Length;
        metrics["time/rollout"] = Math.Round(rolloutSeconds, 3);
        metrics["time/score"] = Math.Round(scoreSeconds, 3);
        metrics["time/update"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3);
        foreach (var row in rows) metrics.Tokens += row.Tokens.Length;
        metrics.Sample = new JsonObject
        {
            ["prompt"] = _batch[0].Text,
            ["completion"] = answers[0].Text ?? "",
            ["tokens"] = new JsonArray([.. rows[0].Tokens.Select(token => (JsonNode)token)]),
            ["score"] = scores[0],
            ["kl"] = KlEstimators.SumK1(logprobs[..rows[0].Counted], refLogprobs[..rows[0].Counted]),
            ["finish_reason"] = answers[0].Sampled.Ended ? "eos" : "length",
        };
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
        metrics["eval/scores"] = Score(answers).Average();
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
    protected override void WriteFinal(string folder)
    {
        if (_average is null)
        {
            base.WriteFinal(folder);
            return;
        }

        // Both are there: the one that was asked for in front, the other one below it.
        var (first, second) = _configuration.EmaFinal ? (_average, null) : ((GptParameters?)null, _average);
        WriteModel(folder, first);
        WriteModel(Directory.CreateDirectory(Path.Combine(folder, _configuration.EmaFinal ? "policy" : "average")).FullName, second);
    }

    /// <summary>
    /// Advantages without a value function: every token of an answer gets what the answer's reward, the sum of its tokens', is
    /// above those of the other answers to its prompt.
    /// </summary>
    private void AdvantagesInGroups(ReadOnlySpan<float> rewards, Span<float> advantages)
    {
        double[] totals = new double[_batch.Length];
        for (int i = 0; i < totals.Length; i++)
        {
            var (start, count) = _experience.TokensOf(i, 1);
            foreach (float reward in rewards.Slice(start, count)) totals[i] += reward;
        }

        for (int first = 0; first < totals.Length; first += _configuration.AnswersPerPrompt)
        {
            var group = totals.AsSpan(first, _configuration.AnswersPerPrompt);
            if (_configuration.Advantages == AdvantageEstimator.Grpo) GroupAdvantages.Standardize(group);
            else GroupAdvantages.LeaveOneOut(group);
        }

        for (int i = 0; i < totals.Length; i++)
        {
            var (start, count) = _experience.TokensOf(i, 1);
            advantages.Slice(start, count).Fill((float)totals[i]);
        }
    }

    /// <summary>One update of policy and value function on a minibatch of answers.</summary>
    private void Update(ReadOnlySpan<int> answers, double learningRate, double valueLearningRate, PpoSums sums, Metrics metrics)
    {
        _minibatch.Select(_experience, answers);
        int tokens = _minibatch.Tokens;
        if (_configuration.WhitenAdvantages ?? _critic is not null) Whitening.Whiten(_minibatch.Advantages.AsSpan(0, tokens), keepMean: false);
        WeighTokens();

        _policyOptimizer.ZeroGradients();
        _critic?.Optimizer.ZeroGradients();
        bool isFirst = sums.Tokens == 0;
        int firstRow = 0;
        for (int start = 0, count; start < answers.Length; start += count)
        {
            count = _microBatches.Next(_minibatch.Rows.AsSpan(start), PackedBatch.InputLength);
            var dropout = Dropout(firstRow);
            sums.AddPolicy(AddPolicyGradient(_models.Policy, _policyOptimizer.Gradients, _policyWorkspace, _minibatch, start, count, _configuration, dropout));
            if (_critic is not null)
                sums.AddValue(AddValueGradient(_critic.Model, _critic.Optimizer.Gradients, _critic.Workspace, _minibatch, start, count, _configuration, dropout));
            firstRow += _policyWorkspace.Batch.Rows;
        }

        if (isFirst) metrics["policy/ratio_first"] = sums.LargestRatioChange;
        if (_pretrainingOrder is not null) AddPretrainingGradient(answers.Length, firstRow, sums);
        sums.Tokens += tokens;
        sums.Updates++;
        // Both gradients are finite, or neither model is touched.
        double norm = Finite("the norm of the policy's gradient", _policyOptimizer.GradientNorm());
        double valueNorm = _critic is null ? 0 : Finite("the norm of the value function's gradient", _critic.Optimizer.GradientNorm());
        sums.GradientNorm += _policyOptimizer.Step(learningRate, norm);
        _critic?.Optimizer.Step(valueLearningRate, valueNorm);
        metrics["grad_norm"] = sums.GradientNorm / sums.Updates;
    }

    /// <summary>
    /// What a token counts. The policy loss is a mean over tokens and linear in the advantages, so that a mean over answers of
    /// means over their tokens is a matter of weights on these.
    /// </summary>
    private void WeighTokens()
    {
        int tokens = _minibatch.Tokens;
        for (int i = 0; i < _minibatch.Rows.Length; i++)
        {
            var (start, count) = _minibatch.TokensOf(i, 1);
            double share = _configuration.LossMean == LossMean.Token ? 1.0 / tokens : 1.0 / ((double)_minibatch.Rows.Length * count);
            _minibatch.KlWeights.AsSpan(start, count).Fill((float)(_controller.Coefficient * share));
            if (_configuration.LossMean == LossMean.Token) continue;
            foreach (ref float advantage in _minibatch.Advantages.AsSpan(start, count)) advantage *= (float)(share * tokens);
        }
    }

    /// <summary>
    /// Adds the gradient of the clipped policy loss: mean over the minibatch's answer tokens of max(−A·ratio, −A·clip(ratio, 1 ± ε)),
    /// and of the KL penalty if that is a part of the loss.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="gradients">Receives the gradient; +=.</param>
    /// <param name="workspace">Memory for the answers.</param>
    /// <param name="minibatch">The answers of the whole minibatch.</param>
    /// <param name="start">The first answer of the micro-batch.</param>
    /// <param name="count">How many answers it has.</param>
    /// <param name="configuration">Clip range, temperature, and where the KL penalty is.</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <returns>The statistics of <see cref="PpoLoss.Policy"/>, then those of <see cref="PpoLoss.Kl"/>.</returns>
    internal static float[] AddPolicyGradient(
        Gpt policy, GptParameters gradients, Workspace workspace, Experience minibatch, int start, int count, PpoConfiguration configuration, ResidualDropout dropout = default)
    {
        var kernels = policy.Device.Kernels;
        workspace.Batch.SetInputs(minibatch.Rows.AsSpan(start, count));
        workspace.Targets.Set(workspace.Batch, minibatch.Rows.AsSpan(start, count));
        var (first, n) = minibatch.TokensOf(start, count);
        Tensor logprobs = workspace.Values.Slice(0, n), dLogprobs = workspace.DValues.Slice(0, n), old = workspace.First.Slice(0, n), advantages = workspace.Second.Slice(0, n);
        Tensor refLogprobs = workspace.Third.Slice(0, n), klWeights = workspace.Fourth.Slice(0, n), dHidden = workspace.DHidden.Slice(0, workspace.Batch.Rows);
        Tensor statistics = workspace.Statistics.Reshape(PpoLoss.PolicyStatisticsLength + PpoLoss.KlStatisticsLength, 1);
        Tensor ofPolicy = statistics.Slice(0, PpoLoss.PolicyStatisticsLength), ofKl = statistics.Slice(PpoLoss.PolicyStatisticsLength, PpoLoss.KlStatisticsLength);
        bool hasKl = configuration.KlPenalty == KlPenalty.Loss;
        policy.Device.Upload(old, minibatch.LogProbs.AsSpan(first, n));
        policy.Device.Upload(advantages, minibatch.Advantages.AsSpan(first, n));
        if (hasKl)
        {
            policy.Device.Upload(refLogprobs, minibatch.RefLogProbs.AsSpan(first, n));
            policy.Device.Upload(klWeights, minibatch.KlWeights.AsSpan(first, n));
        }

        float scale = 1f / minibatch.Tokens;
        kernels.Elementwise.Fill(statistics, 0);
        kernels.Elementwise.Fill(dHidden, 0);

        var hidden = policy.Forward(workspace.Batch, workspace.Activations, dropout);
        workspace.Language.ForwardBackward(
            policy, gradients, hidden, dHidden, workspace.Targets, logprobs, dLogprobs,
            (at, length) =>
            {
                kernels.PpoLoss.Policy(
                    ofPolicy, dLogprobs.Slice(at, length), logprobs.Slice(at, length), old.Slice(at, length), advantages.Slice(at, length), (float)configuration.ClipRange, scale);
                if (hasKl) kernels.PpoLoss.Kl(ofKl, dLogprobs.Slice(at, length), logprobs.Slice(at, length), refLogprobs.Slice(at, length), klWeights.Slice(at, length));
            },
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
        workspace.Targets.Set(workspace.Batch, minibatch.Rows.AsSpan(start, count));
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
    private void AddPretrainingGradient(int answers, int firstRow, PpoSums sums)
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

        sums.PretrainingLoss += Finite("loss/ptx", loss / counted);
    }

    /// <summary>
    /// Dropout of an update. Log-probabilities of the rollout are without it, so that ratios are then noisy from the first
    /// update on; the default is none.
    /// </summary>
    private ResidualDropout Dropout(int firstRow) => new((float)_configuration.Dropout, Run.Seed, (uint)_policyOptimizer.Steps, (uint)firstRow);

    private PromptAnswer[] Answer(EncodedPrompt[] prompts, float temperature, uint firstStream) => _sampler.Answer(
        prompts, new SamplingOptions(_configuration.ResponseLength, temperature, _configuration.TopK, (float)_configuration.TopP, Run.Seed), firstStream);

    private double[] Score(PromptAnswer[] answers, Action<string, double>? report = null) => _models.Reward.Score([.. answers.Select(answer => answer.Request)], report);

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

    /// <summary>The value function in training.</summary>
    private sealed record Critic(Gpt Model, Workspace Workspace, SequenceScorer Scorer, AdamWOptimizer Optimizer);
}
