namespace NativeRlhf.Configuration;

/// <summary>
/// What the trainers have in common that sample answers and learn from their scores. A step samples <c>batchSize</c> answers;
/// <c>maxLength</c> bounds prompt and answer together.
/// </summary>
public abstract record RolloutConfiguration : PromptTrainerConfiguration
{
    /// <summary>
    /// Answers of the whole run, which has ⌈episodes / batchSize⌉ steps. Null (the default) derives them from epochs over the
    /// prompts; <c>steps</c> wins over both.
    /// </summary>
    [Bounds(1)]
    public long? Episodes { get; init; }

    /// <summary>
    /// How often each prompt is answered; divides <c>batchSize</c>. Default 1 (RAFT 8); at least 2 where advantages are relative to the
    /// other answers of a prompt.
    /// </summary>
    [Bounds(1)]
    public int AnswersPerPrompt { get; init; } = 1;

    /// <summary>Answers per optimizer update; divides <c>batchSize</c> in PPO. Default 16.</summary>
    [Bounds(1)]
    public int MiniBatchSize { get; init; } = 16;

    /// <summary>How often the answers of a step are gone through. Default 4.</summary>
    [Bounds(1)]
    public int InnerEpochs { get; init; } = 4;

    /// <summary>The most tokens of an answer, end-of-text included. Default 64.</summary>
    [Bounds(1)]
    public int ResponseLength { get; init; } = 64;

    /// <summary>Logits are divided by it in sampling and in all log-probabilities. Default 1.</summary>
    [Bounds(0, AboveMinimum = true)]
    public double Temperature { get; init; } = 1;

    /// <summary>Sample from the k most probable tokens only; 0 is off. Default 0.</summary>
    [Bounds(0)]
    public int TopK { get; init; }

    /// <summary>Sample from the most probable tokens that together reach this probability; 1 is off. Default 1.</summary>
    [Bounds(0, 1, AboveMinimum = true)]
    public double TopP { get; init; } = 1;

    /// <summary>The score that an answer without end-of-text gets in place of its own; null (the default) is off.</summary>
    public double? MissingEosPenalty { get; init; }

    /// <summary>How many steps a run over so many prompts has.</summary>
    /// <param name="rows">How many prompts there are, ≥ 1.</param>
    /// <returns>Steps, or ⌈episodes / batchSize⌉, or ⌈epochs · prompts · answersPerPrompt / batchSize⌉.</returns>
    public override long TotalSteps(long rows) =>
        Steps is null && Episodes is { } episodes ? AtLeastOne((double)episodes / BatchSize) : base.TotalSteps(rows * AnswersPerPrompt);

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        foreach (ConfigurationProblem problem in base.Problems())
            yield return problem;
        if (BatchSize % AnswersPerPrompt != 0)
            yield return new("answersPerPrompt", $"answersPerPrompt is {AnswersPerPrompt} and batchSize {BatchSize}; it must divide it");
        if (ResponseLength >= MaxLength)
            yield return new("responseLength", $"responseLength is {ResponseLength} and maxLength, for prompt and answer together, {MaxLength}; it must be smaller");
    }
}
