using System.Runtime.InteropServices;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>OpenBLAS's sgemm, where the library is installed.</summary>
internal sealed unsafe class OpenBlas
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

    /// <summary>Loads the library.</summary>
    /// <param name="threads">The threads that it shall use.</param>
    /// <returns>The library, or null where it is absent.</returns>
    public static OpenBlas? TryLoad(int threads)
    {
        foreach (string name in Names)
            if (NativeLibrary.TryLoad(name, out nint library)) return new OpenBlas(library, threads);
        return null;
    }

    /// <summary>c (m × n) = a·b + beta·c, where a or b may lie transposed in memory.</summary>
    public void Multiply(int m, int n, int k, float* a, bool transposeA, float* b, bool transposeB, float beta, float* c) =>
        _sgemm(RowMajor, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, 1, a, transposeA ? m : k, b, transposeB ? k : n, beta, c, n);
}
