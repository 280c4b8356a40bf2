using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Feedback;

/// <summary>One revision of an answer.</summary>
/// <param name="Principle">The name of the principle that was drawn.</param>
/// <param name="Critique">The critique, or null where the principle asks for none.</param>
/// <param name="Text">The answer afterwards.</param>
public sealed record Revision(string Principle, string? Critique, string Text);

/// <summary>An answer to be revised.</summary>
/// <param name="Prompt">The prompt as text.</param>
/// <param name="Text">The answer.</param>
/// <param name="Place">Where the prompt came from.</param>
public sealed record DraftAnswer(string Prompt, string Text, RowPlace Place);

/// <summary>
/// Critique and revision (Bai et al. 2022, section 3.1). n times: draw a principle, ask for a critique of the answer by it, and for a revision
/// of the answer by the critique.
/// </summary>
public static class ConstitutionalRevision
{
    /// <summary>The tasks of a <see cref="WritingRequest"/>.</summary>
    public const string CritiqueTask = "critique", RevisionTask = "revision";

    /// <summary>
    /// Revises answers. Principles are drawn by turns in an order that the seed decides, anew whenever all were drawn, so that each has about the
    /// same share, and a row's revisions are by different ones while there are enough. An empty revision leaves the answer as it was.
    /// </summary>
    /// <param name="constitution">The principles and templates.</param>
    /// <param name="drafts">The answers.</param>
    /// <param name="rounds">How often each is revised, ≥ 1.</param>
    /// <param name="critic">Writes critiques.</param>
    /// <param name="reviser">Writes revisions.</param>
    /// <param name="seed">The seed of the draws.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>For each answer its revisions in order.</returns>
    /// <exception cref="InputException">No principle is for revisions, or a writer fails.</exception>
    public static Revision[][] Revise(
        Constitution constitution, IReadOnlyList<DraftAnswer> drafts, int rounds, IWriter critic, IWriter reviser, ulong seed, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        var principles = constitution.ForRevision;
        if (principles.Count == 0) throw new InputException("no principle of the constitution has a 'revision' request; give one");
        var order = new RowOrder(seed, principles.Count, shuffle: true, RandomPurpose.Data);
        int count = drafts.Count;
        var drawn = new Principle[count][];
        for (int i = 0; i < count; i++) drawn[i] = [.. Enumerable.Range(0, rounds).Select(round => principles[order[((long)i * rounds) + round]])];

        var revisions = new Revision[count][];
        for (int i = 0; i < count; i++) revisions[i] = new Revision[rounds];
        for (int round = 0; round < rounds; round++)
        {
            // Stream 0 to count − 1 are the answers' own.
            uint stream = (uint)((1 + (2 * round)) * count);
            string Now(int i) => round == 0 ? drafts[i].Text : revisions[i][round - 1].Text;
            int[] criticised = [.. Enumerable.Range(0, count).Where(i => drawn[i][round].Critique.Length > 0)];
            string[] written = critic.Write([.. criticised.Select(i => Request(i, CritiqueTask, constitution.CritiqueTemplate, drawn[i][round].Critique, null))], stream, cancel);
            var critiques = new string?[count];
            for (int j = 0; j < criticised.Length; j++) critiques[criticised[j]] = written[j];

            string[] revised = reviser.Write(
                [.. Enumerable.Range(0, count).Select(i => Request(i, RevisionTask, constitution.RevisionTemplate, drawn[i][round].Revision, critiques[i]))], stream + (uint)count, cancel);
            for (int i = 0; i < count; i++) revisions[i][round] = new Revision(drawn[i][round].Name, critiques[i], revised[i].Length > 0 ? revised[i] : Now(i));

            WritingRequest Request(int i, string task, string template, string request, string? critique) => new(
                task, Constitution.Fill(template, ("prompt", drafts[i].Prompt), ("completion", Now(i)), ("critique", critique ?? ""), ("request", request)),
                drafts[i].Prompt, Now(i), critique, drawn[i][round].Name, request, drafts[i].Place);
        }

        return revisions;
    }
}
