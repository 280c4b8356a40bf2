using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// A row-major matrix in device memory: bytes, a shape and the type of the elements, float32 or bfloat16. Vectors are matrices
/// of one column or one row; <see cref="None"/> stands for an operand that is left out.
/// </summary>
public readonly record struct Tensor
{
    /// <summary>A tensor of float32.</summary>
    /// <param name="view">The memory, rows × cols elements.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="cols">The number of columns.</param>
    public Tensor(ArrayView<float> view, int rows, int cols)
        : this(view.Cast<byte>(), rows, cols, ElementType.Float32)
    {
    }

    internal Tensor(ArrayView<byte> bytes, int rows, int cols, ElementType type) => (Bytes, Rows, Cols, Type) = (bytes, rows, cols, type);

    /// <summary>The memory: <see cref="Rows"/> × <see cref="Cols"/> elements of <see cref="Type"/>.</summary>
    public ArrayView<byte> Bytes { get; }

    /// <summary>The number of rows.</summary>
    public int Rows { get; }

    /// <summary>The number of columns: the elements that lie side by side.</summary>
    public int Cols { get; }

    /// <summary>How the elements are stored.</summary>
    public ElementType Type { get; }

    /// <summary>The elements of a tensor of float32.</summary>
    /// <exception cref="ArgumentException">It is of another type.</exception>
    public ArrayView<float> View => Elements<float>(ElementType.Float32);

    /// <summary>The elements of a tensor of bfloat16.</summary>
    /// <exception cref="ArgumentException">It is of another type.</exception>
    public ArrayView<BFloat16> BFloat16View => Elements<BFloat16>(ElementType.BFloat16);

    /// <summary>No tensor: an operand that is left out.</summary>
    public static Tensor None => default;

    /// <summary>Whether this operand is left out.</summary>
    public bool IsNone => Rows == 0 && Cols == 0;

    /// <summary>The number of elements.</summary>
    public long Length => (long)Rows * Cols;

    /// <summary>The bytes of memory that the elements take.</summary>
    internal long Size => Length * Type.Size();

    /// <summary>Whether every row begins at a multiple of four elements, so that kernels may read four at a time.</summary>
    internal bool HasQuads => Cols % 4 == 0 && StartsAtQuad;

    /// <summary>Whether the first element is aligned to four.</summary>
    internal bool StartsAtQuad => Offset(Bytes) % (4 * Type.Size()) == 0;

    /// <summary>The address of the first element of float32. Only meaningful on a device whose memory is the host's.</summary>
    internal unsafe float* Pointer => View is { Length: > 0 } view ? (float*)Unsafe.AsPointer(ref view[0]) : null;

    /// <summary>The elements of float32 in place. Only for devices whose memory is the host's (<see cref="ComputeDevice.IsHostMemory"/>).</summary>
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
        return new Tensor(Part((long)start * Cols, (long)count * Cols), count, Cols, Type);
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
        return new Tensor(Part(0, (long)rows * cols), rows, cols, Type);
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
        return new Tensor(Part(start, length), 1, length, Type);
    }

    /// <summary>Part of the memory; a rehearsal's tensors have none.</summary>
    private ArrayView<byte> Part(long start, long length) => Bytes.Length == 0 ? Bytes : Bytes.SubView(start * Type.Size(), length * Type.Size());

    private static long Offset<TView>(TView view)
        where TView : IContiguousArrayView => view.IndexInBytes;

    private ArrayView<T> Elements<T>(ElementType type)
        where T : unmanaged =>
        Type == type ? Bytes.Cast<T>() : throw new ArgumentException($"{this} is of {Type.ToString().ToLowerInvariant()}; this needs {type.ToString().ToLowerInvariant()}");

    /// <summary>The shape, as in <c>(3, 33)</c>, and the type where it is not float32.</summary>
    /// <returns>The shape in parentheses.</returns>
    public override string ToString() => IsNone ? "none" : Type == ElementType.Float32 ? $"({Rows}, {Cols})" : $"({Rows}, {Cols}) of bfloat16";
}
