using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Where in a panel each lane of a warp points ldmatrix at: one of 32 rows of 16 bytes, which make four 8 × 8 matrices of two bytes each.
/// The places are those of the panel's first 16 rows and two chunks; other steps along the rows are added, along the chunks xor-ed.
/// </summary>
internal static class LanePairs
{
    /// <summary>Matrices 0 and 1 are rows 0 to 7 and 8 to 15 of the first chunk, matrices 2 and 3 the same rows of the second.</summary>
    public static int Rows(int lane) => ((lane & 15) * TensorCore.PanelPitch) + (((lane >> 4) ^ (lane & 7)) * TensorCore.ChunkBytes);

    /// <summary>Matrices 0 and 1 are the first and second chunk of rows 0 to 7, matrices 2 and 3 the same chunks of rows 8 to 15.</summary>
    public static int Chunks(int lane) =>
        (((lane & 7) + ((lane >> 4) << 3)) * TensorCore.PanelPitch) + ((((lane >> 3) & 1) ^ (lane & 7)) * TensorCore.ChunkBytes);

    /// <summary>Without ldmatrix: row t and column g of a panel of float32, whose chunks lie at c ⊕ 2(r mod 4).</summary>
    public static int Floats(int lane) => ((lane & 3) * (TensorCore.PanelPitch + (2 * TensorCore.ChunkBytes))) + ((lane >> 2) * sizeof(float));
}

/// <summary>bfloat16 as the upper half of a float32.</summary>
internal static class BFloat16Bits
{
    /// <summary>The float32 of the same value.</summary>
    public static float Widen(uint bits) => Interop.IntAsFloat(bits << 16);

    /// <summary>The nearest bfloat16, to even where two are equally near; NaN stays NaN.</summary>
    public static ushort Round(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        return (bits & 0x7fffffff) > 0x7f800000 ? (ushort)0x7fff : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Four elements side by side, of float32 or bfloat16; the place is a multiple of four.</summary>
    public static Float4 Four(ArrayView<ushort> view, long place, int isFloat)
    {
        if (isFloat != 0) return view.Cast<Float4>()[place >> 2];
        BFloat16x4 four = view.Cast<BFloat16x4>()[place >> 2];
        return four.Widen();
    }
}

/// <summary>Four bfloat16 side by side: one 64-bit access.</summary>
internal readonly struct BFloat16x4
{
    public readonly uint Low, High;

    /// <summary>Rounds four floats.</summary>
    public BFloat16x4(Float4 v)
    {
        Low = BFloat16Bits.Round(v.X) | ((uint)BFloat16Bits.Round(v.Y) << 16);
        High = BFloat16Bits.Round(v.Z) | ((uint)BFloat16Bits.Round(v.W) << 16);
    }

    /// <summary>The four floats.</summary>
    public Float4 Widen() => new(
        Interop.IntAsFloat(Low << 16), Interop.IntAsFloat(Low & 0xffff0000), Interop.IntAsFloat(High << 16), Interop.IntAsFloat(High & 0xffff0000));
}
