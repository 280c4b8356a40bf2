namespace ILGPU.Runtime.Cuda;

/// <summary>Asking for CUDA devices when a context is built. The stand-in has none.</summary>
public static class CudaContextExtensions
{
    public static Context.Builder Cuda(this Context.Builder builder) => builder;
}
