using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Rollout;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Iteration;

/// <summary>
/// How a policy does on held-out prompts: it answers each once, sampled as the answers that are compared, with the same random numbers in
/// every round, and the judge scores the answers.
/// </summary>
internal sealed class PolicyEvaluation(IterationPlan plan, AnswerSampling sampling, ComputeDevice device, ulong seed, IReadOnlyList<PromptRow> prompts) : IDisposable
{
    private IReward? _judge;

    /// <summary>Measures a policy.</summary>
    /// <returns>
    /// <c>scores</c>: the judge's mean score, and its standard error; <c>kl</c>: the sum over an answer's tokens of log π − log π₀, mean over
    /// answers; <c>length</c> in tokens; <c>eos_fraction</c>.
    /// </returns>
    public IReadOnlyList<(string Name, double Value)> Measure(string policy, CancellationToken cancel)
    {
        using var model = ModelDirectory.Load(device, policy, ScoreHead.None);
        var tokenizer = sampling.Tokenizer(policy);
        var encoded = sampling.Encoder(model.Config, tokenizer).Prompts(prompts, new DataReport());
        // A stream of its own: these are not the answers that are compared in the first round.
        var options = sampling.Options(model.Config, ~seed);
        int longest = encoded.Max(prompt => prompt.Tokens.Length);
        PromptAnswer[] answers;
        using (var sampler = new PromptSampler(model, tokenizer, encoded.Count, longest, options.MaxNewTokens)) answers = sampler.Answer(encoded, options, cancel: cancel);

        _judge ??= RewardSpec.Open(plan.Judge, device, model.Config, longest + options.MaxNewTokens);
        double[] scores = _judge.Score([.. answers.Select(answer => answer.Request)]);
        double mean = scores.Average(), error = Math.Sqrt(scores.Sum(score => (score - mean) * (score - mean)) / Math.Max(1, scores.Length - 1) / scores.Length);
        return
        [
            ("scores", mean),
            ("scores_stderr", error),
            ("kl", policy == plan.Policy ? 0 : Kl(model, [.. answers.Select(answer => answer.Row)])),
            ("length", answers.Average(answer => answer.Sampled.Tokens.Length)),
            ("eos_fraction", answers.Average(answer => answer.Sampled.Ended ? 1.0 : 0)),
        ];
    }

    /// <inheritdoc/>
    public void Dispose() => _judge?.Dispose();

    private double Kl(Gpt model, TokenRow[] rows)
    {
        using var start = ModelDirectory.Load(device, plan.Policy, ScoreHead.None);
        using var workspace = new Workspace(device, model.Config, Math.Max(2048, rows.Max(row => row.Tokens.Length)), forBackward: false);
        var scorer = new SequenceScorer(workspace);
        return Sum(model) - Sum(start);

        double Sum(Gpt gpt) => scorer.LogProbs(gpt, rows, (float)plan.Sampling.Temperature).Average(row => row.Sum(logprob => (double)logprob));
    }
}
