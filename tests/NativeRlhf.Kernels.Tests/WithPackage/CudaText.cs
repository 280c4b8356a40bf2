using System.Reflection;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Verification.Compilation;

namespace NativeRlhf.Kernels.Tests.Ptx;

/// <summary>What the package's compiler makes of the product's kernels for CUDA devices.</summary>
internal static class CudaText
{
    /// <summary>The PTX of an explicitly grouped kernel.</summary>
    /// <param name="type">The class that it belongs to.</param>
    /// <param name="name">Its name.</param>
    /// <returns>A module with the one kernel.</returns>
    public static string Of(Type type, string name) =>
        KernelCompiler.ToPtx(new MarkedKernel(type.GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!, Grouping.Explicit));
}
