namespace NativeRlhf.Rl;

/// <summary>Advantages of several answers to one prompt, relative to each other: no value function is needed.</summary>
public static class GroupAdvantages
{
    /// <summary>What is added to the standard deviation, as TRL does; a group without differences has advantages 0.</summary>
    private const double Epsilon = 1e-4;

    /// <summary>A = (R − mean) / (std + 1e-4), with the unbiased standard deviation (GRPO; Shao et al. 2024, arXiv:2402.03300).</summary>
    /// <param name="rewards">R (K) of the answers to one prompt, K ≥ 2; overwritten with A.</param>
    /// <exception cref="ArgumentException">There are fewer than two answers.</exception>
    public static void Standardize(Span<double> rewards)
    {
        double mean = Mean(rewards), squares = 0;
        foreach (double reward in rewards) squares += (reward - mean) * (reward - mean);
        double scale = 1 / (Math.Sqrt(squares / (rewards.Length - 1)) + Epsilon);
        foreach (ref double reward in rewards) reward = (reward - mean) * scale;
    }

    /// <summary>A = R − mean of the other answers' R (RLOO; Ahmadian et al. 2024, arXiv:2402.14740).</summary>
    /// <param name="rewards">R (K) of the answers to one prompt, K ≥ 2; overwritten with A.</param>
    /// <exception cref="ArgumentException">There are fewer than two answers.</exception>
    public static void LeaveOneOut(Span<double> rewards)
    {
        // R_i − (ΣR − R_i) / (K − 1) = (R_i − mean)·K / (K − 1)
        double mean = Mean(rewards), scale = (double)rewards.Length / (rewards.Length - 1);
        foreach (ref double reward in rewards) reward = (reward - mean) * scale;
    }

    private static double Mean(ReadOnlySpan<double> rewards)
    {
        if (rewards.Length < 2) throw new ArgumentException($"a group of {rewards.Length} answers has no others to compare with; give at least 2", nameof(rewards));
        double sum = 0;
        foreach (double reward in rewards) sum += reward;
        return sum / rewards.Length;
    }
}
