using System.Runtime.InteropServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification;

/// <summary>
/// Device memory in which a kernel that leaves its operands is seen: everything outside of the tensors holds a NaN with bits of its
/// own. What reads beyond an operand spoils its result, and what writes beyond one is found by <see cref="Reset"/>.
/// </summary>
public sealed class GuardedMemory : IDisposable
{
    private const int Margin = 4096;

    private static readonly float Guard = BitConverter.UInt32BitsToSingle(0x7FC0DEAD);

    private readonly ComputeDevice _device;
    private readonly Arena _arena;
    private readonly int _capacity;
    private readonly List<(long Start, long Length)> _taken = [];
    private readonly float[] _guards;

    /// <summary>Memory without tensors.</summary>
    /// <param name="device">The device.</param>
    /// <param name="capacity">Its size in float32 elements.</param>
    public GuardedMemory(ComputeDevice device, int capacity = 4 << 20)
    {
        (_device, _capacity) = (device, capacity);
        _arena = device.AllocateArena(capacity, "verification");
        _guards = new float[_arena.Capacity];
        Array.Fill(_guards, Guard);
        device.Upload(_arena.All, _guards);
    }

    /// <summary>The next tensor. Its content is the guard.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="type">How its elements are stored.</param>
    /// <returns>A tensor with guarded elements before and behind it.</returns>
    /// <exception cref="InvalidOperationException">There is no room.</exception>
    public Tensor Take(int rows, int cols, ElementType type = ElementType.Float32)
    {
        // Half of the last word of an odd number of elements of bfloat16 is beyond it, and not looked at.
        _taken.Add((_arena.Used, (((long)rows * cols * type.Size()) + 3) / 4));
        var tensor = _arena.Take(rows, cols, "", type);
        // At least one guarded element between tensors, also where the length is a multiple of the alignment.
        _arena.Take(1, 1);
        return tensor;
    }

    /// <summary>Takes all tensors back.</summary>
    /// <returns>The first element outside of all of them that was written; −1 if none was.</returns>
    public int Reset()
    {
        int used = (int)Math.Min(_arena.Used + Margin, _capacity);
        var front = _arena.Range(0, used);
        float[] content = new float[used];
        _device.Download(front, content);
        foreach (var (start, length) in _taken) Array.Fill(content, Guard, (int)start, (int)length);
        int touched = MemoryMarshal.Cast<float, uint>(content).IndexOfAnyExcept(BitConverter.SingleToUInt32Bits(Guard));
        _device.Upload(front, _guards.AsSpan(0, used));
        _arena.Reset();
        _taken.Clear();
        return touched;
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();
}
