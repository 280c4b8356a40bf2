using System.Reflection;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>What the package's compiler makes of the product's kernels for CUDA devices.</summary>
internal static class CudaText
{
    /// <summary>The PTX of an explicitly grouped kernel.</summary>
    /// <param name="type">The class that it belongs to.</param>
    /// <param name="name">Its name.</param>
    /// <returns>A module with the one kernel.</returns>
    public static string Of(Type type, string name)
    {
        MethodInfo method = type.GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!;
        using Context context = Context.Create(builder => builder.EnableAlgorithms());
        using var backend = new PTXBackend(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_80, null!);
        return ((PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(method), default)).PTXAssembly;
    }
}
