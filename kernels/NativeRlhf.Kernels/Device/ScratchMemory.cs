using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>Host memory that grows to the most that was asked of it.</summary>
internal sealed unsafe class ScratchMemory : IDisposable
{
    private float* _memory;
    private nuint _length;

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _length = 0;
    }

    /// <summary>Memory at least as long as asked, aligned to 64 bytes; its content is undefined.</summary>
    /// <param name="length">The number of floats.</param>
    /// <returns>The same memory as before, unless it was too short.</returns>
    public float* Take(nuint length)
    {
        if (length > _length)
        {
            Dispose();
            _memory = (float*)NativeMemory.AlignedAlloc(length * sizeof(float), 64);
            _length = length;
        }

        return _memory;
    }
}
