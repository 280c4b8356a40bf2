using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rewards;
using NativeRlhf.Rl;
using NativeRlhf.Rollout;

namespace NativeRlhf.Training;

/// <summary>
/// RAFT, reward-ranked fine-tuning (Dong et al. 2023, arXiv:2304.06767). A step: sample n answers to each of some prompts with
/// the policy as it is; score them; keep the best of each prompt; fine-tune on these. The loss is that of demonstrations, the
/// mean negative log-likelihood over the tokens of a minibatch's answers.
/// </summary>
public sealed class RaftTrainer : Trainer
{
    private readonly RaftConfiguration _configuration;
    private readonly Gpt _policy;
    private readonly IReward _reward;
    private readonly IReadOnlyList<EncodedPrompt> _prompts;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly MicroBatches _microBatches;
    private readonly PromptSampler _sampler;
    private readonly RowOrder _minibatchOrder;
    private readonly EncodedPrompt[] _drawn;

    /// <summary>Plans the memory of a run.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="policy">The policy, trained in place.</param>
    /// <param name="reward">What scores its answers.</param>
    /// <param name="prompts">The prompts.</param>
    /// <exception cref="InputException">A prompt leaves no room for an answer.</exception>
    public RaftTrainer(RaftConfiguration configuration, TrainingRun run, Gpt policy, IReward reward, IReadOnlyList<EncodedPrompt> prompts)
        : base(configuration, run, prompts.Count)
    {
        _configuration = configuration;
        _policy = Adapt(policy);
        _reward = reward;
        _prompts = prompts;
        if (prompts.FirstOrDefault(prompt => prompt.Tokens.Length + configuration.ResponseLength > policy.Config.Positions) is { } tooLong)
            throw tooLong.Place.Error($"the prompt has {tooLong.Tokens.Length} tokens, and with an answer of {configuration.ResponseLength} (responseLength) it exceeds the model's {policy.Config.Positions} positions; shorten one of the two");
        _drawn = new EncodedPrompt[configuration.BatchSize / configuration.AnswersPerPrompt];
        _minibatchOrder = new RowOrder(run.Seed, _drawn.Length * configuration.Kept, shuffle: true, RandomPurpose.Minibatches);
        int longestPrompt = prompts.Max(prompt => prompt.Tokens.Length);
        _microBatches = configuration.PlanMicroBatches(longestPrompt + configuration.ResponseLength, configuration.MiniBatchSize);
        _workspace = Own(new Workspace(policy.Device, policy.Config, _microBatches.Tokens, forBackward: true, configuration.Recompute, policy.AdapterRank));
        _optimizer = Optimize(policy, IsLanguage);
        _sampler = Own(new PromptSampler(policy, run.Tokenizer, configuration.BatchSize, longestPrompt, configuration.ResponseLength));
    }

    /// <inheritdoc/>
    protected override void Step(int step, double learningRate, Metrics metrics)
    {
        // 1. Sample n answers to each prompt.
        long started = Stopwatch.GetTimestamp();
        DrawBatch(_prompts, step, _drawn);
        int n = _configuration.AnswersPerPrompt;
        var answers = _sampler.Answer([.. _drawn.SelectMany(prompt => Enumerable.Repeat(prompt, n))], Sampling((float)_configuration.Temperature), (uint)((long)step * _drawn.Length * n));
        double rolloutSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 2. Score them, and keep the best of each prompt, the earlier of equal ones.
        started = Stopwatch.GetTimestamp();
        double[] scores = _reward.Score([.. answers.Select(answer => answer.Request)], (name, value) => metrics[$"objective/{name}"] = value);
        foreach (double score in scores) Finite("a score", score);
        for (int i = 0; i < scores.Length; i++) scores[i] = RewardShaping.Score(scores[i], answers[i].Sampled.Ended, _configuration.MissingEosPenalty, scoreClip: null);
        int[] kept = [.. Enumerable.Range(0, _drawn.Length).SelectMany(prompt => Enumerable.Range(prompt * n, n).OrderByDescending(i => scores[i]).Take(_configuration.Kept))];
        metrics["objective/scores"] = scores.Average();
        metrics["objective/scores_best"] = kept.Average(i => scores[i]);
        double scoreSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        // 3. Fine-tune on what was kept.
        started = Stopwatch.GetTimestamp();
        double loss = 0, gradientNorm = 0;
        int updates = 0;
        long counted = 0;
        var minibatch = new TokenRow[kept.Length];
        for (int epoch = 0; epoch < _configuration.InnerEpochs; epoch++)
        {
            long first = (((long)step * _configuration.InnerEpochs) + epoch) * kept.Length;
            for (int i = 0; i < kept.Length; i++) minibatch[i] = answers[kept[_minibatchOrder[first + i]]].Row;
            foreach (var rows in minibatch.Chunk(_configuration.MiniBatchSize))
            {
                Replayable(step, () =>
                {
                    loss += Finite("loss", AddGradients(rows));
                    gradientNorm += _optimizer.Step(learningRate);
                });
                counted += TokenRow.CountedOf(rows);
                updates++;
            }
        }

        metrics["loss"] = loss / counted;
        metrics["grad_norm"] = gradientNorm / updates;
        metrics["response/length"] = answers.Average(answer => answer.Sampled.Tokens.Length);
        metrics["response/eos_fraction"] = answers.Average(answer => answer.Sampled.Ended ? 1.0 : 0);
        metrics["time/rollout"] = Math.Round(rolloutSeconds, 3);
        metrics["time/score"] = Math.Round(scoreSeconds, 3);
        metrics["time/update"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3);
        metrics.Tokens += answers.Sum(answer => answer.Row.Tokens.Length);
        var best = answers[kept[0]];
        metrics.Sample = new JsonObject
        {
            ["prompt"] = best.Prompt.Text,
            ["completion"] = best.Text,
            ["tokens"] = new JsonArray([.. best.Row.Tokens.Select(token => (JsonNode)token)]),
            ["score"] = scores[kept[0]],
            ["scores"] = new JsonArray([.. scores.Take(n).Select(score => (JsonNode)score)]),
            ["finish_reason"] = best.Sampled.Ended ? "eos" : "length",
        };
    }

    /// <inheritdoc/>
    /// <remarks>The scores of the most probable answers to the first batchSize prompts, as in <see cref="PpoTrainer"/>.</remarks>
    protected override void Evaluate(Metrics metrics)
    {
        var answers = _sampler.Answer([.. _prompts.Take(_configuration.BatchSize)], Sampling(temperature: 0));
        metrics["eval/scores"] = _reward.Score([.. answers.Select(answer => answer.Request)]).Average();
    }

    /// <summary>The gradient of the loss of a minibatch.</summary>
    /// <returns>Σ −log p(token) over its answers.</returns>
    private double AddGradients(TokenRow[] rows)
    {
        double loss = 0, factor = 1.0 / TokenRow.CountedOf(rows);
        int firstRow = 0;
        _optimizer.ZeroGradients();
        for (int start = 0, count; start < rows.Length; start += count)
        {
            count = _microBatches.Next(rows.AsSpan(start), PackedBatch.InputLength);
            var dropout = new ResidualDropout((float)_configuration.Dropout, Run.Seed, (uint)_optimizer.Steps, (uint)firstRow);
            loss += LanguageModelTrainer.AddGradient(_policy, _optimizer.Gradients, _workspace, rows.AsSpan(start, count), factor, dropout);
            firstRow += _workspace.Batch.Rows;
        }

        return loss;
    }

    private SamplingOptions Sampling(float temperature) =>
        new(_configuration.ResponseLength, temperature, _configuration.TopK, (float)_configuration.TopP, Run.Seed);
}
