using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One kernel for each direction; the kind is the same for all threads, so that they do not diverge.</summary>
internal sealed class ActivationPortable(ComputeDevice device) : Activation
{
    private readonly LaunchSize _size = new(device.Accelerator);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int> _forward =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int>(ForwardKernel);

    private readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int> _backward =
        device.Accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(BackwardKernel);

    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind) =>
        _forward(_size.Elements(x.Length), y.View, x.View, (int)kind);

    private protected override void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind) =>
        _backward(_size.Elements(x.Length), dX.View, dY.View, x.View, (int)kind);

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel(ArrayView<float> y, ArrayView<float> x, int kind)
    {
        for (long i = ElementLoop.First; i < x.Length; i += ElementLoop.Step)
        {
            float v = x[i];
            if (kind == (int)ActivationKind.GeluTanh) v = KernelMath.GeluTanh(v);
            else if (kind == (int)ActivationKind.GeluExact) v = KernelMath.GeluExact(v);
            else v = v < 0 ? 0 : v;
            y[i] = v;
        }
    }

    [Kernel(Grouping.Explicit)]
    private static void BackwardKernel(ArrayView<float> dX, ArrayView<float> dY, ArrayView<float> x, int kind)
    {
        for (long i = ElementLoop.First; i < x.Length; i += ElementLoop.Step)
        {
            float v = x[i], derivative;
            if (kind == (int)ActivationKind.GeluTanh) derivative = KernelMath.GeluTanhDerivative(v);
            else if (kind == (int)ActivationKind.GeluExact) derivative = KernelMath.GeluExactDerivative(v);
            else derivative = v > 0 ? 1 : 0;
            dX[i] = dY[i] * derivative;
        }
    }
}
