using System.Runtime.InteropServices;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Asks Linux to back large host memory by pages of 2 MiB. A product that reads a column of panels of a large weight touches
/// a page a row, more small pages than the processor remembers.
/// </summary>
internal static unsafe partial class HugePages
{
    private const nuint PageSize = 2 << 20;

    private const int MadviseHugePage = 14;

    /// <summary>Advises the whole huge pages within a range; without effect elsewhere than on Linux, and where the system does not offer them.</summary>
    /// <param name="memory">The first byte; not yet written to, or it is in small pages already.</param>
    /// <param name="bytes">The length.</param>
    public static void Advise(void* memory, long bytes)
    {
        if (!OperatingSystem.IsLinux()) return;
        nuint first = ((nuint)memory + PageSize - 1) & ~(PageSize - 1), end = ((nuint)memory + (nuint)bytes) & ~(PageSize - 1);
        // A refusal changes nothing but speed.
        if (end > first) _ = Madvise((void*)first, end - first, MadviseHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(void* address, nuint length, int advice);
}
