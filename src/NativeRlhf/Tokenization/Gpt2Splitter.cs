using System.Buffers;
using System.Globalization;
using System.Text;

namespace NativeRlhf.Tokenization;

/// <summary>
/// Cuts text into words as GPT-2 does; tokens never reach across words. The rule is the regular expression
/// <code>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</code>
/// that is: a contraction (lower case only); else letters, or digits, or other characters, each with at most one space
/// before; else white space, all of it at the end of the text, and otherwise all but its last character, which goes
/// with the next word when it is a space.
/// <para>
/// The rule is about Unicode characters, and .NET's regular expressions see UTF-16 units: for them a letter beyond
/// U+FFFF is two non-letters. Hence this matcher. It works on bytes written in the <see cref="ByteAlphabet"/>, one
/// character each, so that any bytes can be cut: bytes that are not UTF-8 count as other characters.
/// Runs in time linear in the text. White space is Unicode's property White_Space.
/// </para>
/// </summary>
internal static class Gpt2Splitter
{
    private const byte Other = 0;
    private const byte Letter = 1;
    private const byte Number = 2;
    private const byte White = 3;
    private const byte NotAscii = 4;

    private static readonly char _space = ByteAlphabet.ToCharacter((byte)' ');
    private static readonly byte[] _classes = Classes();

    /// <summary>Where the word ends that starts at a place.</summary>
    /// <param name="text">Bytes in the byte alphabet.</param>
    /// <param name="start">The start of a word, before the end of the text.</param>
    /// <returns>The end, behind <paramref name="start"/>.</returns>
    public static int WordEnd(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && ContractionLength(text[(start + 1)..]) is > 0 and int length)
            return start + 1 + length;

        int first = text[start] == _space && start + 1 < text.Length ? start + 1 : start;
        byte kind = ClassAt(text, first, out int size);
        if (kind != White)
        {
            int end = first + size;
            while (end < text.Length && ClassAt(text, end, out size) == kind)
                end += size;
            return end;
        }

        int last = start;
        int behind = start;
        while (behind < text.Length && ClassAt(text, behind, out size) == White)
        {
            last = behind;
            behind += size;
        }

        return behind == text.Length || last == start ? behind : last;
    }

    private static int ContractionLength(ReadOnlySpan<char> text) => text switch
    {
        ['s' or 't' or 'm' or 'd', ..] => 1,
        ['r' or 'v', 'e', ..] or ['l', 'l', ..] => 2,
        _ => 0,
    };

    private static byte ClassAt(ReadOnlySpan<char> text, int at, out int size)
    {
        byte kind = _classes[text[at]];
        size = 1;
        return kind == NotAscii ? ClassBeyondAscii(text[at..], out size) : kind;
    }

    private static byte ClassBeyondAscii(ReadOnlySpan<char> text, out int size)
    {
        Span<byte> utf8 = stackalloc byte[4];
        int count = Math.Min(text.Length, utf8.Length);
        for (int i = 0; i < count; i++)
            ByteAlphabet.TryToByte(text[i], out utf8[i]);
        return Rune.DecodeFromUtf8(utf8[..count], out Rune rune, out size) == OperationStatus.Done ? ClassOf(rune) : Other;
    }

    private static byte ClassOf(Rune rune) => Rune.IsWhiteSpace(rune) ? White : Rune.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.OtherLetter => Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
        _ => Other,
    };

    private static byte[] Classes()
    {
        var classes = new byte[ByteAlphabet.CharacterLimit];
        for (int b = 0; b < 256; b++)
            classes[ByteAlphabet.ToCharacter((byte)b)] = b < 128 ? ClassOf(new Rune(b)) : NotAscii;
        return classes;
    }
}
