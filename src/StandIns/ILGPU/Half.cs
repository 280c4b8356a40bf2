using System.Runtime.InteropServices;

namespace ILGPU;

/// <summary>A number of 16 bits, in the format of <see cref="System.Half"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Half : IEquatable<Half>, IComparable<Half>
{
    public static readonly Half PositiveInfinity = (Half)float.PositiveInfinity;
    public static readonly Half NegativeInfinity = (Half)float.NegativeInfinity;
    public static readonly Half MaxValue = new(0x7bff);
    public static readonly Half MinValue = new(0xfbff);
    public static readonly Half NaN = (Half)float.NaN;
    public static readonly Half Zero = new(0x0000);
    public static readonly Half One = new(0x3c00);

    internal Half(ushort rawValue) => RawValue = rawValue;

    internal ushort RawValue { get; }

    public static Half Abs(Half half) => new((ushort)(half.RawValue & 0x7fff));
    public static bool IsNaN(Half half) => (half.RawValue & 0x7fff) > 0x7c00;
    public static bool IsZero(Half half) => (half.RawValue & 0x7fff) == 0;
    public static bool IsPositiveInfinity(Half half) => half.RawValue == 0x7c00;
    public static bool IsNegativeInfinity(Half half) => half.RawValue == 0xfc00;
    public static bool IsInfinity(Half half) => (half.RawValue & 0x7fff) == 0x7c00;
    public static bool IsFinite(Half half) => (half.RawValue & 0x7fff) < 0x7c00;

    public bool Equals(Half other) => this == other;
    public int CompareTo(Half other) => ((float)this).CompareTo(other);
    public override bool Equals(object? obj) => obj is Half half && Equals(half);
    public override int GetHashCode() => RawValue;
    public override string ToString() => ((float)this).ToString();

    public static Half operator -(Half value) => new((ushort)(value.RawValue ^ 0x8000));
    public static Half operator +(Half first, Half second) => (Half)((float)first + second);
    public static Half operator -(Half first, Half second) => (Half)((float)first - second);
    public static Half operator *(Half first, Half second) => (Half)((float)first * second);
    public static Half operator /(Half first, Half second) => (Half)((float)first / second);
    public static bool operator ==(Half first, Half second) => (float)first == second;
    public static bool operator !=(Half first, Half second) => (float)first != second;
    public static bool operator <(Half first, Half second) => (float)first < second;
    public static bool operator <=(Half first, Half second) => (float)first <= second;
    public static bool operator >(Half first, Half second) => (float)first > second;
    public static bool operator >=(Half first, Half second) => (float)first >= second;

    public static implicit operator float(Half value) => (float)BitConverter.UInt16BitsToHalf(value.RawValue);
    public static implicit operator double(Half value) => (double)BitConverter.UInt16BitsToHalf(value.RawValue);
    public static explicit operator Half(float value) => new(BitConverter.HalfToUInt16Bits((System.Half)value));
    public static explicit operator Half(double value) => new(BitConverter.HalfToUInt16Bits((System.Half)value));
    public static explicit operator int(Half value) => (int)(float)value;
    public static explicit operator Half(int value) => (Half)(float)value;
}
