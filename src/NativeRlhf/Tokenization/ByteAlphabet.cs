namespace NativeRlhf.Tokenization;

/// <summary>
/// GPT-2's way to write bytes as printable characters, in which <c>vocab.json</c> and <c>merges.txt</c> are written.
/// The 188 bytes that are printable in Latin-1 (<c>!</c> to <c>~</c>, <c>¡</c> to <c>¬</c>, <c>®</c> to <c>ÿ</c>) stand
/// for themselves; the other 68 become U+0100, U+0101, … in ascending order, so that a space is <c>Ġ</c> (U+0120) and
/// a line feed <c>Ċ</c> (U+010A).
/// </summary>
public static class ByteAlphabet
{
    /// <summary>The number of code units from U+0000 up to the alphabet's last character.</summary>
    internal const int CharacterLimit = 256 + 68;

    private static readonly byte[] _order = [.. Enumerable.Range(0, 256).Select(b => (byte)b).OrderBy(IsRemapped)];
    private static readonly char[] _characters = new char[256];
    private static readonly short[] _bytes = new short[CharacterLimit];

    static ByteAlphabet()
    {
        Array.Fill(_bytes, (short)-1);
        char next = (char)256;
        foreach (byte b in _order)
        {
            _characters[b] = IsRemapped(b) ? next++ : (char)b;
            _bytes[_characters[b]] = b;
        }
    }

    /// <summary>All bytes in the order of their ids in GPT-2's vocabulary: the printable ones, then the others.</summary>
    public static ReadOnlySpan<byte> Order => _order;

    /// <summary>The character that stands for a byte.</summary>
    /// <param name="value">The byte.</param>
    /// <returns>The character.</returns>
    public static char ToCharacter(byte value) => _characters[value];

    /// <summary>The byte that a character stands for.</summary>
    /// <param name="character">The character.</param>
    /// <param name="value">The byte, or 0.</param>
    /// <returns>Whether the character belongs to the alphabet.</returns>
    public static bool TryToByte(char character, out byte value)
    {
        int found = character < CharacterLimit ? _bytes[character] : -1;
        value = (byte)Math.Max(found, 0);
        return found >= 0;
    }

    /// <summary>Writes bytes in the alphabet, one character each.</summary>
    /// <param name="bytes">Any bytes.</param>
    /// <returns>As many characters as there are bytes.</returns>
    public static string ToText(ReadOnlySpan<byte> bytes) =>
        string.Create(bytes.Length, bytes, static (text, bytes) => Write(bytes, text));

    /// <summary>Writes bytes in the alphabet, one character each.</summary>
    /// <param name="bytes">Any bytes.</param>
    /// <param name="text">Overwritten with the characters; not shorter than the bytes.</param>
    public static void Write(ReadOnlySpan<byte> bytes, Span<char> text)
    {
        for (int i = 0; i < bytes.Length; i++)
            text[i] = _characters[bytes[i]];
    }

    /// <summary>Reads bytes that are written in the alphabet.</summary>
    /// <param name="text">The characters.</param>
    /// <param name="bytes">As many bytes as there are characters, or none.</param>
    /// <returns>Whether all characters belong to the alphabet.</returns>
    public static bool TryToBytes(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        for (int i = 0; i < text.Length; i++)
        {
            if (!TryToByte(text[i], out bytes[i]))
            {
                bytes = [];
                return false;
            }
        }

        return true;
    }

    private static bool IsRemapped(byte b) => b is not ((>= (byte)'!' and <= (byte)'~') or (>= 0xA1 and <= 0xAC) or >= 0xAE);
}
