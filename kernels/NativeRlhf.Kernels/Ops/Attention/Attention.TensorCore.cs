using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using ForwardLauncher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, long, ILGPU.ArrayView<ushort>, long, ILGPU.ArrayView<int>, NativeRlhf.Kernels.Ops.TensorCoreAttention.Batch>;
using GradientLauncher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, ILGPU.ArrayView<ushort>, long, long, long, long, ILGPU.ArrayView<int>, NativeRlhf.Kernels.Ops.TensorCoreAttention.Batch>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention on tensor cores for bfloat16 at head sizes 32, 64 and 128, with lse in float32; everything else, and sequences that
/// continue others, goes to the portable kernels.
/// </summary>
internal sealed class AttentionTensorCore : Attention
{
    private readonly ComputeDevice _device;
    private readonly AttentionPortable _portable;
    private readonly int _sharedMemory;
    private readonly Action<KernelConfig, ArrayView<ushort>, ArrayView<ushort>, ArrayView<ushort>, int, int, int> _deltas;
    private readonly Dictionary<int, (ForwardLauncher Forward, GradientLauncher Keys, GradientLauncher Queries)> _launchers = [];

    public AttentionTensorCore(ComputeDevice device)
    {
        _device = device;
        _portable = new AttentionPortable(device);
        _sharedMemory = CudaDriver.TensorCoreSharedMemory(device.Accelerator);
        _deltas = device.Load<ArrayView<ushort>, ArrayView<ushort>, ArrayView<ushort>, int, int, int>(TensorCoreAttention.DeltaKernel);
    }

    private protected override void ForwardCore(Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int headSize = y.Cols / heads;
        if (layout.HasPrefixes || !Fits(headSize, y, qkv, lse))
        {
            _portable.Forward(y, lse, qkv, layout, heads);
            return;
        }

        Launchers(headSize).Forward(
            _device.Accelerator.DefaultStream, Config(y.Rows, heads, TensorCoreAttention.ForwardBytes(headSize)), Address(qkv), Elements(y), Address(lse),
            layout.RowStarts.View, Batch(layout, headSize));
    }

    private protected override void BackwardCore(Tensor dQkv, Tensor dY, Tensor y, Tensor lse, Tensor qkv, SequenceLayout layout, int heads)
    {
        int headSize = y.Cols / heads;
        if (layout.HasPrefixes || !Fits(headSize, y, qkv, lse) || dQkv.Type != ElementType.BFloat16 || dY.Type != ElementType.BFloat16)
        {
            _portable.Backward(dQkv, dY, y, lse, qkv, layout, heads);
            return;
        }

        var (_, keys, queries) = Launchers(headSize);
        var stream = _device.Accelerator.DefaultStream;
        var config = Config(y.Rows, heads, TensorCoreAttention.BackwardBytes(headSize));
        const int group = TensorCoreAttention.Threads;
        int groups = checked((int)(((y.Length / 8) + group - 1) / group));
        _deltas(new KernelConfig(new Index1D(groups), new Index1D(group)), Elements(dQkv), Elements(dY), Elements(y), y.Rows, heads, headSize);
        keys(stream, config, Elements(dQkv), Address(dQkv), Address(dY), Address(lse), Address(qkv), layout.Offsets.View, Batch(layout, headSize));
        queries(stream, config, Elements(dQkv), Address(dQkv), Address(dY), Address(lse), Address(qkv), layout.RowStarts.View, Batch(layout, headSize));
    }

    private bool Fits(int headSize, Tensor y, Tensor qkv, Tensor lse) =>
        TensorCoreAttention.Supports(headSize) && TensorCoreAttention.BackwardBytes(headSize) <= _sharedMemory
        && y.Type == ElementType.BFloat16 && qkv.Type == ElementType.BFloat16 && lse.Type == ElementType.Float32;

    private static TensorCoreAttention.Batch Batch(SequenceLayout layout, int headSize) => new(layout.Rows, layout.Sequences, (float)(1 / Math.Sqrt(headSize)));

    private static KernelConfig Config(int rows, int heads, int bytes) => new(
        new Index2D((rows + TensorCoreAttention.OwnRows - 1) / TensorCoreAttention.OwnRows, heads), new Index2D(TensorCoreAttention.Threads, 1),
        SharedMemoryConfig.RequestDynamic<byte>(bytes));

    private static unsafe long Address(Tensor tensor) => (long)tensor.Bytes.Pointer();

    private static ArrayView<ushort> Elements(Tensor tensor) => tensor.Bytes.Cast<ushort>();

    // Loaded when a head size is first met: a model has one.
    private (ForwardLauncher Forward, GradientLauncher Keys, GradientLauncher Queries) Launchers(int headSize)
    {
        if (_launchers.TryGetValue(headSize, out var found)) return found;
        var made = headSize switch
        {
            32 => Load32(),
            64 => Load64(),
            _ => Load128(),
        };
        CudaDriver.AllowSharedMemory(made.Forward, TensorCoreAttention.ForwardBytes(headSize));
        CudaDriver.AllowSharedMemory(made.Keys, TensorCoreAttention.BackwardBytes(headSize));
        CudaDriver.AllowSharedMemory(made.Queries, TensorCoreAttention.BackwardBytes(headSize));
        return _launchers[headSize] = (_device.Counted(made.Forward), _device.Counted(made.Keys), _device.Counted(made.Queries));
    }

    private (ForwardLauncher Forward, GradientLauncher Keys, GradientLauncher Queries) Load32() => (
        _device.Accelerator.LoadKernel<long, ArrayView<ushort>, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Forward32Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Keys32Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Queries32Kernel));

    private (ForwardLauncher Forward, GradientLauncher Keys, GradientLauncher Queries) Load64() => (
        _device.Accelerator.LoadKernel<long, ArrayView<ushort>, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Forward64Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Keys64Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Queries64Kernel));

    private (ForwardLauncher Forward, GradientLauncher Keys, GradientLauncher Queries) Load128() => (
        _device.Accelerator.LoadKernel<long, ArrayView<ushort>, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Forward128Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Keys128Kernel),
        _device.Accelerator.LoadKernel<ArrayView<ushort>, long, long, long, long, ArrayView<int>, TensorCoreAttention.Batch>(TensorCoreAttention.Queries128Kernel));
}
