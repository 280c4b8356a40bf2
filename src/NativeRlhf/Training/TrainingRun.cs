using NativeRlhf.Tokenization;

namespace NativeRlhf.Training;

/// <summary>What a step of a run did, for those who watch.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Metrics">The step's metrics.</param>
public sealed record StepReport(long Step, long Steps, Metrics Metrics);

/// <summary>What a run has besides models and data: where it writes, its seed, its tokenizer, and who watches.</summary>
/// <param name="Directory">Where the run writes.</param>
/// <param name="Seed">The seed of everything random.</param>
/// <param name="Tokenizer">The tokenizer that goes into checkpoints and samples, or null.</param>
/// <param name="Resume">Whether the run continues from its latest checkpoint.</param>
/// <param name="OnStep">Called after every step, or null.</param>
/// <param name="Cancel">Ends the run after the step under way, with a checkpoint.</param>
public sealed record TrainingRun(
    RunDirectory Directory, ulong Seed, TextTokenizer? Tokenizer, bool Resume = false, Action<StepReport>? OnStep = null, CancellationToken Cancel = default);
