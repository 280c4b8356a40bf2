using System.Reflection;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>Compiles all kernels for devices, none of which has to be there.</summary>
[TestFixture]
public sealed class KernelCompilationTests
{
    private static IEnumerable<TestCaseData> Kernels() =>
        from kernel in KernelDiscovery.Marked(typeof(KernelAttribute).Assembly)
            .Concat(KernelDiscovery.Marked(typeof(LegalKernels).Assembly).Where(kernel => kernel.Method.DeclaringType == typeof(LegalKernels)))
        let description = kernel.Grouping == Grouping.Implicit
            ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel.Method)
            : EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method)
        select new TestCaseData(description).SetArgDisplayNames(KernelDiscovery.Name(kernel.Method));

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_CUDA(EntryPointDescription kernel)
    {
        string assembly = CompileForCuda(kernel);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(assembly, Does.Contain(".visible .entry"));
            // The compiler declares what it does not know, which fails only when a device loads the module.
            Assert.That(assembly, Does.Not.Contain(".extern .func"));
        }
    }

    [Test]
    public void Call_of_an_unknown_function_is_seen()
    {
        MethodInfo kernel = typeof(IllegalKernels).GetMethod(nameof(IllegalKernels.Fuses))!;
        Assert.That(CompileForCuda(EntryPointDescription.FromImplicitlyGroupedKernel(kernel)), Does.Contain(".extern .func"));
    }

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_OpenCL(EntryPointDescription kernel)
    {
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        var capabilities = new CLCapabilityContext(
            float16: true, float64: true, genericAddressSpace: true, int64_Atomics: true, subGroups: true);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Intel, CLCVersion.CL20);
        CompiledKernel compiled = backend.Compile(kernel, default);
        Assert.That(((CLCompiledKernel)compiled).Source, Does.Contain("kernel void"));
    }

    // A failed compilation can spoil its context, so that each kernel has its own.
    private static string CompileForCuda(EntryPointDescription kernel)
    {
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        using var backend = new PTXBackend(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_80, null!);
        return ((PTXCompiledKernel)backend.Compile(kernel, default)).PTXAssembly;
    }
}
