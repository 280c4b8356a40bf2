using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using NativeRlhf.Data;

namespace NativeRlhf.Checkpoints;

/// <summary>
/// Reads a file in the safetensors format: eight bytes with the length of a JSON header, the header with name, type, shape and place of every
/// tensor, and their bytes one after the other, little-endian. The header is checked in full when the file is opened; the
/// bytes are read when they are asked for, straight into the caller's memory. Safe for use by several threads.
/// </summary>
public sealed class SafeTensorsReader : IDisposable
{
    // The limit of the format's reference implementation.
    private const int LongestHeader = 100_000_000;
    private const int LengthBytes = 8;
    private const int Chunk = 1 << 16;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, (TensorHeader Header, long Offset)> _tensors;

    private SafeTensorsReader(
        string path, SafeFileHandle file, List<(TensorHeader Header, long Offset)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        FilePath = path;
        _file = file;
        _tensors = tensors.ToDictionary(tensor => tensor.Header.Name);
        Tensors = [.. tensors.Select(tensor => tensor.Header)];
        Metadata = metadata;
    }

    /// <summary>The file as it was named.</summary>
    public string FilePath { get; }

    /// <summary>All tensors, in the order of their bytes.</summary>
    public IReadOnlyList<TensorHeader> Tensors { get; }

    /// <summary>The text entries of <c>__metadata__</c>; empty if there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A reader, to be disposed of.</returns>
    /// <exception cref="InputException">The file cannot be opened, or its header contradicts itself or the file; the message names the tensor.</exception>
    public static SafeTensorsReader Open(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be opened: {e.Message}", e);
        }
        try
        {
            return Open(path, file);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is IOException)
                throw new InputException($"{path}: cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Finds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The tensor, or null if the file has none of that name.</returns>
    public TensorHeader? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Header : null;

    /// <summary>Reads a whole tensor as float32; F16 and BF16 are converted exactly.</summary>
    /// <param name="name">The tensor's name; its type must be F32, F16 or BF16.</param>
    /// <param name="destination">Overwritten; as long as the tensor has elements.</param>
    /// <param name="requireFinite">Whether NaN and infinities are errors.</param>
    /// <exception cref="InputException">There is no such tensor, it is not of that type or size, it is not finite, or it cannot be read.</exception>
    public void ReadFloats(string name, Span<float> destination, bool requireFinite = false)
    {
        TensorHeader header = Get(name).Header;
        if (header.Count != destination.Length)
            throw new InputException($"{FilePath}: tensor '{name}' has {header.Count} elements {header.ShapeText} and {destination.Length} are expected");
        ReadFloats(name, 0, destination, requireFinite);
    }

    /// <summary>Reads consecutive elements of a tensor as float32; F16 and BF16 are converted exactly.</summary>
    /// <param name="name">The tensor's name; its type must be F32, F16 or BF16.</param>
    /// <param name="first">The first element to read, in row-major order.</param>
    /// <param name="destination">Overwritten with as many elements as it is long.</param>
    /// <param name="requireFinite">Whether NaN and infinities are errors.</param>
    /// <exception cref="InputException">There is no such tensor, it is not of that type, it is not finite, or it cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The tensor has fewer elements.</exception>
    public void ReadFloats(string name, long first, Span<float> destination, bool requireFinite = false)
    {
        (TensorHeader header, long offset) = Get(name);
        if (!header.Type.IsFloat())
            throw new InputException($"{FilePath}: tensor '{name}' is of type {header.Type}; it must be F32, F16 or BF16");
        CheckRange(header, first, destination.Length, header.Count);
        offset += first * header.Type.Size();
        if (header.Type == TensorType.F32)
            Read(name, offset, MemoryMarshal.AsBytes(destination));
        else
            ReadHalves(name, header.Type, offset, destination);
        if (requireFinite)
            CheckFinite(name, first, destination);
    }

    /// <summary>Reads consecutive bytes of a tensor of any type, as they are in the file (little-endian).</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="first">The first byte to read, within the tensor.</param>
    /// <param name="destination">Overwritten with as many bytes as it is long.</param>
    /// <exception cref="InputException">There is no such tensor, or it cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The tensor has fewer bytes.</exception>
    public void ReadBytes(string name, long first, Span<byte> destination)
    {
        (TensorHeader header, long offset) = Get(name);
        CheckRange(header, first, destination.Length, header.ByteCount);
        Read(name, offset + first, destination);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private static SafeTensorsReader Open(string path, SafeFileHandle file)
    {
        long fileLength = RandomAccess.GetLength(file);
        Span<byte> lengthBytes = stackalloc byte[LengthBytes];
        if (fileLength < LengthBytes || ReadFully(file, 0, lengthBytes) < LengthBytes)
            throw Error($"the file has {fileLength} bytes and is no safetensors file; the length of its header alone takes {LengthBytes}");
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        if (headerLength > LongestHeader)
            throw Error($"the header claims {headerLength} bytes and {LongestHeader} is the limit; the file is damaged or no safetensors file");
        if ((long)headerLength > fileLength - LengthBytes)
            throw Error($"the header claims {headerLength} bytes and the file has {fileLength - LengthBytes} behind its length: it is damaged or cut off");

        byte[] json = new byte[headerLength];
        if (ReadFully(file, LengthBytes, json) < json.Length)
            throw Error("the file ends within its header: it is cut off");
        if (!Utf8.IsValid(json))
            throw Error("the header is not valid UTF-8");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return ReadHeader(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: the header is not valid JSON: {JsonMessages.Reason(e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: the header holds half of a surrogate pair", e);
        }

        SafeTensorsReader ReadHeader(JsonElement root)
        {
            if (root.ValueKind != JsonValueKind.Object)
                throw Error("the header is not a JSON object");
            var metadata = new Dictionary<string, string>();
            var tensors = new List<(TensorHeader Header, long Begin, long End)>();
            var names = new HashSet<string>();
            foreach (JsonProperty property in root.EnumerateObject())
            {
                if (!names.Add(property.Name))
                    throw Error($"tensor '{property.Name}' is in the header twice");
                if (property.Name == "__metadata__")
                    ReadMetadata(property.Value, metadata);
                else
                    tensors.Add(ReadTensor(property.Name, property.Value));
            }

            // The bytes of all tensors lie one after the other, without a gap, and fill the file.
            tensors.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
            long dataStart = LengthBytes + json.Length;
            long end = 0;
            foreach ((TensorHeader header, long begin, long tensorEnd) in tensors)
            {
                if (begin < end)
                    throw Error($"tensor '{header.Name}' begins at byte {begin}, within the tensor before it, which ends at {end}");
                if (begin > end)
                    throw Error($"tensor '{header.Name}' begins at byte {begin} and the tensor before it ends at {end}: {begin - end} bytes belong to none");
                end = tensorEnd;
                if (end > fileLength - dataStart)
                    throw Error($"tensor '{header.Name}' ends at byte {end} and the file has {fileLength - dataStart} bytes of data: it is damaged or cut off");
            }
            if (end != fileLength - dataStart)
                throw Error($"the file has {fileLength - dataStart} bytes of data and its tensors end at {end}: {fileLength - dataStart - end} bytes belong to none");
            return new SafeTensorsReader(path, file, [.. tensors.Select(tensor => (tensor.Header, dataStart + tensor.Begin))], metadata);
        }

        void ReadMetadata(JsonElement value, Dictionary<string, string> metadata)
        {
            if (value.ValueKind != JsonValueKind.Object)
                throw Error("'__metadata__' must be an object of strings");
            foreach (JsonProperty entry in value.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                    throw Error($"'__metadata__' must be an object of strings and '{entry.Name}' is none");
                if (!metadata.TryAdd(entry.Name, entry.Value.GetString()!))
                    throw Error($"'__metadata__' holds '{entry.Name}' twice");
            }
        }

        (TensorHeader Header, long Begin, long End) ReadTensor(string name, JsonElement value)
        {
            TensorType type = default;
            long[]? shape = null;
            long[]? offsets = null;
            bool typed = false;
            if (value.ValueKind != JsonValueKind.Object)
                throw Error($"tensor '{name}': its entry is not an object");
            foreach (JsonProperty property in value.EnumerateObject())
            {
                if (property.Name == "dtype" && !typed && property.Value.ValueKind == JsonValueKind.String)
                {
                    string dtype = property.Value.GetString()!;
                    if (!Enum.TryParse(dtype, out type) || !Enum.IsDefined(type) || type.ToString() != dtype)
                        throw Error($"tensor '{name}': the type '{dtype}' is not known");
                    typed = true;
                }
                else if (property.Name == "shape" && shape is null)
                    shape = Sizes(name, "shape", property.Value);
                else if (property.Name == "data_offsets" && offsets is null)
                    offsets = Sizes(name, "data_offsets", property.Value);
                else
                    throw Error($"tensor '{name}': unexpected '{property.Name}'; an entry has dtype, shape and data_offsets, once each");
            }
            if (!typed || shape is null || offsets is not [long begin, long end])
                throw Error($"tensor '{name}': its entry must have a dtype, a shape, and two data_offsets");
            if (end < begin)
                throw Error($"tensor '{name}': it begins at byte {begin} and ends before that, at {end}");
            var header = new TensorHeader(name, type, shape);
            long needed;
            try
            {
                needed = header.ByteCount;
            }
            catch (OverflowException e)
            {
                throw new InputException($"{path}: tensor '{name}': the shape {header.ShapeText} is more than any file holds", e);
            }
            if (needed != end - begin)
                throw Error($"tensor '{name}': {header.ShapeText} of {type} takes {needed} bytes and its offsets span {end - begin}");
            return (header, begin, end);
        }

        long[] Sizes(string name, string field, JsonElement value)
        {
            if (value.ValueKind != JsonValueKind.Array)
                throw Error($"tensor '{name}': '{field}' must be a list of integers");
            return
            [
                .. value.EnumerateArray().Select(element =>
                    element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long size) && size >= 0
                        ? size
                        : throw Error($"tensor '{name}': '{field}' must hold integers from 0 to 2^63 − 1, not {JsonMessages.Quote(element)}")),
            ];
        }

        InputException Error(string message) => new(JsonMessages.OneLine($"{path}: {message}"));
    }

    private (TensorHeader Header, long Offset) Get(string name) =>
        _tensors.TryGetValue(name, out var tensor) ? tensor : throw new InputException($"{FilePath}: there is no tensor '{name}'");

    private void ReadHalves(string name, TensorType type, long offset, Span<float> destination)
    {
        ushort[] buffer = ArrayPool<ushort>.Shared.Rent(Math.Min(Chunk, destination.Length));
        try
        {
            while (!destination.IsEmpty)
            {
                Span<ushort> part = buffer.AsSpan(0, Math.Min(destination.Length, Math.Min(Chunk, buffer.Length)));
                Read(name, offset, MemoryMarshal.AsBytes(part));
                if (type == TensorType.F16)
                    TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<ushort, Half>(part), destination);
                else
                {
                    for (int i = 0; i < part.Length; i++)
                        destination[i] = BitConverter.UInt32BitsToSingle((uint)part[i] << 16);
                }
                offset += part.Length * sizeof(ushort);
                destination = destination[part.Length..];
            }
        }
        finally
        {
            ArrayPool<ushort>.Shared.Return(buffer);
        }
    }

    private void Read(string name, long offset, Span<byte> destination)
    {
        int count;
        try
        {
            count = ReadFully(_file, offset, destination);
        }
        catch (IOException e)
        {
            throw new InputException($"{FilePath}: tensor '{name}' cannot be read: {e.Message}", e);
        }
        if (count < destination.Length)
            throw new InputException($"{FilePath}: tensor '{name}' cannot be read: the file has become shorter since it was opened");
    }

    private void CheckFinite(string name, long first, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                throw new InputException($"{FilePath}: tensor '{name}' holds {values[i].ToString(CultureInfo.InvariantCulture)} at element {first + i}; the checkpoint is damaged or comes from a run that diverged");
        }
    }

    private static void CheckRange(TensorHeader header, long first, int count, long available)
    {
        if (first < 0 || count > available - first)
            throw new ArgumentOutOfRangeException(nameof(first), $"tensor '{header.Name}' has {available}; {count} from {first} on are not in it");
    }

    private static int ReadFully(SafeFileHandle file, long offset, Span<byte> destination)
    {
        int total = 0;
        while (total < destination.Length)
        {
            int count = RandomAccess.Read(file, destination[total..], offset + total);
            if (count == 0)
                break;
            total += count;
        }
        return total;
    }
}
