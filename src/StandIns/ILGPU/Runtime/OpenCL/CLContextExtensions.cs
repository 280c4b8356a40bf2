namespace ILGPU.Runtime.OpenCL;

/// <summary>Asking for OpenCL devices when a context is built. The stand-in has none.</summary>
public static class CLContextExtensions
{
    public static Context.Builder OpenCL(this Context.Builder builder) => builder;
}
