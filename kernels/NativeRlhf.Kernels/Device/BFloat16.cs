using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// bfloat16: sign, the 8 exponent bits of float32 and the upper 7 bits of its fraction. A relative error of at most 2⁻⁸ in
/// storing a number, over the whole range of float32. Storage alone: there is no arithmetic on it. Legal in kernels.
/// </summary>
/// <param name="bits">The upper 16 bits of a float32.</param>
public readonly struct BFloat16(ushort bits) : IElement<BFloat16>, IEquatable<BFloat16>
{
    /// <summary>The upper 16 bits of the float32 that it stands for.</summary>
    public ushort Bits { get; } = bits;

    /// <inheritdoc/>
    public float Value => Interop.IntAsFloat((uint)Bits << 16);

    /// <inheritdoc/>
    public static BFloat16 Of(float value) => new((ushort)(Rounded(value) >> 16));

    /// <summary>
    /// One of the two elements around a value, the nearer one with the larger probability, so that the expectation is the value
    /// itself: updates much smaller than the spacing of elements are not lost on average (Gupta et al. 2015, arXiv:1502.02551).
    /// </summary>
    /// <param name="value">A value; NaN and infinities stay what they are.</param>
    /// <param name="random">Random bits, of which the lower 16 count.</param>
    /// <returns>The element.</returns>
    public static BFloat16 OfStochastic(float value, uint random)
    {
        uint bits = Interop.FloatAsInt(value);
        return new BFloat16((ushort)((IsNaN(bits) ? Quiet(bits) : bits + (random & 0xFFFF)) >> 16));
    }

    /// <summary>Converts to float32, exactly.</summary>
    /// <param name="source">Elements.</param>
    /// <param name="values">Receives their values; at least as many places.</param>
    public static void Widen(ReadOnlySpan<BFloat16> source, Span<float> values)
    {
        for (int i = 0; i < source.Length; i++) values[i] = source[i].Value;
    }

    /// <summary>Converts from float32, to the nearest, ties to even.</summary>
    /// <param name="values">Values.</param>
    /// <param name="destination">Receives the elements; at least as many places.</param>
    public static void Narrow(ReadOnlySpan<float> values, Span<BFloat16> destination)
    {
        for (int i = 0; i < values.Length; i++) destination[i] = Of(values[i]);
    }

    /// <inheritdoc/>
    public bool Equals(BFloat16 other) => Bits == other.Bits;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Bits;

    // Two elements fill a word, the first in its lower half.
    static Float4 IElement<BFloat16>.Load4(ArrayView<BFloat16> view, long quad)
    {
        var words = view.Cast<Words>()[quad];
        return new Float4(
            Interop.IntAsFloat(words.Low << 16), Interop.IntAsFloat(words.Low & 0xFFFF0000),
            Interop.IntAsFloat(words.High << 16), Interop.IntAsFloat(words.High & 0xFFFF0000));
    }

    static void IElement<BFloat16>.Store4(ArrayView<BFloat16> view, long quad, Float4 values) => view.Cast<Words>()[quad] = new Words(
        (Rounded(values.X) >> 16) | (Rounded(values.Y) & 0xFFFF0000), (Rounded(values.Z) >> 16) | (Rounded(values.W) & 0xFFFF0000));

    /// <summary>The bits of a float whose upper half is the nearest element.</summary>
    private static uint Rounded(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        return IsNaN(bits) ? Quiet(bits) : bits + 0x7FFF + ((bits >> 16) & 1);
    }

    private static bool IsNaN(uint bits) => (bits & 0x7FFFFFFF) > 0x7F800000;

    /// <summary>A NaN that stays one whatever bits are cut off.</summary>
    private static uint Quiet(uint bits) => bits | 0x400000;

    private readonly struct Words(uint low, uint high)
    {
        public readonly uint Low = low, High = high;
    }
}
