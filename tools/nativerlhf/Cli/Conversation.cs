using NativeRlhf.Data;

namespace NativeRlhf.Runner.Cli;

/// <summary>What was said so far, and as much of it as a model has room for.</summary>
/// <param name="system">What the model is told before it all, or null.</param>
/// <param name="isSingle">Every question stands alone, and is itself the prompt.</param>
/// <param name="fits">Whether the model has room for a prompt.</param>
internal sealed class Conversation(string? system, bool isSingle, Func<string, bool> fits)
{
    private readonly List<Message> _turns = [];

    /// <summary>The prompt that a question becomes; the oldest turns are dropped while it does not fit.</summary>
    /// <returns>The prompt, or null when the question alone is too long; it is forgotten then.</returns>
    public string? Ask(string question)
    {
        if (isSingle) return fits(question) ? question : null;
        _turns.Add(new Message(Speaker.Human, question));
        string prompt;
        for (int from = 0; !fits(prompt = Prompt(from)); from += 2)
        {
            if (from >= _turns.Count - 1)
            {
                _turns.RemoveAt(_turns.Count - 1);
                return null;
            }
        }

        return prompt;
    }

    /// <summary>Notes an answer, up to where the model begins to speak for the person.</summary>
    /// <returns>The answer.</returns>
    public string Hear(string answer)
    {
        if (isSingle) return answer;
        int end = answer.IndexOf($"\n\n{Speaker.Human}:", StringComparison.Ordinal);
        string said = (end < 0 ? answer : answer[..end]).Trim();
        _turns.Add(new Message(Speaker.Assistant, said));
        return said;
    }

    private string Prompt(int from) => Transcript.Prompt([.. system is null ? [] : new[] { new Message(Speaker.System, system) }, .. _turns.Skip(from)]);
}
