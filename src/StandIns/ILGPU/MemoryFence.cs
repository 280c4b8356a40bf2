namespace ILGPU;

/// <summary>Orders what a thread writes before the fence, as others see it, before what it writes after.</summary>
public static class MemoryFence
{
    public static void GroupLevel() => Thread.MemoryBarrier();

    public static void DeviceLevel() => Thread.MemoryBarrier();

    public static void SystemLevel() => Thread.MemoryBarrier();
}
