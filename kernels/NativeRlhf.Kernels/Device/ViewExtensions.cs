using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeRlhf.Kernels.Device;

/// <summary>Host access to views of host memory.</summary>
internal static class ViewExtensions
{
    /// <summary>The address of the first element; null for an empty view. Only for devices whose memory is the host's.</summary>
    public static unsafe T* Pointer<T>(this ArrayView<T> view)
        where T : unmanaged => view.Length == 0 ? null : (T*)Unsafe.AsPointer(ref view[0]);
}
