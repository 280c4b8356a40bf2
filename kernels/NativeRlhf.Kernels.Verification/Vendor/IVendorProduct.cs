namespace NativeRlhf.Kernels.Verification.Vendor;

/// <summary>A matrix product of somebody else, on the operands of a device.</summary>
public interface IVendorProduct : IDisposable
{
    /// <summary>Library and function.</summary>
    string Name { get; }

    /// <summary>
    /// c (m × n) = a·b + beta·c, row by row in memory, where a or b may lie transposed. The pointers are the device's.
    /// </summary>
    /// <param name="m">Rows of c.</param>
    /// <param name="n">Columns of c.</param>
    /// <param name="k">Columns of a.</param>
    /// <param name="a">a, m × k, or k × m where it is transposed.</param>
    /// <param name="transposeA">Whether a is transposed.</param>
    /// <param name="b">b, k × n, or n × k where it is transposed.</param>
    /// <param name="transposeB">Whether b is transposed.</param>
    /// <param name="beta">The factor of what c holds.</param>
    /// <param name="c">c.</param>
    void Multiply(int m, int n, int k, nint a, bool transposeA, nint b, bool transposeB, float beta, nint c);
}
