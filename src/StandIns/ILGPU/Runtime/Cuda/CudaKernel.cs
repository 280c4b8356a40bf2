namespace ILGPU.Runtime.Cuda;

/// <summary>A kernel that is loaded on a CUDA device; there is none here.</summary>
public sealed class CudaKernel
{
    private CudaKernel()
    {
    }

    /// <summary>The driver's handle of the function.</summary>
    public nint FunctionPtr => 0;
}
