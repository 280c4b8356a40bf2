using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Ops;

/// <summary>What the tests of all ops share: a fixture for each device and variant, and the comparison of threads.</summary>
[TestFixtureSource(typeof(KernelVariants), nameof(KernelVariants.All))]
public abstract class OpTests(string device, string variant)
{
    private protected Workbench Bench => KernelVariants.Open(device, variant);

    private protected KernelSet Kernels => Bench.Kernels;

    [OneTimeSetUp]
    public void IgnoreIfAbsent() => KernelVariants.Open(device, variant);

    [TearDown]
    public void End() => Bench.End();

    [Test]
    public void Same_bits_with_1_2_3_and_7_threads()
    {
        // Launched kernels do not run on the worker team; for them this says that two runs give the same bits.
        bool isLaunched = variant == KernelVariants.Portable;
        float[][] expected = Bits(isLaunched ? Bench : KernelVariants.Open(device, variant, threads: 1));
        foreach (int threads in isLaunched ? [2] : new[] { 2, 3, 7 })
        {
            float[][] actual = Bits(KernelVariants.Open(device, variant, threads));
            for (int i = 0; i < expected.Length; i++)
            {
                int differing = Enumerable.Range(0, expected[i].Length)
                    .Count(j => BitConverter.SingleToInt32Bits(expected[i][j]) != BitConverter.SingleToInt32Bits(actual[i][j]));
                Assert.That(differing, Is.Zero, $"elements of output {i} that differ between 1 and {threads} threads");
            }
        }
    }

    /// <summary>Runs all functions of the op, on shapes that give every thread work, and returns all outputs.</summary>
    private protected abstract Tensor[] RunAll(Workbench bench);

    /// <summary>The larger choice, or the smaller one where kernels are simulated.</summary>
    private protected T Pick<T>(T large, T small) => Bench.IsSimulated ? small : large;

    private protected void AssertClose(Tensor actual, double[] expected, int terms, string what) =>
        Tolerance.AssertClose(Bench.Read(actual), expected, terms, what);

    private float[][] Bits(Workbench bench)
    {
        float[][] outputs = [.. RunAll(bench).Select(bench.ReadFloats)];
        if (bench != Bench) bench.End();
        return outputs;
    }
}
