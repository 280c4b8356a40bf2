using NativeRlhf.Data;

namespace NativeRlhf.Configuration;

/// <summary>What the trainers have in common whose rows have a prompt.</summary>
public abstract record PromptTrainerConfiguration : TrainerConfiguration
{
    /// <summary>What happens to a row of more than <see cref="TrainerConfiguration.MaxLength"/> tokens: error (the default), drop or truncate.</summary>
    public OnTooLong OnTooLong { get; init; } = OnTooLong.Error;

    /// <summary>The text that a prompt becomes, with <c>{prompt}</c> once in it. Default <c>{prompt}</c>.</summary>
    public string PromptTemplate { get; init; } = RowEncoder.PromptPlaceholder;

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        foreach (ConfigurationProblem problem in base.Problems())
            yield return problem;
        if (RowEncoder.SplitTemplate(PromptTemplate) is null)
            yield return new("promptTemplate", $"promptTemplate is '{PromptTemplate}'; it must hold {RowEncoder.PromptPlaceholder} exactly once");
    }
}
