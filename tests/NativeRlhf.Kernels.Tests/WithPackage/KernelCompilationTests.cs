using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification.Compilation;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Compiles all kernels for devices, none of which has to be there.</summary>
[TestFixture]
public sealed class KernelCompilationTests
{
    private static IEnumerable<TestCaseData> Kernels() =>
        from kernel in MarkedKernels.Of(null).Concat(MarkedKernels.In(typeof(LegalKernels).Assembly).Where(kernel => kernel.Method.DeclaringType == typeof(LegalKernels)))
        select new TestCaseData(kernel).SetArgDisplayNames(kernel.Name);

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_CUDA(MarkedKernel kernel)
    {
        string assembly = KernelCompiler.ToPtx(kernel);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(assembly, Does.Contain(".visible .entry"));
            // The compiler declares what it does not know, which fails only when a device loads the module.
            Assert.That(assembly, Does.Not.Contain(".extern .func"));
            // A register tile that ends in local memory is slow.
            if (kernel.Method.DeclaringType != typeof(LegalKernels)) Assert.That(PtxStatistics.Parse(assembly).LocalBytes, Is.Zero);
        }
    }

    [Test]
    public void Matmul_loads_its_panels_by_128_bits()
    {
        foreach (var kernel in MarkedKernels.Of("matmul").Where(kernel => kernel.Name.StartsWith("MatMulPortable.ProductKernel", StringComparison.Ordinal)))
        {
            var statistics = PtxStatistics.Parse(KernelCompiler.ToPtx(kernel));
            Assert.That(statistics.Count("ld.shared.128"), Is.GreaterThanOrEqualTo(4), kernel.Name);
            Assert.That(statistics.Count("bar"), Is.Positive, kernel.Name);
            Assert.That(statistics.SharedBytes, Is.GreaterThan(4000), kernel.Name);
        }
    }

    [TestCase("layernorm", "LayerNormPortable.ForwardKernel(Float32)", 5, 1)]
    [TestCase("layernorm", "LayerNormPortable.InputGradientKernel(Float32)", 7, 1)]
    [TestCase("layernorm", "LayerNormPortable.ParameterGradientKernel(Float32)", 4, 4)]
    [TestCase("layernorm", "LayerNormPortable.AddPartialsKernel", 4, 2)]
    [TestCase("embedding", "EmbeddingPortable.AddRowsKernel", 12, 2)]
    [TestCase("cachedattention", "CachedAttentionPortable.AttendKernel(Float32)", 3, 2)]
    [TestCase("cachedattention", "CachedAttentionPortable.CombineKernel(Float32)", 2, 1)]
    public void Rows_are_moved_by_128_bits(string op, string name, int loads, int stores)
    {
        var statistics = PtxStatistics.Parse(KernelCompiler.ToPtx(MarkedKernels.Of(op).Single(kernel => kernel.Name == name)));
        Assert.That(Global("ld"), Is.GreaterThanOrEqualTo(loads), "loads");
        Assert.That(Global("st"), Is.GreaterThanOrEqualTo(stores), "stores");

        int Global(string kind) => statistics.Count($"{kind}.global.128") + statistics.Count($"{kind}.generic.128");
    }

    [Test]
    public void Call_of_an_unknown_function_is_seen()
    {
        var kernel = new MarkedKernel(typeof(IllegalKernels).GetMethod(nameof(IllegalKernels.Fuses))!, Grouping.Implicit);
        Assert.That(KernelCompiler.ToPtx(kernel), Does.Contain(".extern .func"));
    }

    [TestCase("sm_30")]
    [TestCase("ampere")]
    public void An_unknown_architecture_is_named(string architecture) =>
        Assert.That(() => KernelCompiler.ToPtx(MarkedKernels.Of("norm")[0], architecture), Throws.ArgumentException.With.Message.Contains($"'{architecture}'"));

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_OpenCL(MarkedKernel kernel) => Assert.That(KernelCompiler.ToOpenCl(kernel), Does.Contain("kernel void"));
}
