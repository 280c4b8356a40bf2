using System.Diagnostics;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using NativeRlhf.Kernels.Device;
using KernelGroup = ILGPU.Group;

namespace NativeRlhf.Kernels.Tests.Legality;

/// <summary>
/// Kernels that use what is allowed. With the package present they are compiled too, which keeps the rules honest.
/// </summary>
public static class LegalKernels
{
    private const float Half = 0.5f;
    private static readonly float Third = 1f / 3f;

    [Kernel(Grouping.Implicit)]
    public static void Arithmetic(Index1D index, ArrayView<float> view, ArrayView<ushort> narrow, Shape shape)
    {
        float x = view[index];
        long offset = ((long)index.X * shape.Width) + shape.Offset;
        x = (x * Half) + Third + MathF.Exp(x) + XMath.Rsqrt(Math.Abs(x) + 1f) + MathF.Max(x, 0f);
        uint bits = Interop.FloatAsInt(x);
        narrow[index] = (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
        view[offset % view.Length] = float.IsNaN(x) ? 0f : Interop.IntAsFloat((uint)narrow[index] << 16);
    }

    [Kernel(Grouping.Implicit)]
    public static void TwoDimensions(Index2D index, ArrayView1D<int, Stride1D.Dense> view, SpecializedValue<int> width)
    {
        (int x, int y) = (index.X, index.Y);
        view[(y * width) + x] = Swap((x, y)).First;
    }

    [Kernel(Grouping.Implicit)]
    public static void VectorLoads(Index1D index, ArrayView<float> view)
    {
        ArrayView<Quad> quads = view.SubView(0, 8).Cast<Quad>();
        Quad quad = quads[index % 2];
        quads[index % 2] = new Quad(quad.Y, quad.X, quad.W, quad.Z);
    }

    [Kernel(Grouping.Implicit)]
    public static void ChoosesOperation(Index1D index, ArrayView<float> view) =>
        view[index] = Reduce<Maximum>(view[index], 1f) + Reduce<Addition>(view[index], 2f);

    [Kernel(Grouping.Implicit)]
    public static void LocalArrays(Index1D index, ArrayView<float> view)
    {
        ArrayView<float> sums = LocalMemory.Allocate<float>(4);
        for (int i = 0; i < 4; i++)
            sums[i] = i;
        Debug.Assert(index >= 0, "An index is not negative.");
        view[index] = sums[index % 4];
    }

    [Kernel(Grouping.Implicit)]
    public static void Switches(Index1D index, ArrayView<int> view, Color color)
    {
        view[index] = color switch
        {
            Color.Red => 1,
            Color.Green => 20,
            Color.Blue => 300,
            _ => 0,
        };
        Atomic.Add(ref view[0], 1);
    }

    [Kernel(Grouping.Explicit)]
    public static void GroupSum(ArrayView<float> view, int n)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(32);
        int lane = KernelGroup.IdxX;
        float sum = 0f;
        for (int i = lane; i < n; i += KernelGroup.DimX)
            sum += view[i];
        for (int mask = Warp.WarpSize / 2; mask > 0; mask >>= 1)
            sum += Warp.ShuffleXor(sum, mask);
        if (Warp.IsFirstLane)
            shared[Warp.WarpIdx] = sum;
        KernelGroup.Barrier();
        if (KernelGroup.IsFirstThread)
            view[Grid.IdxX] = shared[0];
    }

    [Kernel(Grouping.Explicit)]
    public static void DynamicMemory(ArrayView<float> view)
    {
        ArrayView<float> shared = SharedMemory.GetDynamic<float>();
        shared[KernelGroup.IdxX] = view[Grid.GlobalIndex.X];
        KernelGroup.Barrier();
        view[Grid.GlobalIndex.X] = shared[KernelGroup.DimX - 1 - KernelGroup.IdxX];
    }

    [Kernel(Grouping.Explicit)]
    public static void InlineAssembly(ArrayView<float> view)
    {
        if (!CudaAsm.IsSupported)
            return;
        CudaAsm.Emit("mul.f32 %0, %1, %2;", out float product, view[0], 2f);
        view[0] = product;
    }

    [Kernel(Grouping.Explicit)]
    public static void ConvertsStorage<TTo, TFrom>(ArrayView<byte> to, ArrayView<byte> from)
        where TTo : unmanaged, IElement<TTo>
        where TFrom : unmanaged, IElement<TFrom>
    {
        ArrayView<TTo> target = to.Cast<TTo>();
        target[Grid.GlobalIndex.X] = TTo.Of(2 * from.Cast<TFrom>()[Grid.GlobalIndex.X].Value);
    }

    private static (int First, int Second) Swap((int First, int Second) pair) => (pair.Second, pair.First);

    private static float Reduce<TOperation>(float left, float right)
        where TOperation : struct, IOperation =>
        default(TOperation).Apply(left, right);

    /// <summary>Sizes as one argument.</summary>
    public readonly struct Shape(int width, long offset)
    {
        public int Width { get; } = width;
        public long Offset { get; } = offset;
    }

    /// <summary>Four numbers in one load.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Quad(float x, float y, float z, float w)
    {
        public readonly float X = x, Y = y, Z = z, W = w;
    }

    /// <summary>An enumeration as an argument.</summary>
    public enum Color
    {
        Red,
        Green,
        Blue,
    }

    private interface IOperation
    {
        public float Apply(float left, float right);
    }

    private readonly struct Addition : IOperation
    {
        public float Apply(float left, float right) => left + right;
    }

    private readonly struct Maximum : IOperation
    {
        public float Apply(float left, float right) => MathF.Max(left, right);
    }
}
