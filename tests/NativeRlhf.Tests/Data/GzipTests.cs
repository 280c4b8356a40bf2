using System.IO.Compression;
using System.Text;
using FsCheck.Fluent;
using NativeRlhf.Data;

namespace NativeRlhf.Tests.Data;

public class GzipTests : DataFixture
{
    private static readonly byte[] Rows =
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 30).Select(i => $"{{\"text\": \"line {i} {i * i}\"}}\n")));

    [Test]
    public void A_compressed_file_reads_like_a_plain_one() =>
        Assert.That(RowReader.Documents(Write("a.jsonl.gz", Rows)).Count(), Is.EqualTo(30));

    [Test]
    public void A_file_that_is_cut_off_anywhere_is_an_error_that_names_it()
    {
        byte[] whole = Gzip(Rows);
        string path = Path.Combine(Folder, "cut.jsonl.gz");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.That(ErrorOf(RowReader.Documents(path)), Does.StartWith(path), $"cut to {length} bytes of {whole.Length}");
        }
    }

    [Test]
    public void A_second_member_that_is_cut_off_is_an_error()
    {
        byte[] member = Gzip(Rows);
        string path = Path.Combine(Folder, "cut.jsonl.gz");
        foreach (int length in (int[])[1, 9, 10, 11, 30, member.Length - 9, member.Length - 8, member.Length - 1])
        {
            File.WriteAllBytes(path, [.. member, .. member[..length]]);
            Assert.That(ErrorOf(RowReader.Documents(path)), Does.StartWith(path), $"second member cut to {length} bytes");
        }
    }

    [Test]
    public void Any_text_in_any_members_comes_back()
    {
        var levels = Gen.Elements(CompressionLevel.Optimal, CompressionLevel.NoCompression, CompressionLevel.Fastest);
        var member =
            from size in Gen.Choose(0, 4).Select(power => (int)Math.Pow(20, power))
            from seed in Gen.Choose(0, 1000)
            from alphabet in Gen.Elements(1, 4, 128)
            from level in levels
            select (Size: size, Seed: seed, Alphabet: alphabet, Level: level);
        string path = Path.Combine(Folder, "a.txt.gz");
        ForAll(Gen.Choose(1, 5).SelectMany(count => member.ListOf(count)).ToArbitrary(), members =>
        {
            byte[][] contents = [.. members.Select(one => Noise(one.Size, one.Seed, one.Alphabet))];
            byte[] file = [.. contents.Zip(members, (content, one) => Gzip(content, one.Level)).SelectMany(bytes => bytes)];
            byte[] expected = [.. contents.SelectMany(bytes => bytes)];
            File.WriteAllBytes(path, file);
            return expected.Length == 0
                ? ErrorOf(RowReader.Documents(path)).Contains("empty")
                : RowReader.Documents(path).Single().Content.Text == Encoding.ASCII.GetString(expected);
        }, cases: 60);

        static byte[] Noise(int size, int seed, int alphabet)
        {
            var random = new Random(seed);
            byte[] bytes = new byte[size];
            foreach (ref byte value in bytes.AsSpan())
                value = (byte)random.Next(alphabet);
            return bytes;
        }
    }

    [Test]
    public void Empty_members_are_passed_over()
    {
        // As block-wise compressors put one at the end. Its trailer is eight zeros, and the data before it end with one.
        byte[] empty = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        string path = Path.Combine(Folder, "a.jsonl.gz");
        File.WriteAllBytes(path, [.. empty, .. empty, .. Gzip(Rows), .. empty]);
        Assert.That(RowReader.Documents(path).Count(), Is.EqualTo(30));
        File.WriteAllBytes(path, empty);
        Assert.That(ErrorOf(RowReader.Documents(path)), Does.EndWith("the file has no rows"));
    }

    [Test]
    public void Optional_header_fields_are_skipped()
    {
        byte[] plain = Gzip(Rows);
        byte[] header = [0x1f, 0x8b, 8, 4 + 8 + 16 + 2, .. plain[4..10], 3, 0, 1, 2, 3, (byte)'n', 0, (byte)'c', 0, 0xab, 0xcd];
        string path = Path.Combine(Folder, "header.jsonl.gz");
        File.WriteAllBytes(path, [.. header, .. plain[10..]]);
        Assert.That(RowReader.Documents(path).Count(), Is.EqualTo(30));
    }

    [Test]
    public void A_damaged_file_never_gives_other_text()
    {
        byte[] whole = Gzip(Rows);
        string path = Path.Combine(Folder, "damaged.txt.gz");
        int errors = 0;
        for (int at = 10; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            try
            {
                Assert.That(RowReader.Documents(path).Single().Content.Text, Is.EqualTo(Encoding.UTF8.GetString(Rows)), $"byte {at}");
            }
            catch (InputException e)
            {
                Assert.That(e.Message, Does.StartWith(path));
                errors++;
            }
        }
        // Some bits mean nothing: those that fill up the last byte of the data.
        Assert.That(errors, Is.GreaterThanOrEqualTo(whole.Length - 11));
    }
}
