using System.Buffers.Binary;
using System.Text;
using FsCheck.Fluent;
using NativeRlhf.Checkpoints;
using NativeRlhf.Tests.Data;

namespace NativeRlhf.Tests.Checkpoints;

public class SafeTensorsTests : DataFixture
{
    private string Save(string name, IReadOnlyList<TensorHeader> tensors, Func<TensorHeader, float[]> values, IReadOnlyDictionary<string, string>? metadata = null)
    {
        string path = Path.Combine(Folder, name);
        SafeTensorsWriter.Save(path, tensors, writer =>
        {
            foreach (TensorHeader tensor in tensors)
                writer.Write(tensor.Name, values(tensor));
        }, metadata);
        return path;
    }

    private string SaveSmall(string name = "a.safetensors") => Save(
        name,
        [new("w", TensorType.F32, [2, 3]), new("empty", TensorType.F32, [0, 3]), new("h", TensorType.F16, [3]), new("b", TensorType.BF16, [])],
        tensor => [.. Enumerable.Range(1, (int)tensor.Count).Select(i => i + 0.5f)],
        new Dictionary<string, string> { ["format"] = "pt", ["é"] = "\"\n" });

    /// <summary>A file with the header given and so many zero bytes of data.</summary>
    private string WriteHeader(string header, int dataBytes, ulong? length = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length ?? (ulong)json.Length);
        json.CopyTo(file, 8);
        return Write("lie.safetensors", file);
    }

    private static float[] Read(SafeTensorsReader reader, string name)
    {
        float[] values = new float[reader.Find(name)!.Count];
        reader.ReadFloats(name, values);
        return values;
    }

    [Test]
    public void What_is_written_reads_back()
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(SaveSmall());
        Assert.That(reader.Tensors.Select(tensor => $"{tensor.Name} {tensor.Type} {tensor.ShapeText}"),
            Is.EqualTo(new[] { "w F32 [2, 3]", "empty F32 [0, 3]", "h F16 [3]", "b BF16 []" }));
        Assert.That(reader.Metadata, Is.EquivalentTo(new Dictionary<string, string> { ["format"] = "pt", ["é"] = "\"\n" }));
        Assert.That(Read(reader, "w"), Is.EqualTo(new[] { 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f }));
        Assert.That(Read(reader, "empty"), Is.Empty);
        Assert.That(Read(reader, "h"), Is.EqualTo(new[] { 1.5f, 2.5f, 3.5f }));
        Assert.That(Read(reader, "b"), Is.EqualTo(new[] { 1.5f }));
        float[] part = new float[2];
        reader.ReadFloats("w", 3, part);
        Assert.That(part, Is.EqualTo(new[] { 4.5f, 5.5f }));
        byte[] bytes = new byte[2];
        reader.ReadBytes("b", 0, bytes);
        Assert.That(bytes, Is.EqualTo(new byte[] { 0xc0, 0x3f }));
    }

    [Test]
    public void The_same_tensors_are_the_same_bytes_and_data_are_aligned()
    {
        byte[] first = File.ReadAllBytes(SaveSmall("a.safetensors"));
        Assert.That(File.ReadAllBytes(SaveSmall("b.safetensors")), Is.EqualTo(first));
        Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(first) % 8, Is.Zero);
    }

    [Test]
    public void Any_tensors_written_in_any_pieces_read_back()
    {
        var tensor =
            from shape in Gen.Choose(0, 5).Select(size => (long)size).ListOf().Where(shape => shape.Count < 4)
            from type in Gen.Elements(TensorType.F32, TensorType.F16, TensorType.BF16)
            select (Shape: shape, Type: type);
        ForAll(Gen.Two(Gen.Choose(0, 6)).SelectMany(two => tensor.ListOf(two.Item1).Select(list => (list, two.Item2 + 1))).ToArbitrary(), input =>
        {
            (var list, int piece) = input;
            TensorHeader[] tensors = [.. list.Select((one, i) => new TensorHeader($"t.{i}", one.Type, [.. one.Shape]))];
            // Small integers, which all three types hold exactly.
            float[] Values(TensorHeader header) => [.. Enumerable.Range(0, (int)header.Count).Select(i => (i * 7 + header.Name[^1]) % 256 - 128f)];
            string path = Path.Combine(Folder, "any.safetensors");
            SafeTensorsWriter.Save(path, tensors, writer =>
            {
                foreach (TensorHeader header in tensors)
                {
                    foreach (float[] values in Values(header).Chunk(piece))
                        writer.Write(header.Name, values);
                }
            });
            using SafeTensorsReader reader = SafeTensorsReader.Open(path);
            return tensors.All(header => Read(reader, header.Name).SequenceEqual(Values(header)));
        });
    }

    [Test]
    public void Halves_round_to_the_nearest_even_and_keep_NaN()
    {
        float[] values = [1 + 1 / 256f, 1 + 3 / 256f, 3.4e38f, -0f, float.NaN, BitConverter.UInt32BitsToSingle(0x7f800001), float.NegativeInfinity];
        using SafeTensorsReader reader = SafeTensorsReader.Open(Save("a.safetensors", [new("b", TensorType.BF16, [values.Length])], _ => values));
        Assert.That(Read(reader, "b"), Is.EqualTo(new[] { 1, 1 + 1 / 64f, float.PositiveInfinity, -0f, float.NaN, float.NaN, float.NegativeInfinity }));
    }

    [Test]
    public void Long_tensors_are_converted_in_pieces()
    {
        float[] values = [.. Enumerable.Range(0, 200_001).Select(i => i % 2048 - 1024f)];
        string path = Save("a.safetensors", [new("h", TensorType.F16, [values.Length]), new("b", TensorType.BF16, [values.Length])],
            tensor => tensor.Type == TensorType.F16 ? values : [.. values.Select(value => value / 8 - value / 8 % 1)]);
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        Assert.That(Read(reader, "h").AsSpan().SequenceEqual(values));
        Assert.That(Read(reader, "b").AsSpan().SequenceEqual([.. values.Select(value => value / 8 - value / 8 % 1)]));
    }

    [Test]
    public void Numbers_that_are_not_finite_name_the_tensor_and_the_element()
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(Save("a.safetensors", [new("w", TensorType.F32, [3])], _ => [1, float.NaN, 2]));
        Assert.That(ErrorOf(() => reader.ReadFloats("w", new float[3], requireFinite: true)), Does.Contain("a.safetensors: tensor 'w' holds NaN at element 1;"));
        Assert.DoesNotThrow(() => reader.ReadFloats("w", new float[3]));
    }

    [Test]
    public void Reading_what_is_not_there_names_it()
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(SaveSmall());
        Assert.That(reader.Find("x"), Is.Null);
        Assert.That(ErrorOf(() => reader.ReadFloats("x", new float[1])), Does.EndWith("there is no tensor 'x'"));
        Assert.That(ErrorOf(() => reader.ReadFloats("w", new float[7])), Does.EndWith("tensor 'w' has 6 elements [2, 3] and 7 are expected"));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.ReadFloats("w", 5, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.ReadBytes("w", -1, new byte[2]));
        Assert.That(ErrorOf(() => SafeTensorsReader.Open(Path.Combine(Folder, "none"))), Does.Contain("none: cannot be opened"));

        using SafeTensorsReader integers = SafeTensorsReader.Open(WriteHeader("""{"i":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", 8));
        Assert.That(ErrorOf(() => integers.ReadFloats("i", new float[1])), Does.EndWith("tensor 'i' is of type I64; it must be F32, F16 or BF16"));
    }

    [Test]
    public void A_file_that_is_cut_off_anywhere_is_an_error_that_names_it()
    {
        byte[] whole = File.ReadAllBytes(SaveSmall());
        for (int length = 0; length < whole.Length; length++)
        {
            string path = Write("cut.safetensors", whole[..length]);
            Assert.That(ErrorOf(() => SafeTensorsReader.Open(path).Dispose()), Does.StartWith(path), $"cut to {length} bytes");
        }
    }

    private const string Valid = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""";

    [TestCase("[0,4]", "[4,0]", "tensor 'a': it begins at byte 4 and ends before that, at 0")]
    [TestCase("[0,4]", "[-4,0]", "tensor 'a': 'data_offsets' must hold integers from 0 to 2^63 − 1, not -4")]
    [TestCase("[4,8]", "[2,6]", "tensor 'b' begins at byte 2, within the tensor before it, which ends at 4")]
    [TestCase("[4,8]", "[0,4]", "begins at byte 0, within the tensor before it")]
    [TestCase("[4,8]", "[5,9]", "tensor 'b' begins at byte 5 and the tensor before it ends at 4: 1 bytes belong to none")]
    [TestCase("[0,4]", "[4,8]", "tensor 'a' begins at byte 4 and the tensor before it ends at 0: 4 bytes belong to none")]
    [TestCase("[4],\"data_offsets\":[4,8]", "[5],\"data_offsets\":[4,9]", "tensor 'b' ends at byte 9 and the file has 8 bytes of data")]
    [TestCase("[4],\"data_offsets\":[4,8]", "[3],\"data_offsets\":[4,7]", "the file has 8 bytes of data and its tensors end at 7: 1 bytes belong to none")]
    [TestCase("[4],\"data_offsets\":[4,8]", "[9223372036854775803],\"data_offsets\":[4,9223372036854775807]", "tensor 'b' ends at byte 9223372036854775807")]
    [TestCase("[1]", "[2]", "tensor 'a': [2] of F32 takes 8 bytes and its offsets span 4")]
    [TestCase("[1]", "[4611686018427387904,4]", "tensor 'a': the shape [4611686018427387904, 4] is more than any file holds")]
    [TestCase("[1]", "[9223372036854775807]", "is more than any file holds")]
    [TestCase("[1]", "[99999999999999999999]", "'shape' must hold integers")]
    [TestCase("[1]", "[-1]", "'shape' must hold integers")]
    [TestCase("[1]", "[1.5]", "'shape' must hold integers")]
    [TestCase("[1]", "1", "tensor 'a': 'shape' must be a list of integers")]
    [TestCase("[0,4]", "[0,4,8]", "tensor 'a': its entry must have a dtype, a shape, and two data_offsets")]
    [TestCase("\"F32\"", "\"F33\"", "tensor 'a': the type 'F33' is not known")]
    [TestCase("\"F32\"", "\"11\"", "tensor 'a': the type '11' is not known")]
    [TestCase("\"F32\"", "11", "tensor 'a': unexpected 'dtype'")]
    [TestCase("\"shape\":[1]", "\"shape\":[1],\"shape\":[1]", "tensor 'a': unexpected 'shape'")]
    [TestCase("\"shape\":[1],", "", "tensor 'a': its entry must have a dtype, a shape, and two data_offsets")]
    [TestCase("\"b\":", "\"a\":", "tensor 'a' is in the header twice")]
    [TestCase("\"b\":", "\"__metadata__\":", "'__metadata__' must be an object of strings")]
    [TestCase("{\"a\"", "{\"__metadata__\":3,\"a\"", "'__metadata__' must be an object of strings")]
    [TestCase("{\"a\"", "{\"__metadata__\":{\"x\":\"\",\"x\":\"\"},\"a\"", "'__metadata__' holds 'x' twice")]
    [TestCase("{\"a\"", "{\"\\ud800\"", "the header holds half of a surrogate pair")]
    [TestCase("{\"a\"", "{\"a\"\"", "the header is not valid JSON")]
    [TestCase(Valid, "[]", "the header is not a JSON object")]
    [TestCase(Valid, "", "the header is not valid JSON")]
    [TestCase(Valid, "{\"a\":[]}", "tensor 'a': its entry is not an object")]
    public void Every_lie_in_the_header_is_named(string truth, string lie, string message)
    {
        Assert.DoesNotThrow(() => SafeTensorsReader.Open(WriteHeader(Valid, 8)).Dispose());
        int at = Valid.IndexOf(truth, StringComparison.Ordinal);
        Assert.That(at, Is.GreaterThanOrEqualTo(0));
        string path = WriteHeader(Valid[..at] + lie + Valid[(at + truth.Length)..], 8);
        Assert.That(ErrorOf(() => SafeTensorsReader.Open(path).Dispose()), Does.StartWith(path + ": ").And.Contains(message));
    }

    [TestCase(100_000_001ul, "the header claims 100000001 bytes and 100000000 is the limit")]
    [TestCase(ulong.MaxValue, "the header claims 18446744073709551615 bytes")]
    [TestCase(99_999_999ul, "the header claims 99999999 bytes and the file has 114 behind its length")]
    public void A_gigantic_header_is_not_believed(ulong length, string message)
    {
        string path = WriteHeader(Valid, 8, length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(ErrorOf(() => SafeTensorsReader.Open(path).Dispose()), Does.Contain(message));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void A_header_that_is_not_UTF8_is_an_error()
    {
        byte[] file = File.ReadAllBytes(WriteHeader(Valid, 8));
        file[10] = 0xff;
        Assert.That(ErrorOf(() => SafeTensorsReader.Open(Write("a.safetensors", file)).Dispose()), Does.EndWith("the header is not valid UTF-8"));
    }

    [Test]
    public void Any_change_of_bytes_gives_tensors_or_an_error()
    {
        byte[] valid = File.ReadAllBytes(SaveSmall());
        int header = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(valid);
        var mutation =
            from at in Gen.Frequency((1, Gen.Choose(0, valid.Length - 1)), (1, Gen.Choose(0, 7)), (4, Gen.Choose(8, header - 1)))
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements<int>('"', '\\', '[', ']', '{', '}', ',', ':', '0', '9', '-', 'e', ' '))
            select (at, value);
        string path = Path.Combine(Folder, "mutated.safetensors");
        ForAll(Gen.Choose(1, 3).SelectMany(count => mutation.ListOf(count)).ToArbitrary(), mutations =>
        {
            byte[] bytes = [.. valid];
            foreach ((int at, int value) in mutations)
                bytes[at] = (byte)value;
            File.WriteAllBytes(path, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using SafeTensorsReader reader = SafeTensorsReader.Open(path);
                foreach (TensorHeader tensor in reader.Tensors)
                {
                    if (tensor.Type.IsFloat())
                        Read(reader, tensor.Name);
                    reader.ReadBytes(tensor.Name, 0, new byte[tensor.ByteCount]);
                }
            }
            catch (InputException e)
            {
                if (!e.Message.StartsWith(path, StringComparison.Ordinal) || e.Message.Contains('\n'))
                    return false;
            }
            return GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20;
        }, cases: 800);
    }

    [Test]
    public void The_writer_insists_on_order_and_size()
    {
        TensorHeader[] tensors = [new("a", TensorType.F32, [2]), new("b", TensorType.U8, [3])];
        var writer = new SafeTensorsWriter(new MemoryStream(), tensors);
        Assert.Throws<ArgumentException>(() => writer.WriteBytes("b", [1]));
        Assert.Throws<ArgumentException>(() => writer.Write("a", [1, 2, 3]));
        Assert.Throws<ArgumentException>(() => writer.WriteBytes("a", [1, 2, 3]));
        writer.Write("a", [1]);
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.Write("a", [2]);
        Assert.Throws<ArgumentException>(() => writer.Write("b", [1]));
        writer.WriteBytes("b", [1, 2, 3]);
        Assert.DoesNotThrow(writer.Complete);
        Assert.Throws<ArgumentException>(() => writer.Write("a", [1]));
        Assert.Throws<ArgumentException>(() => new SafeTensorsWriter(new MemoryStream(), [tensors[0], tensors[0]]));
        Assert.Throws<ArgumentException>(() => new SafeTensorsWriter(new MemoryStream(), [new("__metadata__", TensorType.F32, [2])]));
    }

    [Test]
    public void A_model_may_be_spread_over_several_files()
    {
        Save("model-1.safetensors", [new("a", TensorType.F32, [1])], _ => [1]);
        Save("model-2.safetensors", [new("b", TensorType.F32, [1]), new("c", TensorType.F32, [1])], tensor => [tensor.Name[0]]);
        void Index(string map) => Write(SafeTensorsSet.IndexName, $"{{\"metadata\": {{}}, \"weight_map\": {map}}}");

        Index("""{"c": "model-2.safetensors", "a": "model-1.safetensors", "b": "model-2.safetensors"}""");
        using (SafeTensorsSet set = SafeTensorsSet.Open(Folder))
        {
            Assert.That(set.Tensors.Select(tensor => tensor.Name), Is.EqualTo(new[] { "a", "b", "c" }));
            float[] value = new float[1];
            set.ReadFloats("c", value);
            Assert.That(value[0], Is.EqualTo((float)'c'));
            Assert.That(set.Find("x"), Is.Null);
            Assert.That(ErrorOf(() => set.ReadFloats("x", value)), Does.Contain("there is no tensor 'x' in it or the 1 other files"));
        }

        Assert.That(Error("""{"a": "model-1.safetensors", "b": "model-2.safetensors"}"""), Does.Contain("tensor 'c' is not listed"));
        Assert.That(Error("""{"a": "model-1.safetensors", "b": "model-1.safetensors"}"""), Does.Contain("tensor 'b' should be in model-1.safetensors and is not"));
        Assert.That(Error("""{"a": "../model-1.safetensors"}"""), Does.Contain("tensor 'a' must be in a file of the same folder"));
        Assert.That(Error("""{"a": 1}"""), Does.Contain("tensor 'a' must be in a file of the same folder, not in 1"));
        Assert.That(Error("""{"a": "model-3.safetensors"}"""), Does.Contain("model-3.safetensors: cannot be opened"));
        Assert.That(Error("""{"a": "model-1.safetensors", "a": "model-1.safetensors"}"""), Does.Contain("tensor 'a' is listed twice"));
        Assert.That(Error("{}"), Does.Contain("is empty"));
        Assert.That(Error("3"), Does.Contain("there is no 'weight_map'"));
        Assert.That(Error("{"), Does.Contain("not valid JSON"));
        File.Delete(Path.Combine(Folder, SafeTensorsSet.IndexName));
        Assert.That(ErrorOf(() => SafeTensorsSet.Open(Folder)), Does.Contain("there is neither model.safetensors nor model.safetensors.index.json"));

        string Error(string map)
        {
            Index(map);
            return ErrorOf(() => SafeTensorsSet.Open(Folder).Dispose());
        }
    }

    [Test]
    public void A_file_that_another_tool_wrote_is_read()
    {
        using SafeTensorsSet set = SafeTensorsSet.Open(Path.GetDirectoryName(TestFiles.Shared("tinystories-char-gpt/model.safetensors"))!);
        TensorHeader embedding = set.Tensors.Single(tensor => tensor.Name.EndsWith("wte.weight", StringComparison.Ordinal));
        Assert.That(embedding.Shape, Is.EqualTo(new long[] { 169, 64 }));
        foreach (TensorHeader tensor in set.Tensors.Where(tensor => tensor.Type.IsFloat()))
            Assert.DoesNotThrow(() => set.ReadFloats(tensor.Name, new float[tensor.Count], requireFinite: true));
    }
}
