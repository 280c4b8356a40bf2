using System.Text;

namespace NativeRlhf.Data;

/// <summary>Who says something in a conversation.</summary>
public enum Speaker
{
    /// <summary>Instructions to the assistant that are not part of the exchange.</summary>
    System,

    /// <summary>The person.</summary>
    Human,

    /// <summary>The model.</summary>
    Assistant,
}

/// <summary>One turn of a conversation.</summary>
/// <param name="Speaker">Who speaks.</param>
/// <param name="Text">What is said.</param>
public readonly record struct Message(Speaker Speaker, string Text);

/// <summary>
/// The text that a conversation becomes: the form of the HH-RLHF data set (Bai et al. 2022), in which every turn is
/// <c>"\n\nHuman: "</c>, <c>"\n\nAssistant: "</c> or <c>"\n\nSystem: "</c> followed by what is said. A prompt ends with
/// <c>"\n\nAssistant:"</c>, and the answer begins with the space behind it.
/// </summary>
public static class Transcript
{
    /// <summary>What precedes every answer.</summary>
    public const string AssistantTurn = "\n\nAssistant:";

    /// <summary>The turns so far and the beginning of the assistant's next one.</summary>
    /// <param name="messages">The turns, in order.</param>
    /// <returns>The text of the prompt.</returns>
    public static string Prompt(IEnumerable<Message> messages)
    {
        var text = new StringBuilder();
        foreach (Message message in messages)
            text.Append("\n\n").Append(message.Speaker).Append(": ").Append(message.Text);
        return text.Append(AssistantTurn).ToString();
    }

    /// <summary>An answer of the assistant as it follows <see cref="Prompt"/>.</summary>
    /// <param name="answer">What the assistant says.</param>
    /// <returns>The text of the completion.</returns>
    public static string Completion(string answer) => " " + answer;

    /// <summary>
    /// Splits two transcripts with a shared beginning behind the last <see cref="AssistantTurn"/> that lies in it.
    /// </summary>
    /// <param name="first">A transcript.</param>
    /// <param name="second">Another one.</param>
    /// <returns>The shared prompt and the rest of both, or null if they share no such turn.</returns>
    public static (string Prompt, string First, string Second)? Split(string first, string second)
    {
        int shared = first.AsSpan().CommonPrefixLength(second);
        int turn = first.AsSpan(0, shared).LastIndexOf(AssistantTurn, StringComparison.Ordinal);
        if (turn < 0)
            return null;
        int at = turn + AssistantTurn.Length;
        return (first[..at], first[at..], second[at..]);
    }
}
