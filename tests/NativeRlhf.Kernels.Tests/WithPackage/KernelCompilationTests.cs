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
        select new TestCaseData(description).SetArgDisplayNames($"{kernel.Method.DeclaringType?.Name}.{kernel.Method.Name}");

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_CUDA(EntryPointDescription kernel)
    {
        // A failed compilation can spoil its context, so that each kernel has its own.
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        using var backend = new PTXBackend(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_80, null!);
        CompiledKernel compiled = backend.Compile(kernel, default);
        string assembly = ((PTXCompiledKernel)compiled).PTXAssembly;
        Assert.That(assembly, Does.Contain(".entry"));
        AssertNoUnknownFunction(assembly);
    }

    [TestCaseSource(nameof(Kernels))]
    public void Kernels_compile_for_OpenCL(EntryPointDescription kernel)
    {
        if (kernel.MethodSource.Name.Contains("Assembly", StringComparison.Ordinal) || kernel.MethodSource.DeclaringType!.Name.EndsWith("TensorCore", StringComparison.Ordinal))
            Assert.Ignore("The kernel is for CUDA alone.");
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        var capabilities = new CLCapabilityContext(
            float16: true, float64: true, genericAddressSpace: true, int64_Atomics: true, subGroups: true);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Intel, CLCVersion.CL20);
        CompiledKernel compiled = backend.Compile(kernel, default);
        Assert.That(((CLCompiledKernel)compiled).Source, Does.Contain("kernel void"));
    }

    // The compiler writes a call for what it does not know, which fails only when a device loads the module.
    private static void AssertNoUnknownFunction(string assembly)
    {
        IEnumerable<string> calls = assembly.Split('\n').Where(line => line.Contains("call", StringComparison.Ordinal) && !line.TrimStart().StartsWith("//", StringComparison.Ordinal));
        IEnumerable<string> unknown = calls.Where(call => call.Contains("FusedMultiplyAdd", StringComparison.Ordinal));
        Assert.That(unknown, Is.Empty);
    }
}
