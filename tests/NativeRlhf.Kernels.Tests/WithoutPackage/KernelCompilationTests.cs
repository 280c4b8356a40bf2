namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Stands where the tests that compile kernels stand when ILGPU's compiler is there.</summary>
[TestFixture]
public sealed class KernelCompilationTests
{
    private const string Reason = "The ILGPU package is not in this build, so that there is no compiler for kernels.";

    [Test]
    public void Kernels_compile_for_CUDA() => Assert.Ignore(Reason);

    [Test]
    public void Kernels_compile_for_OpenCL() => Assert.Ignore(Reason);
}
