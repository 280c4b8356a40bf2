using NativeRlhf.Data;

namespace NativeRlhf.Feedback;

/// <summary>What a critic or a reviser is asked about an answer.</summary>
/// <param name="Task"><c>critique</c> or <c>revision</c>.</param>
/// <param name="Input">The filled template of the constitution.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completion">The answer as it is now.</param>
/// <param name="Critique">Its critique, for a revision after one; else null.</param>
/// <param name="Principle">The name of the principle.</param>
/// <param name="Request">What the principle asks for.</param>
/// <param name="Place">Where the prompt came from.</param>
public sealed record WritingRequest(string Task, string Input, string Prompt, string Completion, string? Critique, string Principle, string Request, RowPlace Place);

/// <summary>A critic or a reviser.</summary>
public interface IWriter : IDisposable
{
    /// <summary>Writes a text for every request.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="firstStream">The random stream of the first one; those of the others follow.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>One text each, in their order; possibly empty.</returns>
    public string[] Write(IReadOnlyList<WritingRequest> requests, uint firstStream = 0, CancellationToken cancel = default);
}
