using System.Xml;
using FsCheck;
using FsCheck.Fluent;
using NativeRlhf.Reporting.Html;

namespace NativeRlhf.Reporting.Tests;

public sealed class PlainTextTests
{
    [TestCase("<script>alert(\"x\")</script>", "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;")]
    [TestCase("'&amp;", "&#39;&amp;amp;")]
    [TestCase("a\r\nb\rc\td", "a\nb\nc\td")]
    [TestCase("\0\u001b[31m\u007f", "\u2400\u241b[31m\u2421")]
    [TestCase("\u0085\uffff\ufdd0", "\ufffd\ufffd\ufffd")]
    [TestCase("שלום 😀", "שלום 😀")]
    public void NothingIsMarkupAndEverythingIsLegal(string text, string expected) => Assert.That(PlainText.Escape(text), Is.EqualTo(expected));

    [Test]
    public void LoneSurrogatesAreReplaced()
    {
        Assert.That(PlainText.Escape("a" + '\ud83d'), Is.EqualTo("a\ufffd"));
        Assert.That(PlainText.Escape('\ude00' + "b" + '\ud83d' + "c"), Is.EqualTo("\ufffdb\ufffdc"));
    }

    /// <summary>A strict reader of XML accepts the result, and reads text without control characters back as it was.</summary>
    [Test]
    public void EveryTextIsAnElementAndAnAttribute() =>
        Prop.ForAll(Gen.Choose(0, 0xffff).Select(c => (char)c).ListOf().Select(chars => string.Concat(chars)).ToArbitrary(), text =>
        {
            var document = new XmlDocument { PreserveWhitespace = true };
            document.LoadXml($"<a b=\"{PlainText.Escape(text)}\">{PlainText.Escape(text)}</a>");
            string read = document.DocumentElement!.InnerText;
            return read.Length <= text.Length && text.Where(c => c is >= ' ' and < '\u007f').SequenceEqual(read.Where(c => c is >= ' ' and < '\u007f'));
        }).QuickCheckThrowOnFailure();

    [Test]
    public void LongTextsKeepTheirClustersWhole()
    {
        Assert.That(PlainText.Shorten("abc", 3), Is.EqualTo("abc"));
        Assert.That(PlainText.Shorten("abcd", 3), Is.EqualTo("ab…"));
        Assert.That(PlainText.Shorten("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), Is.EqualTo("👩‍👩‍👧…"));
    }
}
