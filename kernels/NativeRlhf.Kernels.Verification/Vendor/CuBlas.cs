using System.Runtime.InteropServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Vendor;

/// <summary>
/// cuBLAS by its C interface, which has been the same from version 11 on. Its matrices lie column by column: the product of
/// row-major operands is that of the transposed ones in the other order.
/// </summary>
public sealed unsafe class CuBlas : IVendorProduct
{
    private const int NoTranspose = 0, Transpose = 1, RealFloat32 = 0, RealBFloat16 = 14, ComputeFloat32 = 68, DefaultAlgorithm = -1;

    private static readonly string[] Names = ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so", "cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"];

    private readonly nint _handle;
    private readonly bool _isBFloat16;
    private readonly delegate* unmanaged<nint, int> _destroy;
    private readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int> _sgemm;
    private readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int> _gemmEx;

    private CuBlas(nint library, string file, bool isBFloat16)
    {
        _isBFloat16 = isBFloat16;
        nint handle;
        Check(((delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cublasCreate_v2"))(&handle), "cublasCreate");
        _handle = handle;
        _destroy = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cublasDestroy_v2");
        _sgemm = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int>)NativeLibrary.GetExport(library, "cublasSgemm_v2");
        _gemmEx = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int>)NativeLibrary.GetExport(library, "cublasGemmEx");
        int version;
        ((delegate* unmanaged<nint, int*, int>)NativeLibrary.GetExport(library, "cublasGetVersion_v2"))(handle, &version);
        Name = $"cuBLAS {version} {(isBFloat16 ? "GemmEx bfloat16" : "Sgemm float32")} ({file})";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Loads the library for a CUDA device.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The product in float32 and that in bfloat16; none where the library is absent.</returns>
    public static IReadOnlyList<IVendorProduct> TryLoad(ComputeDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        foreach (string file in Names)
        {
            if (!NativeLibrary.TryLoad(file, out nint library)) continue;
            // A handle belongs to the context that is current, which is ILGPU's; its default stream is that of the context.
            device.Accelerator.Bind();
            return [new CuBlas(library, file, isBFloat16: false), new CuBlas(library, file, isBFloat16: true)];
        }

        return [];
    }

    /// <inheritdoc/>
    public void Multiply(int m, int n, int k, nint a, bool transposeA, nint b, bool transposeB, float beta, nint c)
    {
        float one = 1;
        int operationB = transposeB ? Transpose : NoTranspose, operationA = transposeA ? Transpose : NoTranspose, strideB = transposeB ? k : n, strideA = transposeA ? m : k;
        Check(
            _isBFloat16
                ? _gemmEx(_handle, operationB, operationA, n, m, k, &one, b, RealBFloat16, strideB, a, RealBFloat16, strideA, &beta, c, RealBFloat16, n, ComputeFloat32, DefaultAlgorithm)
                : _sgemm(_handle, operationB, operationA, n, m, k, &one, b, strideB, a, strideA, &beta, c, n),
            "the product");
    }

    /// <inheritdoc/>
    public void Dispose() => _destroy(_handle);

    private static void Check(int status, string what)
    {
        if (status != 0) throw new InvalidOperationException($"cuBLAS: {what} failed with status {status}");
    }
}
