namespace NativeRlhf.Kernels.Verification;

/// <summary>How far results may lie from the oracle.</summary>
public static class Tolerance
{
    /// <summary>
    /// Of one term: 16 units of the last place in float32, which elementary functions and the order of operations may use up; one
    /// unit of the last place of the operands where those have fewer bits (bfloat16 8, tf32 11).
    /// </summary>
    /// <param name="precision">The precision of a variant (<see cref="KernelVariant.Precisions"/>).</param>
    /// <returns>A relative error.</returns>
    /// <exception cref="ArgumentException">The precision is not known.</exception>
    public static double Unit(string precision) => precision switch
    {
        "float32" => 1e-6,
        "tf32" => 1.0 / 1024,
        "bfloat16" => 1.0 / 128,
        _ => throw new ArgumentException($"no tolerance is known for precision '{precision}'"),
    };

    /// <summary>
    /// The relative error by norm that a sum of some terms may have. Errors of adding in float32 grow like a random walk; the terms' own,
    /// from operands of fewer bits, grow like the sum itself.
    /// </summary>
    /// <param name="precision">The precision.</param>
    /// <param name="terms">How many terms make one element.</param>
    /// <returns>1e-6 · √terms, and the operands' unit where that is not float32's.</returns>
    public static double ByNorm(string precision, int terms) =>
        (Unit("float32") * Math.Sqrt(Math.Max(terms, 1))) + (precision == "float32" ? 0 : Unit(precision));

    /// <summary>‖actual − expected‖ / ‖expected‖; the absolute error where the expected is zero.</summary>
    /// <param name="actual">What came out.</param>
    /// <param name="expected">What the oracle says.</param>
    /// <returns>The error; infinite if anything is not a number, as NaN is above no limit and .NET sorts it below all.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double RelativeError(double[] actual, double[] expected)
    {
        if (actual.Length != expected.Length) throw new ArgumentException($"{actual.Length} values against {expected.Length} of the oracle");
        double difference = 0, norm = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }

        double error = Math.Sqrt(norm > 0 ? difference / norm : difference);
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }
}
