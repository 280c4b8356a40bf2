namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>
/// The matrix instructions of a warp, with the fragment layouts of the PTX ISA (9.7.14, warp-level matrix instructions). In all of
/// them g = lane / 4 and t = lane % 4.
/// </summary>
internal static class TensorOps
{
    /// <summary>float32 to bfloat16, to nearest even.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7fff : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>bfloat16 to float32.</summary>
    public static float ToSingle(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>float32 to tf32, 10 bits of mantissa, to nearest, ties away from zero; the other 13 bits of the register are zero.</summary>
    public static uint ToTf32(uint bits) => float.IsNaN(BitConverter.UInt32BitsToSingle(bits)) ? 0x7fffe000 : (bits + (float.IsInfinity(BitConverter.UInt32BitsToSingle(bits)) ? 0u : 0x1000u)) & ~0x1fffu;

    /// <summary>The float of the same value as its tf32.</summary>
    public static float RoundToTf32(float value) => BitConverter.UInt32BitsToSingle(ToTf32(BitConverter.SingleToUInt32Bits(value)));

    /// <summary>What a lane gets of an 8 × 8 matrix: elements 2t and 2t + 1 of row g, or of column g.</summary>
    public static uint LoadedPair(ReadOnlySpan<ushort[]> rows, int lane, bool transposed)
    {
        int g = lane / 4, t = lane % 4;
        return transposed
            ? rows[2 * t][g] | ((uint)rows[(2 * t) + 1][g] << 16)
            : rows[g][2 * t] | ((uint)rows[g][(2 * t) + 1] << 16);
    }

    /// <summary>
    /// D (16 × 8) = A (16 × k)·B (k × 8) + C, k = 16 pairs of bfloat16 a register or k = 8 tf32; register r of lane l at [32r + l].
    /// </summary>
    public static float[] Multiply(bool half, ReadOnlySpan<uint> a, ReadOnlySpan<uint> b, ReadOnlySpan<uint> c)
    {
        int inner = half ? 16 : 8;
        var left = new float[16 * inner];
        var right = new float[inner * 8];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane / 4, t = lane % 4;
            for (int r = 0; r < 4; r++)
            {
                // a0: rows g, a1: rows g + 8; a2 and a3: the same rows in the other half of k.
                int row = g + (8 * (r % 2)), k = r / 2 * (inner / 2);
                Spread(left, (row * inner) + k, 1, a[(32 * r) + lane], t);
            }

            for (int r = 0; r < 2; r++) Spread(right, (r * (inner / 2) * 8) + g, 8, b[(32 * r) + lane], t);
        }

        var result = new float[128];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane / 4, t = lane % 4;
            for (int r = 0; r < 4; r++)
            {
                int row = g + (8 * (r / 2)), col = (2 * t) + (r % 2);
                double sum = 0;
                for (int k = 0; k < inner; k++) sum += (double)left[(row * inner) + k] * right[(k * 8) + col];
                result[(32 * r) + lane] = (float)(sum + BitConverter.UInt32BitsToSingle(c[(32 * r) + lane]));
            }
        }

        return result;

        void Spread(float[] matrix, int origin, int step, uint register, int t)
        {
            if (half)
            {
                matrix[origin + (2 * t * step)] = ToSingle((ushort)register);
                matrix[origin + (((2 * t) + 1) * step)] = ToSingle((ushort)(register >> 16));
            }
            else
            {
                matrix[origin + (t * step)] = BitConverter.UInt32BitsToSingle(register);
            }
        }
    }
}
