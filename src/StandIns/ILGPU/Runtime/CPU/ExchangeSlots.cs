using System.Runtime.InteropServices;

namespace ILGPU.Runtime.CPU;

/// <summary>Values that threads pass to each other: one slot a thread, in two sets that take turns.</summary>
internal sealed class ExchangeSlots(int count)
{
    private const int SlotBytes = 64;

    private readonly byte[] memory = new byte[2 * count * SlotBytes];

    public void Write<T>(int set, int slot, T value)
        where T : unmanaged =>
        MemoryMarshal.Write(Slot<T>(set, slot), value);

    public T Read<T>(int set, int slot)
        where T : unmanaged =>
        MemoryMarshal.Read<T>(Slot<T>(set, slot));

    private unsafe Span<byte> Slot<T>(int set, int slot)
        where T : unmanaged =>
        sizeof(T) <= SlotBytes
            ? memory.AsSpan(((set * count) + slot) * SlotBytes, SlotBytes)
            : throw new NotSupportedException($"{typeof(T).Name} is too large to pass between threads.");
}
