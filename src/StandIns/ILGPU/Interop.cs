using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ILGPU;

/// <summary>Bits of numbers, and sizes.</summary>
public static class Interop
{
    public static int SizeOf<T>()
        where T : unmanaged =>
        Unsafe.SizeOf<T>();

    public static int SizeOf<T>(T structure)
        where T : unmanaged =>
        Unsafe.SizeOf<T>();

    public static int OffsetOf<T>(string fieldName)
        where T : unmanaged =>
        Marshal.OffsetOf<T>(fieldName).ToInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort FloatAsInt(Half value) => value.RawValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint FloatAsInt(float value) => BitConverter.SingleToUInt32Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FloatAsInt(double value) => BitConverter.DoubleToUInt64Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Half IntAsFloat(ushort value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float IntAsFloat(uint value) => BitConverter.UInt32BitsToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double IntAsFloat(ulong value) => BitConverter.UInt64BitsToDouble(value);
}
