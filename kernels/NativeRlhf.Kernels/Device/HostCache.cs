using System.Runtime.Intrinsics.X86;

namespace NativeRlhf.Kernels.Device;

/// <summary>What a processor tells of its first-level data cache.</summary>
internal static class HostCache
{
    /// <summary>
    /// Its ways: how many lines it holds that lie a multiple of 4 KiB apart, as it has 64 sets of lines of 64 bytes in most processors. 8 where
    /// the processor does not tell.
    /// </summary>
    public static int Level1Ways { get; } = ReadWays();

    private static int ReadWays()
    {
        if (!X86Base.IsSupported) return 8;
        // Intel's and AMD's lists of caches, in the same form; the other's is empty or absent.
        const int Extended = unchecked((int)0x80000000), IntelCaches = 4, AmdCaches = unchecked((int)0x8000001D);
        foreach (int leaf in (ReadOnlySpan<int>)[IntelCaches, AmdCaches])
        {
            if (unchecked((uint)X86Base.CpuId(leaf & Extended, 0).Eax) < unchecked((uint)leaf)) continue;
            for (int cache = 0; cache < 8; cache++)
            {
                // EAX: bits 0 to 4 the kind, 0 after the last, 1 for data, 3 for both; bits 5 to 7 the level. EBX: bits 22 to 31 the ways less one.
                var (eax, ebx, _, _) = X86Base.CpuId(leaf, cache);
                int kind = eax & 31, level = (eax >> 5) & 7;
                if (kind == 0) break;
                if (level == 1 && kind is 1 or 3) return (ebx >>> 22) + 1;
            }
        }

        return 8;
    }
}
