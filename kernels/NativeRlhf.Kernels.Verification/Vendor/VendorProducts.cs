using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Vendor;

/// <summary>The vendors' libraries that can be loaded for a device.</summary>
public static class VendorProducts
{
    /// <summary>Loads what there is: OpenBLAS for the CPU, cuBLAS (any version) in float32 and bfloat16 for CUDA.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The products, to be disposed by the caller; none where no library is installed.</returns>
    public static IReadOnlyList<IVendorProduct> Load(ComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.IsHostMemory) return OpenBlas.TryLoad(device.Team.Threads) is { } blas ? [blas] : [];
        return device.Accelerator.AcceleratorType == ILGPU.Runtime.AcceleratorType.Cuda ? CuBlas.TryLoad(device) : [];
    }
}
