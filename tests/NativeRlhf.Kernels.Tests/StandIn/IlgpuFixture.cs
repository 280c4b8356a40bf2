using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace NativeRlhf.Kernels.Tests.StandIn;

/// <summary>
/// The tests in this folder say what kernels rely on. They hold for the package's CPU accelerator as well as for the
/// stand-in's, except where a test says that the package ends the process instead.
/// </summary>
public abstract class IlgpuFixture
{
    protected const int WarpSize = 8;

    /// <summary>Whether the package is in use, and not the stand-in.</summary>
    protected static bool IsPackage => typeof(Context).Assembly.GetName().Name == "ILGPU";

    protected Context Context { get; private set; } = null!;
    protected Accelerator Accelerator { get; private set; } = null!;

    [OneTimeSetUp]
    public void CreateAccelerator()
    {
        Context = Context.Create(builder => builder.CPU(new CPUDevice(WarpSize, 4, 1)).EnableAlgorithms().Profiling());
        Accelerator = Context.GetCPUDevice(0).CreateAccelerator(Context);
    }

    [OneTimeTearDown]
    public void DisposeAccelerator()
    {
        Accelerator.Dispose();
        Context.Dispose();
    }

    protected static void RequireStandIn()
    {
        if (IsPackage)
            Assert.Ignore("The package's CPU accelerator ends the process here.");
    }

    protected T[] Run<T>(int length, Action<MemoryBuffer1D<T, Stride1D.Dense>> launch)
        where T : unmanaged
    {
        using MemoryBuffer1D<T, Stride1D.Dense> buffer = Accelerator.Allocate1D<T>(length);
        buffer.MemSetToZero();
        launch(buffer);
        Accelerator.Synchronize();
        return buffer.GetAsArray1D();
    }
}
