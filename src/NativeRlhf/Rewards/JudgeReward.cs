using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Feedback;
using NativeRlhf.Model;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Rewards;

/// <summary>
/// A language model as the judge (RLAIF; Bai et al. 2022, section 4): it is asked by every principle of a constitution whether an answer is
/// good, and the score is how much more probable it finds one reply than the other,
/// score = mean over principles of log p(yes | template) − log p(no | template).
/// </summary>
/// <param name="model">The judge; disposed with this.</param>
/// <param name="tokenizer">Its tokenizer, which need not be that of the policy.</param>
/// <param name="constitution">The principles, those with a question for the judge, and the template.</param>
/// <param name="scorer">Runs the model.</param>
/// <param name="owned">What is disposed with this besides the model, or null.</param>
public sealed class JudgeReward(Gpt model, TextTokenizer tokenizer, Constitution constitution, SequenceScorer scorer, IDisposable? owned = null) : IReward
{
    private readonly int[] _yes = tokenizer.Encode(constitution.Yes), _no = tokenizer.Encode(constitution.No);

    /// <inheritdoc/>
    /// <exception cref="InputException">An answer has no text, or does not fit into the judge's context.</exception>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null)
    {
        var principles = constitution.ForJudge;
        var rows = new List<TokenRow>(2 * requests.Count * principles.Count);
        foreach (var request in requests)
        {
            if (request.Prompt.Length == 0) throw new InputException("a judge reads text, but the prompt is token ids; give prompts as text");
            foreach (var principle in principles)
            {
                int[] asked = tokenizer.Encode(Constitution.Fill(
                    constitution.JudgeTemplate, ("prompt", request.Prompt), ("completion", request.Completion), ("request", principle.Judge)));
                int longest = asked.Length + Math.Max(_yes.Length, _no.Length);
                if (longest - 1 > model.Config.Positions)
                    throw new InputException($"by the principle '{principle.Name}' the judge is given {longest} tokens, but has {model.Config.Positions} positions; shorten judgeTemplate or the answers, which here begin '{Begin(request.Completion)}'");
                rows.Add(new TokenRow([.. asked, .. _yes], asked.Length));
                rows.Add(new TokenRow([.. asked, .. _no], asked.Length));
            }
        }

        float[][] logprobs = scorer.LogProbs(model, [.. rows]);
        double[] scores = new double[requests.Count];
        for (int i = 0, row = 0; i < scores.Length; i++)
        {
            for (int p = 0; p < principles.Count; p++, row += 2) scores[i] += (Sum(logprobs[row]) - Sum(logprobs[row + 1])) / principles.Count;
        }

        return scores;

        static double Sum(float[] values) => values.Sum(value => (double)value);

        static string Begin(string text) => JsonMessages.OneLine(text.Length > 40 ? text[..40] + "…" : text);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        owned?.Dispose();
    }
}
