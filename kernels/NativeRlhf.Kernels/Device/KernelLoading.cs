using ILGPU;
using ILGPU.Runtime;

namespace NativeRlhf.Kernels.Device;

/// <summary>
/// Loads kernels for a device's default stream. On a device that is recorded their launches are counted; on any other this is
/// ILGPU's own launcher.
/// </summary>
internal static class KernelLoading
{
    public static Action<KernelConfig, T1> Load<T1>(this ComputeDevice device, Action<T1> kernel)
        where T1 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2> Load<T1, T2>(this ComputeDevice device, Action<T1, T2> kernel)
        where T1 : struct where T2 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3> Load<T1, T2, T3>(this ComputeDevice device, Action<T1, T2, T3> kernel)
        where T1 : struct where T2 : struct where T3 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4> Load<T1, T2, T3, T4>(this ComputeDevice device, Action<T1, T2, T3, T4> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4, T5> Load<T1, T2, T3, T4, T5>(this ComputeDevice device, Action<T1, T2, T3, T4, T5> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6> Load<T1, T2, T3, T4, T5, T6>(this ComputeDevice device, Action<T1, T2, T3, T4, T5, T6> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> Load<T1, T2, T3, T4, T5, T6, T7>(this ComputeDevice device, Action<T1, T2, T3, T4, T5, T6, T7> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Load<T1, T2, T3, T4, T5, T6, T7, T8>(this ComputeDevice device, Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));

    public static Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> Load<T1, T2, T3, T4, T5, T6, T7, T8, T9>(this ComputeDevice device, Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel)
        where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct => device.Counted(device.Accelerator.LoadStreamKernel(kernel));
}
