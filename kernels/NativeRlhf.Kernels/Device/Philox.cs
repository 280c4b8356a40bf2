namespace NativeRlhf.Kernels.Device;

/// <summary>What random numbers are drawn for. Streams of different purposes never overlap.</summary>
public enum RandomPurpose : uint
{
    /// <summary>Initial weights; the position is (tensor, element).</summary>
    Initialization = 1,

    /// <summary>The order of rows; the position is (epoch, row).</summary>
    Shuffling = 2,

    /// <summary>Dropout masks; the position is (stream of step and layer, element).</summary>
    Dropout = 3,

    /// <summary>Sampled tokens; the position is (sequence, token).</summary>
    Sampling = 4,

    /// <summary>Generated data, bootstrap draws and the like.</summary>
    Data = 5,

    /// <summary>The order of answers in PPO's minibatches; the position is (epoch of updates, answer).</summary>
    Minibatches = 6,

    /// <summary>The order of pretraining rows in PPO-ptx; the position is (epoch, row).</summary>
    PretrainingMix = 7,

    /// <summary>Initial factors of an adapter; the position is (tensor, element).</summary>
    Adapters = 8,

    /// <summary>Stochastic rounding of weights; the position is (update, place of the weight).</summary>
    Rounding = 9,
}

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011):
/// a pure function from a key and a counter to 128 random bits, so that any thread can draw any number at any time.
/// The key holds the seed; the counter holds the purpose, the stream and the position. Legal in kernels.
/// </summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>Four random words.</summary>
    /// <param name="X">The first word.</param>
    /// <param name="Y">The second word.</param>
    /// <param name="Z">The third word.</param>
    /// <param name="W">The fourth word.</param>
    public readonly record struct Words(uint X, uint Y, uint Z, uint W);

    /// <summary>The raw function: ten rounds over counter (c0, c1, c2, c3) with key (k0, k1).</summary>
    /// <param name="c0">Counter, word 0.</param>
    /// <param name="c1">Counter, word 1.</param>
    /// <param name="c2">Counter, word 2.</param>
    /// <param name="c3">Counter, word 3.</param>
    /// <param name="k0">Key, word 0.</param>
    /// <param name="k1">Key, word 1.</param>
    /// <returns>128 random bits.</returns>
    public static Words Rounds(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)Multiplier0 * c0, p1 = (ulong)Multiplier1 * c2;
            uint n0 = (uint)(p1 >> 32) ^ c1 ^ k0, n2 = (uint)(p0 >> 32) ^ c3 ^ k1;
            c1 = (uint)p1;
            c3 = (uint)p0;
            c0 = n0;
            c2 = n2;
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return new Words(c0, c1, c2, c3);
    }

    /// <summary>The four words at a position of a stream.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers are for.</param>
    /// <param name="stream">The stream within the purpose: a sequence, an epoch, a layer of a step. 32 bits count, hashed with the purpose's.</param>
    /// <param name="position">The position in the stream.</param>
    /// <returns>128 random bits.</returns>
    public static Words At(ulong seed, RandomPurpose purpose, uint stream, ulong position) =>
        Rounds((uint)position, (uint)(position >> 32), stream, (uint)purpose, (uint)seed, (uint)(seed >> 32));

    /// <summary>A uniform float in [0, 1) from the upper 24 bits of a word.</summary>
    /// <param name="word">A random word.</param>
    /// <returns>A multiple of 2⁻²⁴ in [0, 1).</returns>
    public static float ToUniform(uint word) => (word >> 8) * (1f / 16777216f);
}
