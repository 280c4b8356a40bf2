using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>Arrays that belong to one work item. Their contents are undefined at first.</summary>
public static class LocalMemory
{
    public static ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged =>
        LocalArena.Current.Allocate<T>(extent);
}
