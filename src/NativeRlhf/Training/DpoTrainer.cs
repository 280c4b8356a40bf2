using System.Runtime.InteropServices;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Training;

/// <summary>
/// Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290): a policy from rankings, without a reward model and
/// without sampling. The policy is its own reward model, r(x, y) = β·(log π(y|x) − log π_ref(y|x)), and is trained as one:
/// loss = mean over prompts of the mean over that prompt's pairs of −(1 − ε)·log σ(Δ) − ε·log σ(−Δ), with
/// Δ = r(better) − r(worse); ε is 0 in the paper and the label smoothing of Mitchell 2023 (conservative DPO) otherwise.
/// For rows of two answers that is the mean over pairs. Of K ranked answers all C(K,2) pairs without ties count, 1/pairs each, and
/// every answer is run forward once.
/// </summary>
/// <remarks>
/// The pairs of a prompt lie in one micro-batch: the gradient at an answer needs the log-probabilities of the answers that it is
/// compared with, and with them at hand the gradient follows from the same forward pass. Only the vocabulary head runs twice, because
/// its (M, V) logits never exist as a whole. (The other way, all log-probabilities of the batch first and then gradients answer by
/// answer, would run every layer twice to save the memory of one prompt's answers.)
/// The reference is only read when the trainer is made: its log-probabilities are one number an answer.
/// </remarks>
public sealed class DpoTrainer : Trainer
{
    private readonly DpoConfiguration _configuration;
    private readonly Gpt _model;
    private readonly Comparison[] _rows, _evalRows, _batch;
    private readonly AdamWOptimizer _optimizer;
    private readonly Workspace _workspace;
    private readonly MicroBatches _microBatches;
    private readonly float[] _tokenValues;

    // The answers of a micro-batch; for each log π(y|x) and the gradient of the loss at it.
    private readonly List<TokenRow> _answers = [];
    private readonly List<double> _logProbs = [], _gradients = [];

    /// <summary>Plans the memory of a run, and computes the reference's log-probabilities of the answers that it will see.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="run">Where the run writes, its seed and its tokenizer.</param>
    /// <param name="model">The policy, trained in place.</param>
    /// <param name="reference">
    /// The reference, of the same vocabulary; <paramref name="model"/> itself where the policy begins as its reference. It is not needed
    /// after the constructor.
    /// </param>
    /// <param name="rows">The rankings.</param>
    /// <param name="evalRows">Held-out rankings; may be empty.</param>
    /// <exception cref="InputException">The reference has another vocabulary, or fewer positions than the longest answer needs.</exception>
    public DpoTrainer(DpoConfiguration configuration, TrainingRun run, Gpt model, Gpt reference, IReadOnlyList<RankedRow> rows, IReadOnlyList<RankedRow> evalRows)
        : base(configuration, run, rows.Count)
    {
        _configuration = configuration;
        _rows = [.. rows.Select(row => new Comparison(row))];
        _evalRows = [.. evalRows.Select(row => new Comparison(row))];
        _batch = new Comparison[configuration.BatchSize];
        AddReference(reference, model.Config, [.. Drawn(_rows), .. _evalRows]);
        _model = Adapt(model);
        _microBatches = PlanMicroBatches(_rows.Concat(_evalRows).Max(Length));
        _workspace = Own(new Workspace(model.Device, model.Config, _microBatches.Tokens, forBackward: true, configuration.Recompute, model.AdapterRank));
        _tokenValues = new float[_microBatches.Tokens];
        _optimizer = Optimize(model, IsLanguage);
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
            var hidden = Compare(_batch.AsSpan(start, count), 1.0 / _batch.Length, dropout, ref sums);
            AddGradient(hidden, dropout);
            firstRow += hidden.Rows;
        }

        metrics["loss"] = Finite("loss", sums.Loss);
        metrics["rewards/chosen"] = sums.ChosenReward / sums.Pairs;
        metrics["rewards/rejected"] = sums.RejectedReward / sums.Pairs;
        metrics["rewards/margins"] = (sums.ChosenReward - sums.RejectedReward) / sums.Pairs;
        metrics["rewards/accuracies"] = sums.Correct / sums.Pairs;
        metrics["logps/chosen"] = sums.ChosenLogProb / sums.Pairs;
        metrics["logps/rejected"] = sums.RejectedLogProb / sums.Pairs;
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
            Compare(_evalRows.AsSpan(start, count), 1.0 / _evalRows.Length, default, ref sums);
        }

        metrics["eval/loss"] = sums.Loss;
        metrics["eval/rewards/margins"] = (sums.ChosenReward - sums.RejectedReward) / sums.Pairs;
        metrics["eval/rewards/accuracies"] = sums.Correct / sums.Pairs;
    }

    /// <summary>
    /// Runs every answer of some prompts forward once and compares all their pairs. Leaves the answers, and for each of them the
    /// gradient of the loss at its log-probability.
    /// </summary>
    /// <param name="prompts">The prompts of one micro-batch.</param>
    /// <param name="promptWeight">1 / (prompts of the whole batch).</param>
    /// <param name="dropout">Residual dropout, or none.</param>
    /// <param name="sums">Receives the micro-batch's part of the metrics; +=.</param>
    /// <returns>hidden (N, C): the last hidden state of all answers.</returns>
    private Tensor Compare(ReadOnlySpan<Comparison> prompts, double promptWeight, ResidualDropout dropout, ref PairSums sums)
    {
        _answers.Clear();
        foreach (var prompt in prompts) _answers.AddRange(prompt.Row.Answers);
        var answers = CollectionsMarshal.AsSpan(_answers);
        _workspace.Batch.SetInputs(answers);
        _workspace.Targets.Set(_workspace.Batch, answers);
        var hidden = _model.Forward(_workspace.Batch, _workspace.Activations, dropout);
        Tensor logprobs = _workspace.Values.Slice(0, _workspace.Targets.Count);
        _workspace.Language.Forward(_model, hidden, _workspace.Targets, logprobs, Tensor.None);
        var tokens = _tokenValues.AsSpan(0, logprobs.Rows);
        _model.Device.Download(logprobs, tokens);
        SumByAnswer(answers, tokens, _logProbs);

        CollectionsMarshal.SetCount(_gradients, _answers.Count);
        var gradients = CollectionsMarshal.AsSpan(_gradients);
        gradients.Clear();
        int first = 0;
        foreach (var prompt in prompts)
        {
            foreach (var (better, worse) in prompt.Row.Pairs)
            {
                double chosen = _configuration.Beta * (_logProbs[first + better] - prompt.RefLogProbs[better]);
                double rejected = _configuration.Beta * (_logProbs[first + worse] - prompt.RefLogProbs[worse]);
                double weight = promptWeight / prompt.Row.Pairs.Length;
                var (loss, gradient) = PairLoss(chosen - rejected, _configuration.LabelSmoothing);
                gradients[first + better] += weight * _configuration.Beta * gradient;
                gradients[first + worse] -= weight * _configuration.Beta * gradient;

                sums.Loss += weight * loss;
                sums.ChosenReward += chosen;
                sums.RejectedReward += rejected;
                sums.Correct += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0;
                sums.ChosenLogProb += _logProbs[first + better];
                sums.RejectedLogProb += _logProbs[first + worse];
                sums.Pairs++;
            }

            first += prompt.Row.Answers.Length;
        }

        return hidden;
    }

    /// <summary>Adds the gradient of what <see cref="Compare"/> compared: log π(y|x) is a sum, so it is the same at all tokens of an answer.</summary>
    private void AddGradient(Tensor hidden, ResidualDropout dropout)
    {
        int tokens = _workspace.Targets.Count, token = 0;
        for (int i = 0; i < _answers.Count; i++)
        {
            _tokenValues.AsSpan(token, _answers[i].Counted).Fill((float)_gradients[i]);
            token += _answers[i].Counted;
        }

        Tensor logprobs = _workspace.Values.Slice(0, tokens), dLogprobs = _workspace.DValues.Slice(0, tokens);
        Tensor dHidden = _workspace.DHidden.Slice(0, hidden.Rows);
        _model.Device.Upload(dLogprobs, _tokenValues.AsSpan(0, tokens));
        _model.Device.Kernels.Elementwise.Fill(dHidden, 0);
        _workspace.Language.ForwardBackward(_model, _optimizer.Gradients, hidden, dHidden, _workspace.Targets, logprobs, dLogprobs);
        _model.Backward(_optimizer.Gradients, _workspace.Batch, _workspace.Activations, dHidden, dropout);
    }

    /// <summary>The loss of a pair, −(1 − ε)·log σ(Δ) − ε·log σ(−Δ), and its derivative, ε·σ(Δ) − (1 − ε)·σ(−Δ).</summary>
    /// <param name="margin">Δ, the reward of the better answer minus that of the worse one.</param>
    /// <param name="labelSmoothing">ε.</param>
    /// <returns>The loss and its derivative by Δ.</returns>
    internal static (double Loss, double Gradient) PairLoss(double margin, double labelSmoothing)
    {
        // With q = exp(−|Δ|) ≤ 1 nothing overflows: −log σ(Δ) = max(0, −Δ) + log(1 + q).
        double q = Math.Exp(-Math.Abs(margin)), log = Math.Log(1 + q), small = q / (1 + q), large = 1 / (1 + q);
        double right = margin >= 0 ? large : small, wrong = margin >= 0 ? small : large;
        return (
            ((1 - labelSmoothing) * (Math.Max(0, -margin) + log)) + (labelSmoothing * (Math.Max(0, margin) + log)),
            (labelSmoothing * right) - ((1 - labelSmoothing) * wrong));
    }

    /// <summary>log π_ref(y|x) of all answers. The memory for it is free again before that of the training is taken.</summary>
    private void AddReference(Gpt reference, GptConfig policy, IReadOnlyList<Comparison> rows)
    {
        int longest = rows.Max(row => row.Row.Answers.Max(PackedBatch.InputLength));
        if (reference.Config.VocabularySize != policy.VocabularySize)
            throw new InputException($"the reference has a vocabulary of {reference.Config.VocabularySize} tokens and the policy one of {policy.VocabularySize}; they must have the same tokenizer");
        if (reference.Config.Positions < longest)
            throw new InputException($"the reference has {reference.Config.Positions} positions, and the longest answer with its prompt needs {longest}; set maxLength, or choose another reference");
        if (!reference.Device.IsRehearsal) Run.Directory.Log($"log-probabilities of the reference for the answers of {rows.Count} rows");
        using var workspace = new Workspace(reference.Device, reference.Config, PlanMicroBatches(longest).Tokens, forBackward: false, adapterRank: reference.AdapterRank);
        var scorer = new SequenceScorer(workspace);
        List<double> sums = [];
        foreach (var chunk in rows.Chunk(64))
        {
            TokenRow[] answers = [.. chunk.SelectMany(row => row.Row.Answers)];
            float[] logprobs = new float[TokenRow.CountedOf(answers)];
            scorer.LogProbs(reference, answers, logprobs, temperature: 1);
            SumByAnswer(answers, logprobs, sums);
            int first = 0;
            foreach (var row in chunk)
            {
                row.RefLogProbs = [.. sums.Skip(first).Take(row.Row.Answers.Length)];
                first += row.Row.Answers.Length;
            }
        }
    }

    /// <summary>sums[i] = Σ over the counted tokens of answer i.</summary>
    private static void SumByAnswer(ReadOnlySpan<TokenRow> answers, ReadOnlySpan<float> tokens, List<double> sums)
    {
        sums.Clear();
        foreach (var answer in answers)
        {
            double sum = 0;
            foreach (float value in tokens[..answer.Counted]) sum += value;
            sums.Add(sum);
            tokens = tokens[answer.Counted..];
        }
    }

    private static int Length(Comparison comparison)
    {
        int tokens = 0;
        foreach (var answer in comparison.Row.Answers) tokens += PackedBatch.InputLength(answer);
        return tokens;
    }

    /// <summary>A ranking, and what the reference makes of its answers.</summary>
    private sealed class Comparison(RankedRow row)
    {
        public RankedRow Row => row;

        /// <summary>refLogprobs (K): log π_ref(y|x) of every answer</summary>
        public double[] RefLogProbs { get; set; } = [];
    }

    private struct PairSums
    {
        public double Loss, ChosenReward, RejectedReward, Correct, ChosenLogProb, RejectedLogProb;
        public long Pairs;
    }
}
