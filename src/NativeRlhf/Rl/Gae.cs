namespace NativeRlhf.Rl;

/// <summary>
/// Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438, equations 11 to 16). With discounts γ_t and
/// <code>
/// δ_t = r_t + γ_t V_{t+1} − V_t
/// A_t = δ_t + γ_t λ A_{t+1}
/// </code>
/// and A = 0 behind the last step. Everything here is about one answer; sums are carried in double.
/// </summary>
public static class Gae
{
    /// <summary>Advantages of the tokens of one answer, behind whose last token the value is 0.</summary>
    /// <param name="rewards">r, (T): the reward of every token.</param>
    /// <param name="values">V, (T): the value before every token.</param>
    /// <param name="gamma">The discount of every step, in [0, 1].</param>
    /// <param name="lambda">λ in [0, 1]: 0 takes one step of reward, 1 all of them.</param>
    /// <param name="advantages">A, (T), overwritten; may be <paramref name="rewards"/> itself.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Advantages(
        ReadOnlySpan<float> rewards, ReadOnlySpan<float> values, double gamma, double lambda, Span<float> advantages)
    {
        Check(rewards.Length, values.Length, nameof(values));
        Check(rewards.Length, advantages.Length, nameof(advantages));
        double nextValue = 0;
        double advantage = 0;
        for (int t = rewards.Length - 1; t >= 0; t--)
            advantages[t] = Step(rewards[t], gamma, values[t], lambda, ref nextValue, ref advantage);
    }

    /// <summary>Advantages of a sequence with a discount of its own for every step and a value behind its end.</summary>
    /// <param name="rewards">r, (T).</param>
    /// <param name="discounts">γ, (T): 0 where an episode ends within the sequence.</param>
    /// <param name="values">V, (T).</param>
    /// <param name="bootstrap">V_T, the value behind the last step.</param>
    /// <param name="lambda">λ in [0, 1].</param>
    /// <param name="advantages">A, (T), overwritten; may be <paramref name="rewards"/> itself.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Advantages(
        ReadOnlySpan<float> rewards,
        ReadOnlySpan<float> discounts,
        ReadOnlySpan<float> values,
        double bootstrap,
        double lambda,
        Span<float> advantages)
    {
        Check(rewards.Length, discounts.Length, nameof(discounts));
        Check(rewards.Length, values.Length, nameof(values));
        Check(rewards.Length, advantages.Length, nameof(advantages));
        double nextValue = bootstrap;
        double advantage = 0;
        for (int t = rewards.Length - 1; t >= 0; t--)
            advantages[t] = Step(rewards[t], discounts[t], values[t], lambda, ref nextValue, ref advantage);
    }

    /// <summary>What the value function learns: R_t = A_t + V_t, with the advantages as they are before whitening.</summary>
    /// <param name="advantages">A, (T).</param>
    /// <param name="values">V, (T).</param>
    /// <param name="returns">R, (T), overwritten.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Returns(ReadOnlySpan<float> advantages, ReadOnlySpan<float> values, Span<float> returns)
    {
        Check(advantages.Length, values.Length, nameof(values));
        Check(advantages.Length, returns.Length, nameof(returns));
        for (int t = 0; t < advantages.Length; t++)
            returns[t] = advantages[t] + values[t];
    }

    private static float Step(
        double reward, double discount, float value, double lambda, ref double nextValue, ref double advantage)
    {
        double delta = reward + discount * nextValue - value;
        advantage = delta + discount * lambda * advantage;
        nextValue = value;
        return (float)advantage;
    }

    private static void Check(int expected, int length, string name)
    {
        if (length != expected)
            throw new ArgumentException($"{name} has {length} steps and the rewards or advantages have {expected}", name);
    }
}
