using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>Global memory: buffers at addresses of their own, with a gap between them, so that nothing strays unseen.</summary>
public sealed class PtxGlobalMemory
{
    private const ulong First = 0x7_0000_0000, Gap = 1 << 16;

    private readonly List<(ulong Address, byte[] Bytes)> _buffers = [];
    private ulong _next = First;

    /// <summary>Places values in device memory, aligned to 256 bytes unless shifted.</summary>
    /// <param name="values">The content.</param>
    /// <param name="shift">Bytes by which the address is off.</param>
    /// <returns>The address.</returns>
    public ulong Add<T>(ReadOnlySpan<T> values, int shift = 0)
        where T : unmanaged
    {
        ulong address = _next + (ulong)shift;
        byte[] bytes = MemoryMarshal.AsBytes(values).ToArray();
        _buffers.Add((address, bytes));
        _next = (_next + (ulong)bytes.Length + (ulong)shift + Gap + 255) & ~255UL;
        return address;
    }

    /// <summary>What a buffer holds now.</summary>
    public T[] Read<T>(ulong address)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(_buffers.First(b => b.Address == address).Bytes).ToArray();

    /// <summary>The bytes of an access.</summary>
    /// <exception cref="PtxException">It is not aligned, or outside of all buffers.</exception>
    internal Span<byte> Access(ulong address, int bytes, PtxInstruction instruction)
    {
        if (address % (ulong)bytes != 0) throw new PtxException($"{instruction}: address 0x{address:x} is not a multiple of {bytes}");
        foreach (var (start, content) in _buffers)
        {
            if (address >= start && address + (ulong)bytes <= start + (ulong)content.Length) return content.AsSpan((int)(address - start), bytes);
        }

        var near = _buffers.Where(b => b.Address <= address).Select(b => $", {address - b.Address} bytes into a buffer of {b.Bytes.Length}").LastOrDefault();
        throw new PtxException($"{instruction}: address 0x{address:x} is outside of all buffers{near}");
    }
}

/// <summary>
/// Shared memory of a block. It knows of every byte whether it was written, whether an asynchronous copy to it is under way,
/// and of every word who touched it since the last barrier: of two warps that touch the same word, one of them writing,
/// with no barrier between, either may come first.
/// </summary>
internal sealed class PtxSharedMemory(int bytes)
{
    private const byte Unwritten = 0, Written = 1, InFlight = 2;

    private readonly byte[] _bytes = new byte[bytes], _state = new byte[bytes];
    private readonly int[] _writeEpoch = new int[(bytes + 3) / 4], _readEpoch = new int[(bytes + 3) / 4];
    private readonly ulong[] _writers = new ulong[(bytes + 3) / 4], _readers = new ulong[(bytes + 3) / 4];
    private int _epoch = 1;

    public int Length => _bytes.Length;

    /// <summary>All threads have met.</summary>
    public void Barrier() => _epoch++;

    public ReadOnlySpan<byte> Read(ulong address, int count, int warp, PtxInstruction instruction)
    {
        Check(address, count, instruction);
        int start = (int)address;
        for (int i = start; i < start + count; i++)
        {
            if (_state[i] == Unwritten) throw new PtxException($"{instruction}: reads shared memory at {i}, which nothing has written");
            if (_state[i] == InFlight) throw new PtxException($"{instruction}: reads shared memory at {i}, where an asynchronous copy has not been waited for");
        }

        for (int word = start / 4; word <= (start + count - 1) / 4; word++)
        {
            if (_writeEpoch[word] == _epoch && (_writers[word] & ~(1UL << warp)) != 0) throw Race(instruction, word, warp, "reads", _writers[word], "wrote");
            if (_readEpoch[word] != _epoch) (_readEpoch[word], _readers[word]) = (_epoch, 0);
            _readers[word] |= 1UL << warp;
        }

        return _bytes.AsSpan(start, count);
    }

    public void Write(ulong address, ReadOnlySpan<byte> values, int warp, PtxInstruction instruction)
    {
        Claim(address, values.Length, warp, instruction);
        int start = (int)address;
        if (_state.AsSpan(start, values.Length).Contains(InFlight))
            throw new PtxException($"{instruction}: writes shared memory at {start}, where an asynchronous copy is under way");
        values.CopyTo(_bytes.AsSpan(start));
        _state.AsSpan(start, values.Length).Fill(Written);
    }

    /// <summary>An asynchronous copy begins: from now on nobody may touch its destination.</summary>
    public void BeginCopy(ulong address, int count, int warp, PtxInstruction instruction)
    {
        Claim(address, count, warp, instruction);
        _state.AsSpan((int)address, count).Fill(InFlight);
    }

    /// <summary>The thread that began a copy has waited for it; others see it after a barrier.</summary>
    public void EndCopy(ulong address, ReadOnlySpan<byte> values, int warp, PtxInstruction instruction)
    {
        Claim(address, values.Length, warp, instruction);
        values.CopyTo(_bytes.AsSpan((int)address));
        _state.AsSpan((int)address, values.Length).Fill(Written);
    }

    private void Claim(ulong address, int count, int warp, PtxInstruction instruction)
    {
        Check(address, count, instruction);
        for (int word = (int)address / 4; word <= ((int)address + count - 1) / 4; word++)
        {
            if (_writeEpoch[word] != _epoch) (_writeEpoch[word], _writers[word]) = (_epoch, 0);
            if ((_writers[word] & ~(1UL << warp)) != 0) throw Race(instruction, word, warp, "writes", _writers[word], "wrote");
            if (_readEpoch[word] == _epoch && (_readers[word] & ~(1UL << warp)) != 0) throw Race(instruction, word, warp, "writes", _readers[word], "read");
            _writers[word] |= 1UL << warp;
        }
    }

    private void Check(ulong address, int count, PtxInstruction instruction)
    {
        if (address % (ulong)count != 0) throw new PtxException($"{instruction}: shared address {address} is not a multiple of {count}");
        if (address + (ulong)count > (ulong)_bytes.Length) throw new PtxException($"{instruction}: shared address {address} is outside of {_bytes.Length} bytes");
    }

    private static PtxException Race(PtxInstruction instruction, int word, int warp, string does, ulong others, string did) =>
        new($"{instruction}: a race: warp {warp} {does} shared memory at {4 * word}, which warp {System.Numerics.BitOperations.TrailingZeroCount(others & ~(1UL << warp))} {did} since the last barrier");
}
