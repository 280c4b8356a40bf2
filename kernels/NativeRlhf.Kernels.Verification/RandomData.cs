namespace NativeRlhf.Kernels.Verification;

/// <summary>Seeded values.</summary>
public static class RandomData
{
    /// <summary>Normally distributed values that float32 holds exactly, so that a kernel and the oracle see the same numbers.</summary>
    /// <param name="random">Draws them.</param>
    /// <param name="count">How many.</param>
    /// <param name="scale">The standard deviation.</param>
    /// <param name="mean">The mean.</param>
    /// <returns>The values.</returns>
    public static double[] Normal(Random random, int count, double scale = 1, double mean = 0)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(mean + (scale * radius * Math.Cos(2 * Math.PI * random.NextDouble())));
        }

        return values;
    }
}
