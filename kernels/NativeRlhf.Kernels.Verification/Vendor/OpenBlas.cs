using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Verification.Vendor;

/// <summary>OpenBLAS's sgemm, where the library is installed.</summary>
public sealed unsafe class OpenBlas : IVendorProduct
{
    private const int RowMajor = 101, NoTranspose = 111, Transpose = 112;

    private static readonly string[] Names = ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "libopenblas.dll", "openblas.dll"];

    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;

    private OpenBlas(nint library, int threads)
    {
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)NativeLibrary.GetExport(library, "cblas_sgemm");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
        Version = NativeLibrary.TryGetExport(library, "openblas_get_config", out nint config)
            ? Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)config)())?.Trim() ?? "OpenBLAS"
            : "OpenBLAS";
    }

    /// <summary>What the library says that it is.</summary>
    public string Version { get; }

    /// <inheritdoc/>
    public string Name => "OpenBLAS sgemm";

    /// <summary>Loads the library.</summary>
    /// <param name="threads">The threads that it shall use.</param>
    /// <returns>The library, or null where it is absent.</returns>
    public static OpenBlas? TryLoad(int threads)
    {
        foreach (string name in Names)
            if (NativeLibrary.TryLoad(name, out nint library)) return new OpenBlas(library, threads);
        return null;
    }

    /// <inheritdoc/>
    public void Multiply(int m, int n, int k, nint a, bool transposeA, nint b, bool transposeB, float beta, nint c) =>
        _sgemm(
            RowMajor, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, 1, (float*)a, transposeA ? m : k, (float*)b, transposeB ? k : n, beta, (float*)c, n);

    /// <summary>Nothing to give back: the library stays loaded.</summary>
    public void Dispose()
    {
    }
}
