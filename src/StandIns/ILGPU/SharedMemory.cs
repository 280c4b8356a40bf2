using ILGPU.Runtime.CPU;

namespace ILGPU;

/// <summary>Arrays that the members of a group share. Their contents are undefined at first.</summary>
public static class SharedMemory
{
    public static ref T Allocate<T>()
        where T : unmanaged =>
        ref Allocate<T>(1)[0];

    public static ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged =>
        GroupMember.Current.AllocateShared<T>(extent);

    /// <summary>The memory that the launch asked for.</summary>
    public static ArrayView<T> GetDynamic<T>()
        where T : unmanaged =>
        GroupMember.Current.DynamicShared<T>();
}
