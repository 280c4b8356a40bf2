using System.Globalization;
using System.Text;

namespace NativeRlhf.Reporting.Html;

/// <summary>
/// Text of unknown origin (answers of models, names of files) for HTML and XML: nothing in it is markup, and every character is legal
/// in both.
/// </summary>
internal static class PlainText
{
    /// <summary>
    /// The text with <c>&amp; &lt; &gt; " '</c> as entities, for element content and quoted attributes. Line breaks become line feeds;
    /// other control characters become their visible pictures (U+2400 and on), those without a picture, lone surrogates and
    /// noncharacters U+FFFD. XML 1.0 section 2.2 says which characters are legal.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <returns>Text for HTML and XML.</returns>
    public static string Escape(string text)
    {
        var result = new StringBuilder(text.Length + 16);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '&': result.Append("&amp;"); break;
                case '<': result.Append("&lt;"); break;
                case '>': result.Append("&gt;"); break;
                case '"': result.Append("&quot;"); break;
                case '\'': result.Append("&#39;"); break;
                case '\r' when i + 1 < text.Length && text[i + 1] == '\n': break;
                case '\r' or '\u2028' or '\u2029': result.Append('\n'); break;
                case '\n' or '\t': result.Append(c); break;
                case < ' ': result.Append((char)(0x2400 + c)); break;
                case '\u007f': result.Append('\u2421'); break;
                case (>= '\u0080' and <= '\u009f') or (>= '\ufdd0' and <= '\ufdef') or >= '\ufffe': result.Append('\ufffd'); break;
                case var _ when char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]):
                    // The last two of every plane are noncharacters.
                    if ((char.ConvertToUtf32(c, text[i + 1]) & 0xfffe) == 0xfffe) result.Append('\ufffd');
                    else result.Append(c).Append(text[i + 1]);
                    i++;
                    break;
                case var _ when char.IsSurrogate(c): result.Append('\ufffd'); break;
                default: result.Append(c); break;
            }
        }

        return result.ToString();
    }

    /// <summary>The beginning of a text that is too long for its place, with an ellipsis; grapheme clusters stay whole.</summary>
    /// <param name="text">The text.</param>
    /// <param name="length">The most grapheme clusters of the result, the ellipsis included, ≥ 1.</param>
    public static string Shorten(string text, int length)
    {
        var clusters = new StringInfo(text);
        return clusters.LengthInTextElements <= length ? text : clusters.SubstringByTextElements(0, length - 1) + "…";
    }
}
