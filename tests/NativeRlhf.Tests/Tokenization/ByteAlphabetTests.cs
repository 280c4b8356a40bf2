using NativeRlhf.Tokenization;

namespace NativeRlhf.Tests.Tokenization;

public class ByteAlphabetTests
{
    [Test]
    public void Maps_bytes_as_GPT2_does()
    {
        Assert.That(ByteAlphabet.ToText("a !\n\t"u8), Is.EqualTo("a\u0120!\u010a\u0109"));
        Assert.That(ByteAlphabet.ToText([0x00, 0x7F, 0x80, 0xA0, 0xA1, 0xAD, 0xFF]), Is.EqualTo("\u0100\u0121\u0122\u0142\u00a1\u0143\u00ff"));
        Assert.That(ByteAlphabet.Order[0], Is.EqualTo((byte)'!'));
        Assert.That(ByteAlphabet.Order[187], Is.EqualTo(0xFF));
        Assert.That(ByteAlphabet.Order[188], Is.Zero);
        Assert.That(ByteAlphabet.Order[255], Is.EqualTo(0xAD));
    }

    [Test]
    public void Every_byte_has_a_character_of_its_own()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(b => (byte)b)];
        string text = ByteAlphabet.ToText(all);

        Assert.That(text.Distinct().Count(), Is.EqualTo(256));
        Assert.That(ByteAlphabet.TryToBytes(text, out byte[] back));
        Assert.That(back, Is.EqualTo(all));
        Assert.That(ByteAlphabet.TryToBytes("a b", out _), Is.False);
        Assert.That(ByteAlphabet.TryToBytes("\u0144", out _), Is.False);
    }
}
