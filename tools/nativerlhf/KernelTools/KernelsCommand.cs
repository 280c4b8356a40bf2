using System.CommandLine;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Lists, proves, times and explains kernels on the device that is there.</summary>
internal static class KernelsCommand
{
    public static Command Create() => new("kernels", """
        Lists, proves, times and explains the kernels on whatever device is there.

        Example:  nativerlhf kernels verify --op matmul
        """)
    {
        KernelList.Create(),
        KernelVerification.Create(),
        KernelBench.Create(),
        KernelCompilation.Create(),
        StepProfile.Create(),
    };
}
