using System.Globalization;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Compilation;

/// <summary>Compiles kernels for devices, none of which has to be there.</summary>
public static class KernelCompiler
{
    /// <summary>Why nothing can be compiled; null where it can.</summary>
    public static string? Absence => null;

    /// <summary>Compiles for CUDA.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="architecture">The chip, <c>sm_80</c>.</param>
    /// <returns>PTX.</returns>
    /// <exception cref="ArgumentException">The architecture is not one.</exception>
    public static string ToPtx(MarkedKernel kernel, string architecture = "sm_80")
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(architecture);
        if (!architecture.StartsWith("sm_", StringComparison.Ordinal) || !int.TryParse(architecture.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < 50)
            throw new ArgumentException($"architecture '{architecture}' is not known; use sm_50 or later, as in sm_80");
        // A failed compilation can spoil its context, so that each kernel has its own.
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        using var backend = new PTXBackend(context, new CudaArchitecture(number / 10, number % 10), CudaInstructionSet.ISA_80, null!);
        return ((PTXCompiledKernel)backend.Compile(Description(kernel), default)).PTXAssembly;
    }

    /// <summary>Translates to OpenCL C 2.0.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <returns>The source.</returns>
    public static string ToOpenCl(MarkedKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        var capabilities = new CLCapabilityContext(
            float16: true, float64: true, genericAddressSpace: true, int64_Atomics: true, subGroups: true);
        using var backend = new CLBackend(context, capabilities, CLDeviceVendor.Intel, CLCVersion.CL20);
        CompiledKernel compiled = backend.Compile(Description(kernel), default);
        return ((CLCompiledKernel)compiled).Source;
    }

    private static EntryPointDescription Description(MarkedKernel kernel) => kernel.Grouping == Grouping.Implicit
        ? EntryPointDescription.FromImplicitlyGroupedKernel(kernel.Method)
        : EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method);
}
