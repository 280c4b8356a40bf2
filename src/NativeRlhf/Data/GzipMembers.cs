using System.Buffers.Binary;
using System.IO.Compression;

namespace NativeRlhf.Data;

/// <summary>
/// The uncompressed bytes of a gzip file (RFC 1952), all members one after the other.
/// <see cref="GZipStream"/> takes a file that was cut off for one that ends there; this stream checks that every
/// member is complete and that its length and CRC-32 are right, and throws <see cref="InvalidDataException"/> otherwise.
/// </summary>
internal sealed class GzipMembers : ForwardStream
{
    private const int TrailerLength = 8;
    private static readonly uint[] CrcTable = MakeCrcTable();

    // The two magic bytes and the method, deflate, which is the only one.
    private static ReadOnlySpan<byte> Magic => [0x1f, 0x8b, 8];

    private readonly Input _input;
    private DeflateStream? _member;
    private uint _crc;
    private uint _length;
    private bool _anyMember;

    public GzipMembers(Stream compressed) => _input = new Input(compressed);

    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_member is null && !BeginMember())
                return 0;
            int count = Inflate(buffer);
            if (count > 0)
            {
                _crc = Crc(_crc, buffer[..count]);
                _length += (uint)count;
                return count;
            }
            EndMember();
        }
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _member?.Dispose();
            _input.Underlying.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Inflate(Span<byte> buffer)
    {
        try
        {
            return _member!.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException("the compressed data are damaged", e);
        }
    }

    private bool BeginMember()
    {
        int first = _input.NextByte();
        if (first < 0)
            return _anyMember ? false : throw new InvalidDataException("the file is empty");
        if (first != Magic[0] || Required() != Magic[1] || Required() != Magic[2])
            throw new InvalidDataException("not gzip data");
        int flags = Required();
        Skip(6); // modification time, compression level, operating system
        if ((flags & 4) != 0)
            Skip(Required() | (Required() << 8));
        if ((flags & 8) != 0)
            SkipString();
        if ((flags & 16) != 0)
            SkipString();
        if ((flags & 2) != 0)
            Skip(2);
        _anyMember = true;
        _crc = 0;
        _length = 0;
        _input.Drained = false;
        _member = new DeflateStream(_input, CompressionMode.Decompress, leaveOpen: true);
        return true;
    }

    private void EndMember()
    {
        // The decompressor asks for more input until it has seen the end mark of the data.
        if (_input.Drained)
            throw CutOff();
        _member!.Dispose();
        _member = null;

        // It does not tell how much of its last piece it used. What follows the data is the trailer, whose eight bytes
        // are known by now, and then the next member or the end of the file: the place is found by its content.
        Span<byte> trailer = stackalloc byte[TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], _length);
        switch (_input.SkipPast(trailer))
        {
            case Found.No:
                throw new InvalidDataException("the data do not match their checksum, or bytes that are not gzip follow them");
            case Found.CutOff:
                throw CutOff();
        }
    }

    private int Required() => _input.NextByte() is >= 0 and int value ? value : throw CutOff();

    private void Skip(int count)
    {
        for (int i = 0; i < count; i++)
            Required();
    }

    private void SkipString()
    {
        while (Required() != 0)
        {
        }
    }

    private static InvalidDataException CutOff() => new("the compressed data are cut off");

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (byte value in bytes)
            crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] MakeCrcTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
            table[i] = value;
        }
        return table;
    }

    private enum Found
    {
        Yes,
        No,
        CutOff,
    }

    /// <summary>The compressed bytes; it remembers the piece that it served last, so that a part can be taken back.</summary>
    private sealed class Input(Stream underlying) : ForwardStream
    {
        // Served but perhaps not used: [_servedFrom, _next); not yet served: [_next, _end).
        private byte[] _buffer = new byte[1 << 16];
        private int _servedFrom;
        private int _next;
        private int _end;

        public Stream Underlying => underlying;

        /// <summary>Whether more was asked for than there is.</summary>
        public bool Drained { get; set; }

        public int NextByte()
        {
            if (_next == _end && !Refill())
                return -1;
            return _buffer[_next++];
        }

        public override int Read(Span<byte> destination)
        {
            if (_next == _end && !Refill())
            {
                Drained = true;
                return 0;
            }
            int count = Math.Min(destination.Length, _end - _next);
            _buffer.AsSpan(_next, count).CopyTo(destination);
            _servedFrom = _next;
            _next += count;
            return count;
        }

        /// <summary>
        /// Moves to behind the first place, from the piece served last onwards, that holds the trailer and is followed
        /// by another member or by nothing.
        /// </summary>
        public Found SkipPast(ReadOnlySpan<byte> trailer)
        {
            int limit = _next + trailer.Length;
            while (_end < limit + Magic.Length && Extend())
            {
            }
            for (int at = _servedFrom; at + trailer.Length <= Math.Min(_end, limit); at++)
            {
                ReadOnlySpan<byte> here = _buffer.AsSpan(at, _end - at);
                if (here.StartsWith(trailer) && (here.Length == trailer.Length || here[trailer.Length..].StartsWith(Magic)))
                {
                    _next = at + trailer.Length;
                    return Found.Yes;
                }
            }
            return _end < limit ? Found.CutOff : Found.No;
        }

        private bool Refill()
        {
            _servedFrom = _next = 0;
            _end = underlying.Read(_buffer);
            return _end > 0;
        }

        private bool Extend()
        {
            if (_end == _buffer.Length)
                Array.Resize(ref _buffer, _buffer.Length + 4096);
            int count = underlying.Read(_buffer, _end, _buffer.Length - _end);
            _end += count;
            return count > 0;
        }
    }
}
