namespace NativeRlhf.Reference;

/// <summary>
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): a function from a
/// 64-bit key and a 128-bit counter to 128 random bits. It has no state: the n-th number is had by asking for it.
/// </summary>
public static class Philox
{
    /// <summary>What a number is drawn for; numbers for different purposes never coincide.</summary>
    public const uint DropoutPurpose = 3, SamplingPurpose = 4;

    /// <summary>
    /// Ten rounds. Each multiplies two of the four counter words by a constant, which spreads every bit of them over 64
    /// bits, and mixes the halves into the other two words and the key. The key moves by a constant between rounds.
    /// </summary>
    /// <param name="counter">counter (4)</param>
    /// <param name="key">key (2)</param>
    /// <returns>Four random words.</returns>
    public static uint[] Rounds(uint[] counter, uint[] key)
    {
        uint[] c = [.. counter];
        uint[] k = [.. key];
        for (int round = 0; round < 10; round++)
        {
            ulong product0 = 0xD2511F53UL * c[0];
            ulong product1 = 0xCD9E8D57UL * c[2];
            uint high0 = (uint)(product0 >> 32), low0 = (uint)product0;
            uint high1 = (uint)(product1 >> 32), low1 = (uint)product1;
            c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0];
            k = [k[0] + 0x9E3779B9, k[1] + 0xBB67AE85];
        }

        return c;
    }

    /// <summary>
    /// A uniform number in [0, 1), a multiple of 2⁻²⁴: the upper 24 bits of one of the four words at
    /// (seed, purpose, stream, position).
    /// </summary>
    /// <param name="seed">The run's seed: the key.</param>
    /// <param name="purpose">What the number is for: counter word 3.</param>
    /// <param name="stream">The stream: counter word 2.</param>
    /// <param name="position">The position in the stream: counter words 0 (lower half) and 1.</param>
    /// <param name="word">Which of the four words, 0 to 3.</param>
    /// <returns>The number.</returns>
    public static double Uniform(ulong seed, uint purpose, uint stream, ulong position, int word = 0)
    {
        uint[] bits = Rounds([(uint)position, (uint)(position >> 32), stream, purpose], [(uint)seed, (uint)(seed >> 32)]);
        return (bits[word] >> 8) / 16777216.0;
    }
}
