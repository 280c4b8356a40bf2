using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// A row-major matrix of float32 in device memory: a view and its shape. Vectors are matrices of one column or one
/// row; <see cref="None"/> stands for an operand that is left out.
/// </summary>
/// <param name="View">The memory, <paramref name="Rows"/> × <paramref name="Cols"/> elements.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Cols">The number of columns: the elements that lie side by side.</param>
public readonly record struct Tensor(ArrayView<float> View, int Rows, int Cols)
{
    /// <summary>No tensor: an operand that is left out.</summary>
    public static Tensor None => default;

    /// <summary>Whether this operand is left out.</summary>
    public bool IsNone => Rows == 0 && Cols == 0;

    /// <summary>The number of elements.</summary>
    public long Length => (long)Rows * Cols;

    /// <summary>The address of the first element. Only meaningful on a device whose memory is the host's.</summary>
    internal unsafe float* Pointer => View.Length == 0 ? null : (float*)Unsafe.AsPointer(ref View[0]);

    /// <summary>The elements in place. Only for devices whose memory is the host's (<see cref="ComputeDevice.IsHostMemory"/>).</summary>
    public unsafe Span<float> HostSpan => new(Pointer, checked((int)Length));

    /// <summary>Rows <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> − 1.</summary>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <returns>A tensor over the same memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The rows are not all within the tensor.</exception>
    public Tensor Slice(int start, int count)
    {
        if (start < 0 || count < 0 || (long)start + count > Rows)
            throw new ArgumentOutOfRangeException(nameof(start), $"rows {start}..{start + (long)count} lie outside {this}");
        return new Tensor(Part((long)start * Cols, (long)count * Cols), count, Cols);
    }

    /// <summary>The same elements under another shape of the same size, or of a smaller one from the front.</summary>
    /// <param name="rows">The new number of rows.</param>
    /// <param name="cols">The new number of columns.</param>
    /// <returns>A tensor over the same memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The new shape needs more elements than there are.</exception>
    public Tensor Reshape(int rows, int cols)
    {
        if (rows < 0 || cols < 0 || (long)rows * cols > Length)
            throw new ArgumentOutOfRangeException(nameof(rows), $"({rows}, {cols}) does not fit into {this}");
        return new Tensor(Part(0, (long)rows * cols), rows, cols);
    }

    /// <summary>Elements next to each other, as one row vector.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <returns>A tensor (1, length) over the same memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The elements are not all within the tensor.</exception>
    public Tensor Range(long start, int length)
    {
        if (start < 0 || length < 0 || start + length > Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"elements {start}..{start + length} lie outside {this}");
        return new Tensor(Part(start, length), 1, length);
    }

    /// <summary>Part of the memory; a rehearsal's tensors have none.</summary>
    private ArrayView<float> Part(long start, long length) => View.Length == 0 ? View : View.SubView(start, length);

    /// <summary>The shape, as in <c>(3, 33)</c>.</summary>
    /// <returns>The shape in parentheses.</returns>
    public override string ToString() => IsNone ? "none" : $"({Rows}, {Cols})";
}
