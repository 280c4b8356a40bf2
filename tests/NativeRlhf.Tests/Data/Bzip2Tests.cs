using System.Text;
using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

/// <summary>Files that bzip2 1.0 compressed (by Python's bz2), whole and damaged.</summary>
public sealed class Bzip2Tests
{
    // 300 times "a", five times "The quick brown fox.\n", all 256 bytes; a second stream with "second stream\n".
    private static readonly byte[] Compressed = Convert.FromHexString(
        "425a68393141592653591053ba1b0000427fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb000fb2c20000000000000000260000000000000000130000000000000000000000000000980982a5009802600004c6813006804d3693098000130230353000008c00001182604c004c004c04d34d3000262600099030014a40c4d349ea604c1311800009808d304d1809800026010c0d0989a3230004d189809a60000464c4c9808c2608c260023002304c8251040424446482450b40182000184c349fa03ba250525456585bd22e2f303132e9999a3a041df081c02036373839380c727476d67be33e3f7b0808219090d1115183a3a424a525a626f913bca9e2143cca2a4a6a9e755565758595a5b5c5d5e5f6056000ed85898d91959bd0ced0d2d4d61c2eaee1507a850020203689080de242038aa0c840722808025ec2009162c20f0ae3bbf840f2bc3c201a103dbe0e080a4201e48fa40103f140a081fc4040356fc5010305e380818283fec242c343c444c545c646c747c848c949ca4acb4bcc4ccd4dce4ecf4fd050d151d252d353d454d555d656d757d858d959da5adb5bdc5cdd5dde5edf5fe060e161e262e363e464e565e666e767e868e969ea6aeb6bec6ced6dee6eef6ff070f171f272f373f474f575f676f777f878f979ffbd3d7dbdfe3e667ea77fff7f9fa2ee48a70a12020a77436425a683931415926535984529094000005d180001040002e039c0020002200d0d040d0340504bd384f1e1e2ee48a70a12108a52128");

    private static byte[] Content => [.. Encoding.ASCII.GetBytes(new string('a', 300) + string.Concat(Enumerable.Repeat("The quick brown fox.\n", 5))), .. Enumerable.Range(0, 256).Select(i => (byte)i), .. "second stream\n"u8];

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(100_000)]
    public void AllStreamsAreRead(int bufferSize)
    {
        using var stream = new Bzip2Stream(new MemoryStream(Compressed));
        var read = new MemoryStream();
        byte[] buffer = new byte[bufferSize];
        for (int count; (count = stream.Read(buffer)) > 0;) read.Write(buffer, 0, count);
        Assert.That(read.ToArray(), Is.EqualTo(Content));
    }

    [Test]
    public void WhatIsCutOffIsAnError()
    {
        int end = Compressed.AsSpan(4).IndexOf("BZh"u8) + 4;
        for (int length = 0; length < Compressed.Length; length++)
        {
            if (length == end) continue; // The first stream is a whole file.
            Assert.That(() => ReadAll(Compressed[..length]), Throws.InstanceOf<InvalidDataException>(), $"{length} bytes");
        }
    }

    [Test]
    public void NoChangeOfAByteGoesUnseen()
    {
        for (int at = 0; at < Compressed.Length; at++)
        {
            byte[] changed = [.. Compressed];
            changed[at] ^= 0x10;
            // The level only says how large a block may be; the last bits of a stream fill its last byte.
            byte[]? read = null;
            try
            {
                read = ReadAll(changed);
            }
            catch (InvalidDataException)
            {
            }

            if (read is not null) Assert.That(read, Is.EqualTo(Content), $"byte {at}");
        }
    }

    private static byte[] ReadAll(byte[] bytes)
    {
        using var stream = new Bzip2Stream(new MemoryStream(bytes));
        var read = new MemoryStream();
        stream.CopyTo(read);
        return read.ToArray();
    }
}
