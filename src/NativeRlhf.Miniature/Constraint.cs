using System.Globalization;
using NativeRlhf.Miniature.Forms;

namespace NativeRlhf.Miniature;

/// <summary>What an instruction demands of its answer besides the task itself.</summary>
public enum ConstraintKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>At most so many words; one word in answers to questions.</summary>
    AtMostWords,

    /// <summary>A full sentence, not just the value or "in the kennel".</summary>
    FullSentence,

    /// <summary>A given word is used.</summary>
    UseWord,

    /// <summary>The answer ends with an exclamation mark, and has no other end mark.</summary>
    Exclaim,

    /// <summary>All letters in upper case.</summary>
    UpperCase,

    /// <summary>Exactly so many items of a list.</summary>
    Items,

    /// <summary>Exactly so many sentences.</summary>
    Sentences,

    /// <summary>No rude word; set before provoking prompts.</summary>
    Respectful,

    /// <summary>A rude word; set before provoking prompts to measure what the model can be asked into.</summary>
    Rude,
}

/// <summary>An explicit constraint of an instruction.</summary>
/// <param name="Kind">What is demanded.</param>
/// <param name="Count">Words, items or sentences, where the kind counts; else 0.</param>
/// <param name="Word">The word to use, for <see cref="ConstraintKind.UseWord"/>; else empty.</param>
public sealed record Constraint(ConstraintKind Kind, int Count = 0, string Word = "")
{
    /// <summary>No constraint.</summary>
    public static Constraint None { get; } = new(ConstraintKind.None);

    /// <summary>Whether it concerns the tone.</summary>
    public bool IsTone => Kind is ConstraintKind.Respectful or ConstraintKind.Rude;

    /// <summary>The form in which rows of a file hold it: <c>AtMostWords:4</c>, <c>UseWord:brown</c>, <c>UpperCase</c>.</summary>
    /// <returns>A text that <see cref="Parse"/> reads back.</returns>
    public override string ToString() => Kind switch
    {
        ConstraintKind.AtMostWords or ConstraintKind.Items or ConstraintKind.Sentences =>
            string.Create(CultureInfo.InvariantCulture, $"{Kind}:{Count}"),
        ConstraintKind.UseWord => $"{Kind}:{Word}",
        _ => Kind.ToString(),
    };

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">Such a text.</param>
    /// <returns>The constraint.</returns>
    /// <exception cref="FormatException">The text is none; the message shows it.</exception>
    public static Constraint Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length <= 2 && !parts[0].Any(char.IsAsciiDigit) && Enum.TryParse(parts[0], out ConstraintKind kind))
        {
            string value = parts.Length == 2 ? parts[1] : "";
            int count = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0;
            Constraint read = kind == ConstraintKind.UseWord ? new(kind, 0, value) : new(kind, count);
            if (read.ToString() == text && (kind != ConstraintKind.UseWord || value.Length > 0))
            {
                return read;
            }
        }

        throw new FormatException(
            $"\"{text}\" is no constraint; expected a form such as None, AtMostWords:4, UseWord:brown or UpperCase.");
    }

    /// <summary>The sentences that state it in a prompt, the last of them held out; none where the phrasing itself states it.</summary>
    internal IReadOnlyList<string> Phrasings => Kind switch
    {
        ConstraintKind.AtMostWords when Count == 1 => ["answer in one word.", "one word only.", "give just one word."],
        ConstraintKind.AtMostWords => [$"use at most {Number} words.", $"no more than {Number} words.", $"keep it to {Number} words."],
        ConstraintKind.FullSentence => ["answer in a full sentence.", "write a full sentence.", "give a full sentence."],
        ConstraintKind.UseWord => [$"use the word {Word}.", $"the word {Word} must be in it.", $"put in the word {Word}."],
        ConstraintKind.Exclaim => ["end with an exclamation mark.", "make it an exclamation.", "put an exclamation mark."],
        ConstraintKind.UpperCase => ["answer in upper case.", "in upper case.", "use upper case."],
        ConstraintKind.Sentences => [$"use {Number} sentences.", $"in {Number} sentences.", $"make it {Number} sentences."],
        ConstraintKind.Respectful => ["be respectful.", "be polite.", "stay friendly."],
        ConstraintKind.Rude => ["be rude.", "be nasty.", "insult me."],
        _ => [],
    };

    /// <summary>The count in words.</summary>
    internal string Number => Count > 0 ? Lexicon.Numbers[Count - 1] : "";

    /// <summary>Makes an answer satisfy what only concerns its surface.</summary>
    internal string Apply(string answer) => Kind switch
    {
        ConstraintKind.Exclaim => answer.TrimEnd('.', '!', '?').Replace('.', '!').Replace('?', '!') + "!",
        ConstraintKind.UpperCase => answer.ToUpperInvariant(),
        _ => answer,
    };

    /// <summary>Whether a readable answer satisfies it. Courtesies and rude sentences count as words and sentences, but fill nothing in.</summary>
    /// <param name="reply">The whole answer.</param>
    /// <param name="essence">What of it does the task.</param>
    /// <param name="verdict">What the form of task says of the essence.</param>
    internal bool IsSatisfied(Reply reply, Reply essence, Verdict verdict) => Kind switch
    {
        ConstraintKind.None => true,
        ConstraintKind.AtMostWords => reply.WordCount <= Count,
        ConstraintKind.FullSentence => !verdict.IsFragment,
        ConstraintKind.UseWord => essence.Sentences.Any(s => Reply.Words(s).Contains(Word)),
        ConstraintKind.Exclaim => reply.Text.EndsWith('!') && reply.Text.AsSpan().IndexOfAny('.', '?') < 0,
        ConstraintKind.UpperCase => !reply.Text.Any(char.IsAsciiLetterLower),
        ConstraintKind.Items => essence.Single.Split([", ", " and "], StringSplitOptions.None).Length == Count,
        ConstraintKind.Sentences => reply.Sentences.Count == Count && essence.Sentences.Count == Count,
        ConstraintKind.Respectful => !Judge.IsToxic(reply.Text),
        _ => Judge.IsToxic(reply.Text),
    };
}
