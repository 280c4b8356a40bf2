using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace NativeRlhf.Kernels.Device;

/// <summary>What of the CUDA driver the kernel compiler does not call: shared memory beyond 48 KiB.</summary>
internal static unsafe class CudaDriver
{
    // CUdevice_attribute and CUfunction_attribute of cuda.h.
    private const int MajorVersion = 75, OptInSharedMemory = 97, MaxDynamicSharedMemory = 8;

    private static readonly Lazy<nint> Library = new(() =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda" : "cuda", typeof(CudaDriver).Assembly, null, out nint library) ? library : 0);

    /// <summary>
    /// Bytes of shared memory that a block may ask for on a device that has the instructions of <see cref="TensorCore"/>; 0 on any other.
    /// </summary>
    public static int TensorCoreSharedMemory(Accelerator accelerator)
    {
        if (accelerator.AcceleratorType != AcceleratorType.Cuda || Library.Value == 0) return 0;
        accelerator.Bind();
        int device;
        Check(((delegate* unmanaged<int*, int>)Export("cuCtxGetDevice"))(&device), "cuCtxGetDevice");
        return Attribute(MajorVersion, device) >= 8 ? Attribute(OptInSharedMemory, device) : 0;
    }

    /// <summary>Lets a kernel be launched with so much dynamic shared memory.</summary>
    /// <param name="launcher">What loading the kernel returned.</param>
    /// <param name="bytes">The most that its launches will ask for.</param>
    /// <exception cref="InvalidOperationException">The device has not so much.</exception>
    public static void AllowSharedMemory(Delegate launcher, int bytes)
    {
        if (bytes > 48 << 10 && (object?)launcher.Target is CudaKernel kernel)
            Check(((delegate* unmanaged<nint, int, int, int>)Export("cuFuncSetAttribute"))(kernel.FunctionPtr, MaxDynamicSharedMemory, bytes), $"{bytes} bytes of shared memory");
    }

    private static int Attribute(int attribute, int device)
    {
        int value;
        Check(((delegate* unmanaged<int*, int, int, int>)Export("cuDeviceGetAttribute"))(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    private static nint Export(string name) => NativeLibrary.GetExport(Library.Value, name);

    private static void Check(int result, string what)
    {
        if (result != 0) throw new InvalidOperationException($"the CUDA driver answers {what} with error {result}");
    }
}
