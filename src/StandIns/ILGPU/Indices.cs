using System.Runtime.InteropServices;

namespace ILGPU;

/// <summary>Anything that counts elements: an index used as an extent.</summary>
public interface IIndex
{
    /// <summary>The number of elements of an extent of this value.</summary>
    public long Size { get; }
}

/// <summary>Arithmetic that all index types share.</summary>
public interface IGenericIndex<TIndex> : IIndex, IEquatable<TIndex>
    where TIndex : struct, IIndex
{
    public bool InBounds(TIndex dimension);
    public bool InBoundsInclusive(TIndex dimension);
    public TIndex Add(TIndex rhs);
    public TIndex Subtract(TIndex rhs);
}

/// <summary>An index or extent of one dimension with components of type <see cref="int"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Index1D(int x) : IGenericIndex<Index1D>
{
    public static readonly Index1D Invalid = new(-1);
    public static readonly Index1D Zero = new(0);
    public static readonly Index1D One = new(1);

    public int X { get; } = x;

    public bool IsFirst => X == 0;
    public int Size => X;
    public long LongSize => X;
    long IIndex.Size => LongSize;

    public static Index1D Min(Index1D first, Index1D second) =>
        new(Math.Min(first.X, second.X));

    public static Index1D Max(Index1D first, Index1D second) =>
        new(Math.Max(first.X, second.X));

    public static Index1D Clamp(Index1D value, Index1D min, Index1D max) => Min(Max(value, min), max);

    public LongIndex1D ToLongIndex() => new(X);

    public bool InBounds(Index1D dimension) => X >= 0 && X < dimension.X;
    public bool InBoundsInclusive(Index1D dimension) => X >= 0 && X <= dimension.X;
    public Index1D Add(Index1D rhs) => this + rhs;
    public Index1D Subtract(Index1D rhs) => this - rhs;

    public bool Equals(Index1D other) => this == other;
    public override bool Equals(object? obj) => obj is Index1D other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(X);
    public override string ToString() => $"({X})";

    public static Index1D operator +(Index1D first, Index1D second) =>
        new(first.X + second.X);

    public static Index1D operator -(Index1D first, Index1D second) =>
        new(first.X - second.X);

    public static Index1D operator *(Index1D first, Index1D second) =>
        new(first.X * second.X);

    public static Index1D operator /(Index1D first, Index1D second) =>
        new(first.X / second.X);

    public static bool operator ==(Index1D first, Index1D second) => first.X == second.X;
    public static bool operator !=(Index1D first, Index1D second) => !(first == second);

    public static implicit operator int(Index1D index) => index.X;
    public static implicit operator Index1D(int index) => new(index);
    public static explicit operator uint(Index1D index) => (uint)index.X;
    public static implicit operator LongIndex1D(Index1D index) => index.ToLongIndex();
}

/// <summary>An index or extent of two dimensions with components of type <see cref="int"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Index2D(int x, int y) : IGenericIndex<Index2D>
{
    public static readonly Index2D Invalid = new(-1, -1);
    public static readonly Index2D Zero = new(0, 0);
    public static readonly Index2D One = new(1, 1);

    public Index2D(int value)
        : this(value, value)
    {
    }

    public int X { get; } = x;
    public int Y { get; } = y;

    public bool IsFirst => X == 0 && Y == 0;
    public int Size => checked((int)LongSize);
    public long LongSize => (long)X * Y;
    long IIndex.Size => LongSize;

    public static Index2D Min(Index2D first, Index2D second) =>
        new(Math.Min(first.X, second.X), Math.Min(first.Y, second.Y));

    public static Index2D Max(Index2D first, Index2D second) =>
        new(Math.Max(first.X, second.X), Math.Max(first.Y, second.Y));

    public static Index2D Clamp(Index2D value, Index2D min, Index2D max) => Min(Max(value, min), max);

    public bool InBounds(Index2D dimension) => X >= 0 && X < dimension.X && Y >= 0 && Y < dimension.Y;
    public bool InBoundsInclusive(Index2D dimension) => X >= 0 && X <= dimension.X && Y >= 0 && Y <= dimension.Y;
    public Index2D Add(Index2D rhs) => this + rhs;
    public Index2D Subtract(Index2D rhs) => this - rhs;
    public (int X, int Y) ToValueTuple() => (X, Y);

    public void Deconstruct(out int x, out int y) =>
        (x, y) = (X, Y);

    public bool Equals(Index2D other) => this == other;
    public override bool Equals(object? obj) => obj is Index2D other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(X, Y);
    public override string ToString() => $"({X}, {Y})";

    public static Index2D operator +(Index2D first, Index2D second) =>
        new(first.X + second.X, first.Y + second.Y);

    public static Index2D operator -(Index2D first, Index2D second) =>
        new(first.X - second.X, first.Y - second.Y);

    public static Index2D operator *(Index2D first, Index2D second) =>
        new(first.X * second.X, first.Y * second.Y);

    public static Index2D operator /(Index2D first, Index2D second) =>
        new(first.X / second.X, first.Y / second.Y);

    public static bool operator ==(Index2D first, Index2D second) => first.X == second.X && first.Y == second.Y;
    public static bool operator !=(Index2D first, Index2D second) => !(first == second);

    public static implicit operator Index2D((int, int) values) => new(values.Item1, values.Item2);
}

/// <summary>An index or extent of three dimensions with components of type <see cref="int"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Index3D(int x, int y, int z) : IGenericIndex<Index3D>
{
    public static readonly Index3D Invalid = new(-1, -1, -1);
    public static readonly Index3D Zero = new(0, 0, 0);
    public static readonly Index3D One = new(1, 1, 1);

    public Index3D(int value)
        : this(value, value, value)
    {
    }

    public int X { get; } = x;
    public int Y { get; } = y;
    public int Z { get; } = z;

    public bool IsFirst => X == 0 && Y == 0 && Z == 0;
    public int Size => checked((int)LongSize);
    public long LongSize => (long)X * Y * Z;
    long IIndex.Size => LongSize;

    public static Index3D Min(Index3D first, Index3D second) =>
        new(Math.Min(first.X, second.X), Math.Min(first.Y, second.Y), Math.Min(first.Z, second.Z));

    public static Index3D Max(Index3D first, Index3D second) =>
        new(Math.Max(first.X, second.X), Math.Max(first.Y, second.Y), Math.Max(first.Z, second.Z));

    public static Index3D Clamp(Index3D value, Index3D min, Index3D max) => Min(Max(value, min), max);

    public bool InBounds(Index3D dimension) => X >= 0 && X < dimension.X && Y >= 0 && Y < dimension.Y && Z >= 0 && Z < dimension.Z;
    public bool InBoundsInclusive(Index3D dimension) => X >= 0 && X <= dimension.X && Y >= 0 && Y <= dimension.Y && Z >= 0 && Z <= dimension.Z;
    public Index3D Add(Index3D rhs) => this + rhs;
    public Index3D Subtract(Index3D rhs) => this - rhs;
    public (int X, int Y, int Z) ToValueTuple() => (X, Y, Z);

    public void Deconstruct(out int x, out int y, out int z) =>
        (x, y, z) = (X, Y, Z);

    public bool Equals(Index3D other) => this == other;
    public override bool Equals(object? obj) => obj is Index3D other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(X, Y, Z);
    public override string ToString() => $"({X}, {Y}, {Z})";

    public static Index3D operator +(Index3D first, Index3D second) =>
        new(first.X + second.X, first.Y + second.Y, first.Z + second.Z);

    public static Index3D operator -(Index3D first, Index3D second) =>
        new(first.X - second.X, first.Y - second.Y, first.Z - second.Z);

    public static Index3D operator *(Index3D first, Index3D second) =>
        new(first.X * second.X, first.Y * second.Y, first.Z * second.Z);

    public static Index3D operator /(Index3D first, Index3D second) =>
        new(first.X / second.X, first.Y / second.Y, first.Z / second.Z);

    public static bool operator ==(Index3D first, Index3D second) => first.X == second.X && first.Y == second.Y && first.Z == second.Z;
    public static bool operator !=(Index3D first, Index3D second) => !(first == second);

    public static implicit operator Index3D((int, int, int) values) => new(values.Item1, values.Item2, values.Item3);
}

/// <summary>An index or extent of one dimension with components of type <see cref="long"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct LongIndex1D(long x) : IGenericIndex<LongIndex1D>
{
    public static readonly LongIndex1D Invalid = new(-1);
    public static readonly LongIndex1D Zero = new(0);
    public static readonly LongIndex1D One = new(1);

    public long X { get; } = x;

    public bool IsFirst => X == 0;
    public long Size => X;

    public static LongIndex1D Min(LongIndex1D first, LongIndex1D second) =>
        new(Math.Min(first.X, second.X));

    public static LongIndex1D Max(LongIndex1D first, LongIndex1D second) =>
        new(Math.Max(first.X, second.X));

    public static LongIndex1D Clamp(LongIndex1D value, LongIndex1D min, LongIndex1D max) => Min(Max(value, min), max);

    public Index1D ToIntIndex() => new(checked((int)X));

    public bool InBounds(LongIndex1D dimension) => X >= 0 && X < dimension.X;
    public bool InBoundsInclusive(LongIndex1D dimension) => X >= 0 && X <= dimension.X;
    public LongIndex1D Add(LongIndex1D rhs) => this + rhs;
    public LongIndex1D Subtract(LongIndex1D rhs) => this - rhs;

    public bool Equals(LongIndex1D other) => this == other;
    public override bool Equals(object? obj) => obj is LongIndex1D other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(X);
    public override string ToString() => $"({X})";

    public static LongIndex1D operator +(LongIndex1D first, LongIndex1D second) =>
        new(first.X + second.X);

    public static LongIndex1D operator -(LongIndex1D first, LongIndex1D second) =>
        new(first.X - second.X);

    public static LongIndex1D operator *(LongIndex1D first, LongIndex1D second) =>
        new(first.X * second.X);

    public static LongIndex1D operator /(LongIndex1D first, LongIndex1D second) =>
        new(first.X / second.X);

    public static bool operator ==(LongIndex1D first, LongIndex1D second) => first.X == second.X;
    public static bool operator !=(LongIndex1D first, LongIndex1D second) => !(first == second);

    public static implicit operator long(LongIndex1D index) => index.X;
    public static implicit operator LongIndex1D(long index) => new(index);
    public static explicit operator ulong(LongIndex1D index) => (ulong)index.X;
    public static explicit operator Index1D(LongIndex1D index) => index.ToIntIndex();
}
