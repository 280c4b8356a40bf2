using System.Text.RegularExpressions;

namespace NativeRlhf.Miniature;

/// <summary>
/// An answer taken apart. An answer is readable when it is nothing but sentences of words: single spaces, commas
/// inside, a full stop, exclamation or question mark after each sentence but possibly the last, all in lower case or
/// all in upper case.
/// </summary>
internal sealed partial class Reply
{
    private Reply(string text, IReadOnlyList<string> sentences)
    {
        Text = text;
        Sentences = sentences;
    }

    /// <summary>The answer without white space around it.</summary>
    public string Text { get; }

    /// <summary>The sentences in lower case without their end marks; empty when the answer is not readable.</summary>
    public IReadOnlyList<string> Sentences { get; }

    /// <summary>Whether the last sentence has its end mark.</summary>
    public bool IsTerminated => Text.Length > 0 && IsEndMark(Text[^1]);

    /// <summary>The only sentence, or an empty text when there are several or none.</summary>
    public string Single => Sentences.Count == 1 ? Sentences[0] : "";

    /// <summary>How many words the readable answer has.</summary>
    public int WordCount => Sentences.Sum(sentence => sentence.Split(' ').Length);

    /// <summary>Takes an answer apart.</summary>
    public static Reply Read(string answer)
    {
        string text = answer.Trim();
        bool upper = text.Any(char.IsAsciiLetterUpper) && !text.Any(char.IsAsciiLetterLower);
        string lower = upper ? text.ToLowerInvariant() : text;
        string[] sentences = Shape().IsMatch(lower)
            ? [.. lower.Split(['.', '!', '?'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
            : [];
        return new Reply(text, sentences);
    }

    /// <summary>The same answer with some sentences left out of consideration.</summary>
    public Reply Only(IEnumerable<string> sentences) => new(Text, [.. sentences]);

    /// <summary>All runs of letters of any text, in lower case.</summary>
    public static IEnumerable<string> Words(string text) =>
        Letters().Matches(text).Select(match => match.Value.ToLowerInvariant());

    /// <summary>The runs of words of any text that nothing but white space interrupts, in lower case.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The words of each, and whether a question mark follows.</returns>
    public static IEnumerable<(string[] Words, bool IsQuestion)> Passages(string text)
    {
        int start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && (char.IsAsciiLetter(text[i]) || text[i] is ' ' or '\t'))
            {
                continue;
            }

            string[] words = [.. Words(text[start..i])];
            if (words.Length > 0)
            {
                yield return (words, i < text.Length && text[i] == '?');
            }

            start = i + 1;
        }
    }

    /// <summary>Whether a character ends a sentence.</summary>
    public static bool IsEndMark(char c) => c is '.' or '!' or '?';

    // Every repetition ends in a character that cannot start the next one, so that arbitrary text matches in linear time.
    [GeneratedRegex(@"^(?:[a-z]+(?:,? [a-z]+)*[.!?] )*[a-z]+(?:,? [a-z]+)*[.!?]?$")]
    private static partial Regex Shape();

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex Letters();
}
