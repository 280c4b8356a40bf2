using System.Runtime.CompilerServices;

namespace ILGPU;

/// <summary>Atomic operations on memory that several threads use. All return the value that was there before.</summary>
public static class Atomic
{
    public static int Add(ref int target, int value) => Interlocked.Add(ref target, value) - value;

    public static long Add(ref long target, long value) => Interlocked.Add(ref target, value) - value;

    public static uint Add(ref uint target, uint value) => Interlocked.Add(ref target, value) - value;

    public static ulong Add(ref ulong target, ulong value) => Interlocked.Add(ref target, value) - value;

    public static float Add(ref float target, float value)
    {
        float seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected + value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static double Add(ref double target, double value)
    {
        double seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected + value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static Index1D Add(ref Index1D target, Index1D value) => Add(ref Unsafe.As<Index1D, int>(ref target), value);

    public static int Max(ref int target, int value)
    {
        int seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static long Max(ref long target, long value)
    {
        long seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static uint Max(ref uint target, uint value)
    {
        uint seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static ulong Max(ref ulong target, ulong value)
    {
        ulong seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static float Max(ref float target, float value)
    {
        float seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static double Max(ref double target, double value)
    {
        double seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Max(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static int Min(ref int target, int value)
    {
        int seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static long Min(ref long target, long value)
    {
        long seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static uint Min(ref uint target, uint value)
    {
        uint seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static ulong Min(ref ulong target, ulong value)
    {
        ulong seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static float Min(ref float target, float value)
    {
        float seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static double Min(ref double target, double value)
    {
        double seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, Math.Min(expected, value), expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static int And(ref int target, int value) => Interlocked.And(ref target, value);

    public static long And(ref long target, long value) => Interlocked.And(ref target, value);

    public static uint And(ref uint target, uint value) => Interlocked.And(ref target, value);

    public static ulong And(ref ulong target, ulong value) => Interlocked.And(ref target, value);

    public static int Or(ref int target, int value) => Interlocked.Or(ref target, value);

    public static long Or(ref long target, long value) => Interlocked.Or(ref target, value);

    public static uint Or(ref uint target, uint value) => Interlocked.Or(ref target, value);

    public static ulong Or(ref ulong target, ulong value) => Interlocked.Or(ref target, value);

    public static int Xor(ref int target, int value)
    {
        int seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected ^ value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static long Xor(ref long target, long value)
    {
        long seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected ^ value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static uint Xor(ref uint target, uint value)
    {
        uint seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected ^ value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static ulong Xor(ref ulong target, ulong value)
    {
        ulong seen = target, expected;
        do
        {
            expected = seen;
            seen = Interlocked.CompareExchange(ref target, expected ^ value, expected);
        }
        while (!Same(seen, expected));
        return seen;
    }

    public static int Exchange(ref int target, int value) => Interlocked.Exchange(ref target, value);

    public static long Exchange(ref long target, long value) => Interlocked.Exchange(ref target, value);

    public static uint Exchange(ref uint target, uint value) => Interlocked.Exchange(ref target, value);

    public static ulong Exchange(ref ulong target, ulong value) => Interlocked.Exchange(ref target, value);

    public static float Exchange(ref float target, float value) => Interlocked.Exchange(ref target, value);

    public static double Exchange(ref double target, double value) => Interlocked.Exchange(ref target, value);

    public static Index1D Exchange(ref Index1D target, Index1D value) => Exchange(ref Unsafe.As<Index1D, int>(ref target), value);

    public static int CompareExchange(ref int target, int compare, int value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static long CompareExchange(ref long target, long compare, long value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static uint CompareExchange(ref uint target, uint compare, uint value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static ulong CompareExchange(ref ulong target, ulong compare, ulong value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static float CompareExchange(ref float target, float compare, float value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static double CompareExchange(ref double target, double compare, double value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static Index1D CompareExchange(ref Index1D target, Index1D compare, Index1D value) =>
        CompareExchange(ref Unsafe.As<Index1D, int>(ref target), compare, value);

    // Bits, not values: NaN differs from itself, and -0 must not pass for 0.
    private static bool Same(int left, int right) => left == right;
    private static bool Same(long left, long right) => left == right;
    private static bool Same(uint left, uint right) => left == right;
    private static bool Same(ulong left, ulong right) => left == right;
    private static bool Same(float left, float right) =>
        BitConverter.SingleToInt32Bits(left) == BitConverter.SingleToInt32Bits(right);

    private static bool Same(double left, double right) =>
        BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);
}
