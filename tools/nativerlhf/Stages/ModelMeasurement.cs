using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Miniature;
using NativeRlhf.Model;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Stages;

/// <summary>An answer with the judge's marks, which training never sees.</summary>
/// <param name="Instruction">What was asked.</param>
/// <param name="Answer">What a model answered.</param>
/// <param name="Marks">What the judge says of it.</param>
internal sealed record JudgedAnswer(Instruction Instruction, ModelAnswer Answer, Marks Marks);

/// <summary>Measures models of one shape: the judge marks their answers, the reward model scores them, the SFT model is what KL is measured from.</summary>
internal sealed class ModelMeasurement : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly Gpt _sft, _reward;
    private readonly TextTokenizer _tokenizer;
    private readonly Workspace _workspace;
    private readonly SequenceScorer _scorer;
    private readonly Judge _judge;
    private readonly int _answerTokens;
    private readonly float _temperature;
    private readonly CancellationToken _cancel;

    /// <param name="stages">The device, and what ends the measurement.</param>
    /// <param name="world">The world of the judge.</param>
    /// <param name="sft">The directory of the SFT model.</param>
    /// <param name="reward">The directory of the reward model.</param>
    /// <param name="answerTokens">The most tokens of an answer.</param>
    /// <param name="temperature">The temperature of answers and of the KL.</param>
    public ModelMeasurement(MethodStages stages, World world, string sft, string reward, int answerTokens, float temperature)
    {
        _device = stages.Device;
        _cancel = stages.Cancel;
        _judge = new Judge(world);
        _sft = ModelDirectory.Load(_device, sft);
        _tokenizer = TextTokenizer.Load(sft);
        _reward = ModelDirectory.Load(_device, reward, ScoreHead.Required);
        _workspace = new Workspace(_device, _sft.Config, 2048, forBackward: false);
        _scorer = new SequenceScorer(_workspace);
        (_answerTokens, _temperature) = (answerTokens, temperature);
    }

    public Gpt Load(string folder) => ModelDirectory.Load(_device, folder, ScoreHead.None);

    /// <summary>Answers of a model to prompts as they are, with the judge's marks.</summary>
    public JudgedAnswer[] Answer(Gpt model, IReadOnlyList<Instruction> prompts, ulong seed)
    {
        using var sampler = new AnswerSampler(model, _tokenizer, _answerTokens, _temperature, _cancel);
        return [.. sampler.Sample([.. prompts.Select(prompt => prompt.Prompt)], seed).Select((answer, i) => new JudgedAnswer(prompts[i], answer, _judge.Mark(prompts[i], answer.Answer)))];
    }

    /// <summary>
    /// Answers of a base model that is shown a page of questions with answers: as many as leave room for the answer. What the
    /// reward model gets to see is the bare prompt with the answer.
    /// </summary>
    public JudgedAnswer[] AnswerPrompted(Gpt model, IReadOnlyList<Instruction> prompts, FewShot fewShot, int shots, ulong seed)
    {
        int room = model.Config.Positions - _answerTokens;
        using var sampler = new AnswerSampler(model, _tokenizer, _answerTokens, _temperature, _cancel);
        return [.. sampler.Sample([.. prompts.Select(Page)], seed).Select((sampled, i) =>
        {
            var answer = FewShot.Read(sampled.Answer.Text, sampled.Answer.Ended);
            int[] tokens = [.. _tokenizer.Encode(answer.Text), .. answer.Ended ? new[] { _tokenizer.EndOfText!.Value } : []];
            return new JudgedAnswer(prompts[i], new ModelAnswer(_tokenizer.Encode(prompts[i].Prompt), tokens, answer), _judge.Mark(prompts[i], answer));
        })];

        string Page(Instruction prompt)
        {
            for (int n = shots; n > 0; n--)
            {
                if (fewShot.Prompt(prompt, n) is var page && _tokenizer.Encode(page).Length <= room) return page;
            }

            return fewShot.Prompt(prompt, 0);
        }
    }

    /// <summary>The reward model's score of every answer.</summary>
    public double[] Scores(IReadOnlyList<ModelAnswer> answers) => Score([.. answers.Select(answer => (int[])[.. answer.Prompt, .. answer.Tokens])]);

    /// <summary>The reward model's score of complete answers to a prompt, as its training saw them.</summary>
    public double[] Scores(string prompt, IEnumerable<string> answers) =>
        Score([.. answers.Select(answer => (int[])[.. _tokenizer.Encode(prompt), .. _tokenizer.Encode(answer), _tokenizer.EndOfText!.Value])]);

    /// <summary>For every answer the sum of log π − log π_SFT over its tokens, in nats.</summary>
    public double[] Kl(Gpt model, IReadOnlyList<ModelAnswer> answers)
    {
        TokenRow[] rows = [.. answers.Select(answer => new TokenRow([.. answer.Prompt, .. answer.Tokens], answer.Prompt.Length))];
        float[][] own = _scorer.LogProbs(model, rows, _temperature), reference = _scorer.LogProbs(_sft, rows, _temperature);
        return [.. own.Zip(reference, (ours, theirs) => Rl.KlEstimators.SumK1(ours, theirs))];
    }

    /// <summary>Windows of text for <see cref="Losses"/>.</summary>
    public TokenRow[] Windows(string file) => [.. new DataLoading(_sft.Config, _tokenizer).Windows("", [file], new PretrainConfiguration())];

    /// <summary>The mean negative log-likelihood per token over all windows, in nats.</summary>
    public double Loss(Gpt model, TokenRow[] windows) => _scorer.Loss(model, windows);

    /// <summary>The mean negative log-likelihood per token of each window, in nats.</summary>
    public double[] Losses(Gpt model, TokenRow[] windows) => [.. _scorer.LogProbs(model, windows).Select(logprobs => -logprobs.Average(logprob => (double)logprob))];

    /// <summary>The log-probability of each completion after its prompt, in nats.</summary>
    public double[] LogProbs(Gpt model, IEnumerable<(string Prompt, string Completion)> texts)
    {
        TokenRow[] rows = [.. texts.Select(text =>
        {
            int[] prompt = _tokenizer.Encode(text.Prompt);
            return new TokenRow([.. prompt, .. _tokenizer.Encode(text.Completion)], prompt.Length);
        })];
        return [.. _scorer.LogProbs(model, rows).Select(logprobs => logprobs.Sum(logprob => (double)logprob))];
    }

    public void Dispose()
    {
        _workspace.Dispose();
        _reward.Dispose();
        _sft.Dispose();
    }

    private double[] Score(int[][] sequences) => [.. _scorer.Scores(_reward, sequences).Select(score => (double)score)];
}
