using System.Runtime.InteropServices;

namespace ILGPU.Runtime.CPU;

/// <summary>Values that threads pass to each other: one slot a thread, in two phases that take turns.</summary>
internal sealed class ExchangeSlots(int count)
{
    private readonly byte[][] phases = [[], []];

    public unsafe void Write<T>(int phase, int slot, T value)
        where T : unmanaged
    {
        if (phases[phase].Length < count * sizeof(T))
            phases[phase] = new byte[count * sizeof(T)];
        MemoryMarshal.Write(phases[phase].AsSpan(slot * sizeof(T)), value);
    }

    public unsafe T Read<T>(int phase, int slot)
        where T : unmanaged =>
        MemoryMarshal.Read<T>(phases[phase].AsSpan(slot * sizeof(T)));
}
