using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One kernel for each direction, four elements at a time; the kind is the same for all threads, so that they do not diverge.</summary>
internal sealed class ActivationPortable(ComputeDevice device) : Activation
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly ByType<Action<KernelConfig, Bytes, Bytes, int, int>> _forward = new(
        () => device.Load<Bytes, Bytes, int, int>(ForwardKernel<Float32>),
        () => device.Load<Bytes, Bytes, int, int>(ForwardKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Bytes, Bytes, Bytes, int, int>> _backward = new(
        () => device.Load<Bytes, Bytes, Bytes, int, int>(BackwardKernel<Float32>),
        () => device.Load<Bytes, Bytes, Bytes, int, int>(BackwardKernel<BFloat16>));

    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind) =>
        _forward[x.Type](_size.Elements((x.Length + 3) / 4), y.Bytes, x.Bytes, (int)kind, y.HasQuads && x.HasQuads ? 1 : 0);

    private protected override void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind) =>
        _backward[x.Type](_size.Elements((x.Length + 3) / 4), dX.Bytes, dY.Bytes, x.Bytes, (int)kind, dX.HasQuads && dY.HasQuads && x.HasQuads ? 1 : 0);

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(Bytes yBytes, Bytes xBytes, int kind, int hasQuads)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> y = yBytes.Cast<T>(), x = xBytes.Cast<T>();
        for (long i = 4 * ElementLoop.First; i < x.Length; i += 4 * ElementLoop.Step)
        {
            int count = (int)Math.Min(4, x.Length - i);
            Tile.StoreQuad(y, i, count, hasQuads != 0, Values(Tile.Quad(x, i, count, hasQuads != 0), kind));
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void BackwardKernel<T>(Bytes dXBytes, Bytes dYBytes, Bytes xBytes, int kind, int hasQuads)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> dX = dXBytes.Cast<T>(), dY = dYBytes.Cast<T>(), x = xBytes.Cast<T>();
        for (long i = 4 * ElementLoop.First; i < x.Length; i += 4 * ElementLoop.Step)
        {
            int count = (int)Math.Min(4, x.Length - i);
            Float4 v = Tile.Quad(x, i, count, hasQuads != 0), g = Tile.Quad(dY, i, count, hasQuads != 0);
            Tile.StoreQuad(dX, i, count, hasQuads != 0, new Float4(
                g.X * Derivative(v.X, kind), g.Y * Derivative(v.Y, kind), g.Z * Derivative(v.Z, kind), g.W * Derivative(v.W, kind)));
        }
    }

    /// <summary>f of four elements.</summary>
    internal static Float4 Values(Float4 x, int kind) => new(Value(x.X, kind), Value(x.Y, kind), Value(x.Z, kind), Value(x.W, kind));

    private static float Value(float x, int kind)
    {
        if (kind == (int)ActivationKind.GeluTanh) return KernelMath.GeluTanh(x);
        if (kind == (int)ActivationKind.GeluExact) return KernelMath.GeluExact(x);
        return x < 0 ? 0 : x;
    }

    private static float Derivative(float x, int kind)
    {
        if (kind == (int)ActivationKind.GeluTanh) return KernelMath.GeluTanhDerivative(x);
        if (kind == (int)ActivationKind.GeluExact) return KernelMath.GeluExactDerivative(x);
        return x > 0 ? 1 : 0;
    }
}
