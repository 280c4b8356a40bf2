namespace NativeRlhf.Data;

/// <summary>
/// The uncompressed bytes of a bzip2 file (.NET has no reader of its own), all of its streams one after the other: blocks of a run-length code,
/// the Burrows–Wheeler transform, move-to-front and Huffman codes. The checksum of every block and of every stream is checked;
/// what is damaged or cut off throws <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class Bzip2Stream : ForwardStream
{
    private const ulong BlockMagic = 0x314159265359, EndMagic = 0x177245385090;
    private const int MaxCodeLength = 20, MaxSymbols = 258, SymbolsPerSelector = 50;

    private static readonly uint[] CrcTable = MakeCrcTable();

    private readonly Stream _compressed;
    private readonly byte[] _input = new byte[1 << 16];
    private int _inputNext, _inputEnd;
    private ulong _bits;
    private int _bitCount;

    private int _blockSize;
    private uint _streamCrc;
    private bool _inStream, _anyStream;

    private byte[] _output = [];
    private int _outputNext, _outputEnd;
    private int[] _links = [];

    public Bzip2Stream(Stream compressed) => _compressed = compressed;

    public override int Read(Span<byte> buffer)
    {
        while (_outputNext == _outputEnd)
        {
            if (!NextBlock())
                return 0;
        }
        int count = Math.Min(buffer.Length, _outputEnd - _outputNext);
        _output.AsSpan(_outputNext, count).CopyTo(buffer);
        _outputNext += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _compressed.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Decodes the next block into the output; false at the end of the file.</summary>
    private bool NextBlock()
    {
        while (true)
        {
            if (!_inStream && !BeginStream())
                return false;
            ulong magic = ((ulong)Bits(24) << 24) | Bits(24);
            uint crc = (Bits(16) << 16) | Bits(16);
            if (magic == BlockMagic)
            {
                DecodeBlock();
                uint actual = uint.MaxValue;
                foreach (byte value in _output.AsSpan(0, _outputEnd))
                    actual = (actual << 8) ^ CrcTable[(actual >> 24) ^ value];
                if (~actual != crc)
                    throw Damaged("the checksum of a block is wrong");
                _streamCrc = uint.RotateLeft(_streamCrc, 1) ^ crc;
                return true;
            }
            if (magic != EndMagic)
                throw Damaged("a block begins with neither of the two marks");
            if (crc != _streamCrc)
                throw Damaged("the checksum of the whole is wrong");
            // A stream ends at a whole byte.
            Bits(_bitCount % 8);
            _inStream = false;
        }
    }

    private bool BeginStream()
    {
        if (_bitCount == 0 && _inputNext == _inputEnd && !Fill())
            return _anyStream ? false : throw Damaged("nothing is in it");
        if (Bits(8) != 'B' || Bits(8) != 'Z' || Bits(8) != 'h' || Bits(8) is var level && level is < '1' or > '9')
            throw new InvalidDataException(_anyStream ? "something that is not bzip2 follows the compressed data" : "this is not a bzip2 file");
        _blockSize = (int)(level - '0') * 100_000;
        _streamCrc = 0;
        return _inStream = _anyStream = true;
    }

    private void DecodeBlock()
    {
        if (Bits(1) != 0)
            throw Damaged("a block is randomised, which no program has written since 1996");
        int origin = (int)Bits(24);

        // Which bytes occur: 16 bits for ranges of 16 values, and 16 bits for each range that has any.
        Span<byte> front = stackalloc byte[256];
        int used = 0;
        uint ranges = Bits(16);
        for (int range = 0; range < 16; range++)
        {
            if ((ranges >> (15 - range) & 1) == 0)
                continue;
            uint values = Bits(16);
            for (int i = 0; i < 16; i++)
            {
                if ((values >> (15 - i) & 1) != 0)
                    front[used++] = (byte)(range * 16 + i);
            }
        }
        int groups = (int)Bits(3), selectorCount = (int)Bits(15);
        if (used == 0 || groups is < 2 or > 6 || selectorCount == 0)
            throw Damaged("the head of a block makes no sense");
        byte[] selectors = Selectors(groups, selectorCount);
        int symbols = used + 2;
        var codes = new HuffmanCode[groups];
        for (int group = 0; group < groups; group++)
            codes[group] = ReadCode(symbols);

        // Move-to-front indices and runs of zeros (in bijective base 2: RUNA 1, RUNB 2) become bytes.
        if (_links.Length < _blockSize)
            _links = new int[_blockSize];
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        int count = 0, runWeight = 1, run = 0, endOfBlock = used + 1;
        for (int position = 0; ; position++)
        {
            int selector = position / SymbolsPerSelector;
            if (selector >= selectors.Length)
                throw Damaged("a block has more symbols than codes for them");
            int symbol = Symbol(codes[selectors[selector]]);
            if (symbol <= 1)
            {
                run += runWeight << symbol;
                runWeight <<= 1;
                if (run > _blockSize)
                    throw Damaged("a run is longer than its block");
                continue;
            }
            if (run > 0)
            {
                if (count + run > _blockSize)
                    throw Damaged("a block is longer than announced");
                counts[front[0]] += run;
                _links.AsSpan(count, run).Fill(front[0]);
                count += run;
                (run, runWeight) = (0, 1);
            }
            if (symbol == endOfBlock)
                break;
            if (count == _blockSize)
                throw Damaged("a block is longer than announced");
            int index = symbol - 1;
            byte value = front[index];
            front[..index].CopyTo(front[1..]);
            front[0] = value;
            counts[value]++;
            _links[count++] = value;
        }
        if (origin >= count)
            throw Damaged("the origin of a block lies outside of it");

        // The inverse transform: the upper 24 bits of link j become the row that follows row j.
        int sum = 0;
        foreach (ref int slot in counts)
            (slot, sum) = (sum, sum + slot);
        for (int i = 0; i < count; i++)
            _links[counts[_links[i] & 0xff]++] |= i << 8;
        Unfold(count, _links[origin] >> 8);
    }

    /// <summary>Follows the links, and undoes the first run-length code: four equal bytes are followed by how many more there are.</summary>
    private void Unfold(int count, int at)
    {
        (_outputNext, _outputEnd) = (0, 0);
        int previous = -1, equal = 0;
        for (int i = 0; i < count; i++)
        {
            int link = _links[at], value = link & 0xff;
            at = link >> 8;
            int repeat = equal == 4 ? value : 1;
            if (_outputEnd + repeat > _output.Length)
                Array.Resize(ref _output, Math.Max(2 * _output.Length, _blockSize + 255));
            if (equal == 4)
            {
                _output.AsSpan(_outputEnd, repeat).Fill((byte)previous);
                (previous, equal) = (-1, 0);
            }
            else
            {
                _output[_outputEnd] = (byte)value;
                (previous, equal) = (value, value == previous ? equal + 1 : 1);
            }
            _outputEnd += repeat;
        }
    }

    private byte[] Selectors(int groups, int count)
    {
        Span<byte> front = [0, 1, 2, 3, 4, 5];
        byte[] selectors = new byte[count];
        for (int i = 0; i < count; i++)
        {
            int index = 0;
            while (Bits(1) != 0)
            {
                if (++index >= groups)
                    throw Damaged("a selector names a code that is not there");
            }
            byte value = front[index];
            front[..index].CopyTo(front[1..]);
            front[0] = selectors[i] = value;
        }
        return selectors;
    }

    private HuffmanCode ReadCode(int symbols)
    {
        Span<int> lengths = stackalloc int[MaxSymbols];
        int length = (int)Bits(5);
        for (int symbol = 0; symbol < symbols; symbol++)
        {
            while (true)
            {
                if (length is < 1 or > MaxCodeLength)
                    throw Damaged("the length of a code is out of range");
                if (Bits(1) == 0)
                    break;
                length += Bits(1) == 0 ? 1 : -1;
            }
            lengths[symbol] = length;
        }
        return new HuffmanCode(lengths[..symbols]);
    }

    private int Symbol(HuffmanCode code)
    {
        int value = 0;
        for (int length = 1; length <= MaxCodeLength; length++)
        {
            value = (value << 1) | (int)Bits(1);
            int index = value - code.First[length];
            if (index >= 0 && index < code.Count[length])
                return code.Symbols[code.Offset[length] + index];
        }
        throw Damaged("a code is not in its table");
    }

    /// <summary>The next bits, the highest first; at most 24.</summary>
    private uint Bits(int count)
    {
        while (_bitCount < count)
        {
            if (_inputNext == _inputEnd && !Fill())
                throw Damaged("it is cut off");
            _bits = (_bits << 8) | _input[_inputNext++];
            _bitCount += 8;
        }
        _bitCount -= count;
        return (uint)(_bits >> _bitCount) & ((1u << count) - 1);
    }

    private bool Fill()
    {
        (_inputNext, _inputEnd) = (0, _compressed.Read(_input));
        return _inputEnd > 0;
    }

    private static InvalidDataException Damaged(string how) => new($"the compressed data are damaged: {how}");

    private static uint[] MakeCrcTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i << 24;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 0x80000000) != 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
            table[i] = crc;
        }
        return table;
    }

    /// <summary>A canonical code: for each length its first value, how many there are, and where their symbols begin.</summary>
    private sealed class HuffmanCode
    {
        public HuffmanCode(ReadOnlySpan<int> lengths)
        {
            Symbols = new int[lengths.Length];
            int first = 0, offset = 0;
            for (int length = 1; length <= MaxCodeLength; length++)
            {
                (First[length], Offset[length]) = (first, offset);
                for (int symbol = 0; symbol < lengths.Length; symbol++)
                {
                    if (lengths[symbol] == length)
                        Symbols[offset++] = symbol;
                }
                Count[length] = offset - Offset[length];
                first = (first + Count[length]) << 1;
            }
        }

        public int[] First { get; } = new int[MaxCodeLength + 1];

        public int[] Count { get; } = new int[MaxCodeLength + 1];

        public int[] Offset { get; } = new int[MaxCodeLength + 1];

        public int[] Symbols { get; }
    }
}
