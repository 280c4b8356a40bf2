namespace NativeRlhf.Configuration;

/// <summary>Pretraining on text. The defaults are those that <see cref="TrainerConfiguration"/> names.</summary>
public sealed record PretrainConfiguration : TrainerConfiguration;
