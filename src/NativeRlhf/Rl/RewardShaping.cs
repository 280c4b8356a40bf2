namespace NativeRlhf.Rl;

/// <summary>
/// From the score of an answer to the rewards of its tokens (Ouyang et al. 2022, arXiv:2203.02155, equation 2; Stiennon et al.
/// 2020, arXiv:2009.01325): the score lands on the last token, the KL penalty on every one.
/// </summary>
public static class RewardShaping
{
    /// <summary>The score that counts for an answer.</summary>
    /// <param name="score">What the reward functions say.</param>
    /// <param name="ended">Whether the answer ends with the end-of-text token.</param>
    /// <param name="missingEosPenalty">
    /// The score that an answer without an end gets instead, or null for none. It is not clipped.
    /// </param>
    /// <param name="scoreClip">Scores are clipped to ± this, or null for no clipping.</param>
    /// <returns>The score.</returns>
    public static double Score(double score, bool ended, double? missingEosPenalty, double? scoreClip)
    {
        if (!ended && missingEosPenalty is { } penalty)
            return penalty;
        return scoreClip is { } limit ? Math.Clamp(score, -limit, limit) : score;
    }

    /// <summary>
    /// The rewards of the tokens of one answer:
    /// <code>
    /// r_t = −β (log π(token t) − log π_ref(token t))   + score at the last token
    /// </code>
    /// Their sum is the answer's reward r(x, y) − β log(π(y|x) / π_ref(y|x)).
    /// </summary>
    /// <param name="logprobs">log π of every token of the answer, end-of-text included, (T), T ≥ 1.</param>
    /// <param name="refLogprobs">log π_ref of the same tokens, (T).</param>
    /// <param name="klCoefficient">β ≥ 0.</param>
    /// <param name="score">The score of the answer.</param>
    /// <param name="rewards">r, (T), overwritten.</param>
    /// <exception cref="ArgumentException">The lengths differ, or the answer has no token.</exception>
    public static void TokenRewards(
        ReadOnlySpan<float> logprobs, ReadOnlySpan<float> refLogprobs, double klCoefficient, double score, Span<float> rewards)
    {
        if (logprobs.IsEmpty)
            throw new ArgumentException("an answer has at least one token", nameof(logprobs));
        if (refLogprobs.Length != logprobs.Length || rewards.Length != logprobs.Length)
            throw new ArgumentException($"logprobs has {logprobs.Length} tokens, refLogprobs {refLogprobs.Length}, rewards {rewards.Length}");
        for (int t = 0; t < rewards.Length; t++)
        {
            double penalty = -klCoefficient * KlEstimators.K1(logprobs[t], refLogprobs[t]);
            rewards[t] = (float)(t == rewards.Length - 1 ? penalty + score : penalty);
        }
    }
}
