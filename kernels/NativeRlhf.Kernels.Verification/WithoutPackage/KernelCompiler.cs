namespace NativeRlhf.Kernels.Verification.Compilation;

/// <summary>Stands where the compiler stands when ILGPU is there, and says what is missing.</summary>
public static class KernelCompiler
{
    /// <summary>Why nothing can be compiled; null where it can.</summary>
    public static string? Absence =>
        "this build has the stand-in for ILGPU, which has no compiler; build with the package: dotnet build -c Release -p:RestoreAdditionalProjectSources=FOLDER (README, \"ILGPU\")";

    /// <summary>Compiles for CUDA.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="architecture">The chip, <c>sm_80</c>.</param>
    /// <returns>Nothing.</returns>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static string ToPtx(MarkedKernel kernel, string architecture = "sm_80") => throw new NotSupportedException(Absence);

    /// <summary>Translates to OpenCL C 2.0.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Nothing.</returns>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static string ToOpenCl(MarkedKernel kernel) => throw new NotSupportedException(Absence);
}
