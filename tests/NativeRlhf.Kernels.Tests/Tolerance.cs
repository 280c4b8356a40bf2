namespace NativeRlhf.Kernels.Tests;

/// <summary>Assertions on how far results may lie from the oracle, as <see cref="Verification.Tolerance"/> says.</summary>
internal static class Tolerance
{
    /// <summary>Of analytic gradients in double against central differences, whose own error is about 1e-9.</summary>
    public const double FiniteDifferences = 1e-6;

    /// <summary>
    /// Compares a float32 result with the oracle's: ‖actual − expected‖ / ‖expected‖ may be 1e-6·√terms, as rounding
    /// errors of a sum of that many terms add up like a random walk.
    /// </summary>
    public static void AssertClose(double[] actual, double[] expected, int terms, string what)
    {
        double error = RelativeError(actual, expected), limit = Verification.Tolerance.ByNorm("float32", terms);
        Assert.That(error, Is.LessThanOrEqualTo(limit), $"{what}: relative error {error:g3} by norm; first bad element {FirstBad(actual, expected, limit)}");
    }

    /// <summary>‖a − b‖ / ‖b‖; the absolute error where b is zero.</summary>
    public static double RelativeError(double[] a, double[] b) => Verification.Tolerance.RelativeError(a, b);

    private static string FirstBad(double[] actual, double[] expected, double limit)
    {
        double scale = Math.Sqrt(expected.Sum(e => e * e) / Math.Max(expected.Length, 1));
        for (int i = 0; i < actual.Length; i++)
        {
            if (!(Math.Abs(actual[i] - expected[i]) <= limit * scale)) return $"[{i}] {actual[i]:g9}, oracle {expected[i]:g9}";
        }

        return "none";
    }
}
