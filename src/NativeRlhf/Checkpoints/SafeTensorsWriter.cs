using System.Buffers;
using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Checkpoints;

/// <summary>
/// Writes a file in the safetensors format. All tensors are named first, because the header precedes them; then their elements
/// are written in that order, in as many pieces as the caller likes. The same input gives the same bytes.
/// </summary>
public sealed class SafeTensorsWriter
{
    private const int Alignment = 8;
    private const int Chunk = 1 << 16;

    private readonly Stream _stream;
    private readonly IReadOnlyList<TensorHeader> _tensors;
    private int _current;
    private long _written;

    /// <summary>Begins a file: writes the header.</summary>
    /// <param name="stream">Where to; it stays open.</param>
    /// <param name="tensors">All tensors in the order in which they will be written.</param>
    /// <param name="metadata">Text entries for <c>__metadata__</c>, or null.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, or one is called <c>__metadata__</c>.</exception>
    public SafeTensorsWriter(Stream stream, IReadOnlyList<TensorHeader> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        _stream = stream;
        _tensors = tensors;
        byte[] header = MakeHeader(tensors, metadata);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        SkipEmpty();
    }

    /// <summary>Writes a file in one go, atomically.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="tensors">All tensors in the order in which they will be written.</param>
    /// <param name="write">Writes their elements.</param>
    /// <param name="metadata">Text entries for <c>__metadata__</c>, or null.</param>
    /// <exception cref="IOException">The file could not be written; the message names it.</exception>
    public static void Save(
        string path, IReadOnlyList<TensorHeader> tensors, Action<SafeTensorsWriter> write, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(write);
        AtomicFile.Write(path, stream =>
        {
            var writer = new SafeTensorsWriter(stream, tensors, metadata);
            write(writer);
            writer.Complete();
        });
    }

    /// <summary>Writes the next elements of a tensor; F16 and BF16 round to the nearest, ties to even.</summary>
    /// <param name="name">The tensor whose turn it is; its type must be F32, F16 or BF16.</param>
    /// <param name="values">Its next elements, in row-major order: all of them, or a piece.</param>
    /// <exception cref="ArgumentException">It is not that tensor's turn, or it has fewer elements.</exception>
    public void Write(string name, ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
            return;
        TensorType type = Expect(name, values.Length).Type;
        if (!type.IsFloat())
            throw new ArgumentException($"tensor '{name}' is of type {type} and cannot be written from floats", nameof(name));
        if (type == TensorType.F32)
            WriteRaw(MemoryMarshal.AsBytes(values));
        else
            WriteHalves(type, values);
        Advance(values.Length);
    }

    /// <summary>Writes the next elements of a tensor of any type as they are in the file (little-endian).</summary>
    /// <param name="name">The tensor whose turn it is.</param>
    /// <param name="bytes">A whole number of elements.</param>
    /// <exception cref="ArgumentException">It is not that tensor's turn, or it has fewer elements.</exception>
    public void WriteBytes(string name, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        int size = Find(name)?.Type.Size() ?? 1;
        if (bytes.Length % size != 0)
            throw new ArgumentException($"tensor '{name}': {bytes.Length} bytes are no whole number of elements of {size}", nameof(bytes));
        Expect(name, bytes.Length / size);
        WriteRaw(bytes);
        Advance(bytes.Length / size);
    }

    /// <summary>Checks that everything was written.</summary>
    /// <exception cref="InvalidOperationException">A tensor is missing or incomplete.</exception>
    public void Complete()
    {
        if (_current < _tensors.Count)
            throw new InvalidOperationException($"tensor '{_tensors[_current].Name}' was written up to element {_written} of {_tensors[_current].Count}");
    }

    private static byte[] MakeHeader(IReadOnlyList<TensorHeader> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            var names = new HashSet<string> { "__metadata__" };
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (TensorHeader tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"the tensor name '{tensor.Name}' is taken", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                offset = checked(offset + tensor.ByteCount);
                json.WriteNumberValue(offset);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces behind the header let the first tensor begin at a multiple of eight bytes.
        int padding = -buffer.WrittenCount & (Alignment - 1);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenSpan.ToArray();
    }

    private TensorHeader? Find(string name) => _current < _tensors.Count && _tensors[_current].Name == name ? _tensors[_current] : null;

    private TensorHeader Expect(string name, long count)
    {
        if (Find(name) is not { } tensor)
            throw new ArgumentException($"tensor '{name}' is written and it is the turn of {(_current < _tensors.Count ? $"'{_tensors[_current].Name}'" : "none")}", nameof(name));
        return count <= tensor.Count - _written
            ? tensor
            : throw new ArgumentException($"tensor '{name}' has {tensor.Count} elements and {_written + count} are written", nameof(name));
    }

    private void Advance(long count)
    {
        _written += count;
        SkipEmpty();
    }

    private void SkipEmpty()
    {
        while (_current < _tensors.Count && _written == _tensors[_current].Count)
        {
            _current++;
            _written = 0;
        }
    }

    private void WriteRaw(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    private void WriteHalves(TensorType type, ReadOnlySpan<float> values)
    {
        ushort[] buffer = ArrayPool<ushort>.Shared.Rent(Math.Min(Chunk, values.Length));
        try
        {
            while (!values.IsEmpty)
            {
                ReadOnlySpan<float> part = values[..Math.Min(values.Length, Math.Min(Chunk, buffer.Length))];
                Span<ushort> halves = buffer.AsSpan(0, part.Length);
                if (type == TensorType.F16)
                    TensorPrimitives.ConvertToHalf(part, MemoryMarshal.Cast<ushort, Half>(halves));
                else
                    BFloat16.Narrow(part, MemoryMarshal.Cast<ushort, BFloat16>(halves));
                WriteRaw(MemoryMarshal.AsBytes(halves));
                values = values[part.Length..];
            }
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(buffer);
        }
    }
}
