namespace NativeRlhf.Miniature;

/// <summary>
/// The world's own source of randomness: SplitMix64 (Steele, Lea and Flood 2014) used as a counter-based generator.
/// The n-th draw is <c>mix(key + n · 0x9E3779B97F4A7C15)</c>, where the key is a hash of a seed, a purpose and an
/// index. Streams with different purposes or indices do not disturb each other, and integer and addition-only
/// floating-point arithmetic make every draw the same on every machine.
/// </summary>
public sealed class WorldRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private readonly ulong key;
    private ulong counter;

    /// <summary>The stream of a purpose.</summary>
    /// <param name="seed">Seed of the world.</param>
    /// <param name="purpose">What the draws are for; any text, compared by its UTF-16 code units.</param>
    /// <param name="index">Which stream of this purpose, for example the number of a document.</param>
    public WorldRandom(long seed, string purpose, long index = 0)
    {
        // The outermost mix keeps the streams of neighbouring indices from being shifted copies of each other.
        key = unchecked(Mix(Mix(Mix((ulong)seed + Golden) ^ Hash(purpose)) ^ Mix((ulong)index * Golden + 1)));
    }

    /// <summary>FNV-1a over the UTF-16 code units of a text: the same on every machine, unlike <see cref="object.GetHashCode"/>.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>A 64-bit hash.</returns>
    public static ulong Hash(string text)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (char c in text)
        {
            hash = unchecked((hash ^ c) * 0x100000001B3);
        }

        return Mix(hash);
    }

    /// <summary>The next 64 bits.</summary>
    /// <returns>A uniform 64-bit number.</returns>
    public ulong Next() => Mix(unchecked(key + ++counter * Golden));

    /// <summary>A uniform integer below a bound.</summary>
    /// <param name="bound">Exclusive upper bound, positive.</param>
    /// <returns>0 … bound − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)Math.BigMul(Next(), (ulong)bound, out _);
    }

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    /// <returns>The number.</returns>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with the given probability.</summary>
    /// <param name="probability">Between 0 and 1.</param>
    /// <returns>The outcome.</returns>
    public bool Chance(double probability) => Unit() < probability;

    /// <summary>
    /// A number of mean 0 and variance 1, nearly normal: the sum of twelve uniforms less six (Irwin–Hall).
    /// Additions only, so that no mathematical library decides its last bit.
    /// </summary>
    /// <returns>A number between −6 and 6.</returns>
    public double Normal()
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += Unit();
        }

        return sum;
    }

    /// <summary>A uniformly drawn element.</summary>
    /// <typeparam name="T">Type of the elements.</typeparam>
    /// <param name="items">A list that is not empty.</param>
    /// <returns>One of its elements.</returns>
    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>An element drawn with probability proportional to its weight.</summary>
    /// <typeparam name="T">Type of the elements.</typeparam>
    /// <param name="items">A list that is not empty.</param>
    /// <param name="weight">Weight of an element, not negative; the weights need not sum to 1.</param>
    /// <returns>One of its elements.</returns>
    public T Pick<T>(IReadOnlyList<T> items, Func<T, double> weight)
    {
        double left = Unit() * items.Sum(weight);
        foreach (T item in items)
        {
            left -= weight(item);
            if (left < 0)
            {
                return item;
            }
        }

        return items[^1];
    }

    /// <summary>Distinct elements in random order (Fisher–Yates).</summary>
    /// <typeparam name="T">Type of the elements.</typeparam>
    /// <param name="items">The list to draw from; it is not changed.</param>
    /// <param name="count">How many; all of them when the list is shorter.</param>
    /// <returns>The drawn elements.</returns>
    public IReadOnlyList<T> Sample<T>(IReadOnlyList<T> items, int count)
    {
        T[] pool = [.. items];
        int taken = Math.Min(count, pool.Length);
        for (int i = 0; i < taken; i++)
        {
            int other = i + Below(pool.Length - i);
            (pool[i], pool[other]) = (pool[other], pool[i]);
        }

        return pool[..taken];
    }

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
