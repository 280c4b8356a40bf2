namespace NativeRlhf.Kernels.Tests;

/// <summary>Seeded values for tests.</summary>
internal static class TestData
{
    /// <summary>
    /// Normally distributed values that float32 holds exactly, so that a kernel and the oracle see the same numbers.
    /// </summary>
    public static double[] Normal(int seed, int count, double scale = 1, double mean = 0)
    {
        var random = new Random(seed);
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(mean + (scale * radius * Math.Cos(2 * Math.PI * random.NextDouble())));
        }

        return values;
    }

    /// <summary>Integers in [0, bound).</summary>
    public static int[] Integers(int seed, int count, int bound)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(bound))];
    }

    /// <summary>offsets (S + 1) of sequences of these lengths.</summary>
    public static int[] Offsets(params int[] lengths)
    {
        var offsets = new int[lengths.Length + 1];
        for (int s = 0; s < lengths.Length; s++) offsets[s + 1] = offsets[s] + lengths[s];
        return offsets;
    }

    public static double[] Filled(int count, double value)
    {
        var values = new double[count];
        Array.Fill(values, value);
        return values;
    }
}
