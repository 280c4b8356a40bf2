using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>How a tensor's elements are stored. All computation is in float32; storage rounds.</summary>
public enum ElementType
{
    /// <summary>IEEE single precision: 4 bytes.</summary>
    Float32,

    /// <summary>The upper half of a float32: 2 bytes, 8 bits of precision, the same range. See <see cref="Device.BFloat16"/>.</summary>
    BFloat16,
}

/// <summary>What follows from a type of storage.</summary>
public static class ElementTypes
{
    /// <summary>The bytes of an element.</summary>
    /// <param name="type">The type.</param>
    /// <returns>4 or 2.</returns>
    public static int Size(this ElementType type) => type == ElementType.BFloat16 ? 2 : 4;
}

/// <summary>
/// A type of storage inside of kernels, which are written once: a kernel with type parameters is one kernel for each
/// combination of storage, and the compiler sees nothing but loads, shifts and stores. Legal in kernels.
/// </summary>
/// <typeparam name="T">The type itself.</typeparam>
public interface IElement<T>
    where T : unmanaged, IElement<T>
{
    /// <summary>The value in float32, exactly.</summary>
    float Value { get; }

    /// <summary>The nearest element to a value, ties to even; NaN stays NaN.</summary>
    /// <param name="value">A value.</param>
    /// <returns>The element.</returns>
    static abstract T Of(float value);

    /// <summary>Four elements side by side in one access.</summary>
    /// <param name="view">Elements; the first is aligned to four of them.</param>
    /// <param name="quad">Which four: the first is 4 · <paramref name="quad"/>.</param>
    /// <returns>Their values.</returns>
    internal static abstract Float4 Load4(ArrayView<T> view, long quad);

    /// <summary>Stores four elements side by side in one access.</summary>
    /// <param name="view">Elements; the first is aligned to four of them.</param>
    /// <param name="quad">Which four.</param>
    /// <param name="values">Their values.</param>
    internal static abstract void Store4(ArrayView<T> view, long quad, Float4 values);
}

/// <summary>float32 as an element of a kernel's view.</summary>
/// <param name="value">The value.</param>
public readonly struct Float32(float value) : IElement<Float32>
{
    /// <inheritdoc/>
    public float Value { get; } = value;

    /// <inheritdoc/>
    public static Float32 Of(float value) => new(value);

    static Float4 IElement<Float32>.Load4(ArrayView<Float32> view, long quad) => view.Cast<Float4>()[quad];

    static void IElement<Float32>.Store4(ArrayView<Float32> view, long quad, Float4 values) => view.Cast<Float4>()[quad] = values;
}
