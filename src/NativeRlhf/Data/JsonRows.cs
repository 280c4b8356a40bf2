using System.Text;
using System.Text.Json;

namespace NativeRlhf.Data;

/// <summary>
/// The objects of a JSON-lines file or of a JSON array, one at a time, each with the line at which it starts.
/// Which of the two a file is shows in its first character, not in its name. Blank lines are allowed.
/// </summary>
internal static class JsonRows
{
    private const int LongestRow = 1 << 28;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <summary>Reads the rows lazily; an element is valid until the next one is asked for.</summary>
    /// <param name="file">The file as the user named it.</param>
    /// <exception cref="InputException">Something in the file is not a row, or there is none.</exception>
    public static IEnumerable<(RowPlace Place, JsonElement Row)> Read(string file)
    {
        using Stream stream = DataFile.Open(file);
        var splitter = new Splitter(stream, file);
        bool any = false;
        while (splitter.Next(out RowPlace place))
        {
            using JsonDocument document = Parse(place, splitter.Row);
            JsonElement row = document.RootElement;
            if (row.ValueKind != JsonValueKind.Object)
                throw place.Error($"a row must be a JSON object, not {RowFields.Describe(row)}");
            any = true;
            yield return (place, row);
        }
        if (!any)
            throw new InputException($"{file}: the file has no rows");
    }

    private static JsonDocument Parse(RowPlace place, ReadOnlyMemory<byte> row)
    {
        DataFile.CheckUtf8(place.File, place.Line, row.Span);
        try
        {
            JsonDocument document = JsonDocument.Parse(row, Options);
            // Only an escape can hide half of a surrogate pair, and few rows have one that begins like a surrogate's.
            if (row.Span.IndexOf("\\ud"u8) >= 0 || row.Span.IndexOf("\\uD"u8) >= 0)
                CheckSurrogates(document.RootElement);
            return document;
        }
        catch (JsonException e)
        {
            throw InputException.At(place.File, place.Line + (e.LineNumber ?? 0), $"not valid JSON: {JsonMessages.Reason(e)}", e);
        }
        catch (InvalidOperationException e)
        {
            throw place.Error("the row holds half of a surrogate pair (\\ud800 to \\udfff), which is no character; remove it", e);
        }
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> where a string or a name is not a sequence of characters.</summary>
    private static void CheckSurrogates(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            _ = value.GetString();
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement element in value.EnumerateArray())
                CheckSurrogates(element);
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                _ = property.Name;
                CheckSurrogates(property.Value);
            }
        }
    }

    /// <summary>Cuts the bytes into rows without reading ahead further than one buffer.</summary>
    private sealed class Splitter
    {
        private readonly Stream _stream;
        private readonly string _file;
        private readonly byte[] _buffer = new byte[1 << 16];
        private int _next;
        private int _end;
        private long _line = 1;
        private byte[] _row = new byte[4096];
        private int _rowLength;
        private readonly long _arrayStart;
        private bool _anyElement;
        private bool _finished;

        public Splitter(Stream stream, string file)
        {
            _stream = stream;
            _file = file;
            Fill();
            if (_buffer.AsSpan(0, _end).StartsWith(Encoding.UTF8.Preamble))
                _next = Encoding.UTF8.Preamble.Length;
            if (SkipSpace() == '[')
            {
                _next++;
                _arrayStart = _line;
            }
        }

        public ReadOnlyMemory<byte> Row => _row.AsMemory(0, _rowLength);

        public bool Next(out RowPlace place)
        {
            _rowLength = 0;
            place = default;
            if (_finished)
                return false;
            return _arrayStart > 0 ? NextElement(out place) : NextLine(out place);
        }

        private bool NextLine(out RowPlace place)
        {
            // Leading space may be skipped up to the line on which the row is.
            bool any = SkipSpace() >= 0;
            place = new RowPlace(_file, _line);
            if (!any)
                return false;
            while (true)
            {
                ReadOnlySpan<byte> rest = _buffer.AsSpan(_next, _end - _next);
                int length = rest.IndexOf((byte)'\n');
                Append(rest[..(length < 0 ? rest.Length : length)], place);
                if (length >= 0)
                {
                    _next += length + 1;
                    _line++;
                    return true;
                }
                if (!Fill())
                    return true;
            }
        }

        private bool NextElement(out RowPlace place)
        {
            int first = SkipSpace();
            place = new RowPlace(_file, _line);
            if (first == ']' && !_anyElement)
            {
                _next++;
                Finish();
                return false;
            }
            _anyElement = true;
            int depth = 0;
            bool inString = false;
            bool escaped = false;
            while (true)
            {
                if (_next == _end && !Fill())
                    throw InputException.At(_file, _line, $"the file ends inside the array that begins in line {_arrayStart}: it is cut off");
                int from = _next;
                int end = _end;
                for (; _next < end; _next++)
                {
                    byte value = _buffer[_next];
                    if (value == '\n')
                        _line++;
                    if (inString)
                    {
                        inString = escaped || value != '"';
                        escaped = !escaped && value == '\\';
                    }
                    else if (value == '"')
                        inString = true;
                    else if (value is (byte)'{' or (byte)'[')
                        depth++;
                    else if (depth > 0 && value is (byte)'}' or (byte)']' && depth > 0)
                        depth--;
                    else if (depth == 0 && value is (byte)',' or (byte)']')
                    {
                        Append(_buffer.AsSpan(from, _next - from), place);
                        _next++;
                        if (value == ']')
                            Finish();
                        return true;
                    }
                }
                Append(_buffer.AsSpan(from, _next - from), place);
            }
        }

        private void Finish()
        {
            if (SkipSpace() >= 0)
                throw InputException.At(_file, _line, "something follows the end of the JSON array; remove it");
            _finished = true;
        }

        /// <summary>The next byte that is not white space, without taking it, or −1 at the end.</summary>
        private int SkipSpace()
        {
            while (_next < _end || Fill())
            {
                byte value = _buffer[_next];
                if (value == '\n')
                    _line++;
                else if (value is not ((byte)' ' or (byte)'\t' or (byte)'\r'))
                    return value;
                _next++;
            }
            return -1;
        }

        private bool Fill()
        {
            _next = 0;
            _end = DataFile.Read(_stream, _file, _buffer);
            return _end > 0;
        }

        private void Append(ReadOnlySpan<byte> bytes, RowPlace place)
        {
            if (_rowLength + bytes.Length > LongestRow)
                throw place.Error($"a row of more than {LongestRow >> 20} MiB; is this the right file?");
            if (_rowLength + bytes.Length > _row.Length)
                Array.Resize(ref _row, Math.Max(_row.Length * 2, _rowLength + bytes.Length));
            bytes.CopyTo(_row.AsSpan(_rowLength));
            _rowLength += bytes.Length;
        }
    }
}
