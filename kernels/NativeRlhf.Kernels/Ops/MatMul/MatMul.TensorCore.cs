using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using Launcher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, long, long, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<int>, NativeRlhf.Kernels.Ops.TensorCoreProduct.Sizes>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Products of bfloat16 operands on tensor cores, summed in float32; the result is bfloat16 or float32. Operands of float32 go to the
/// portable kernels. Rows that do not begin at multiples of 16 bytes are copied element by element, which is slower.
/// </summary>
internal sealed class MatMulTensorCore : MatMul, IDisposable
{
    private readonly ComputeDevice _device;
    private readonly MatMulPortable _portable;
    private readonly LaunchSize _size;
    private readonly int _threads, _processors;
    private readonly Launcher _rowsRows, _rowsColumns, _columnsColumns;
    private readonly Action<KernelConfig, ArrayView<ushort>, ArrayView<ushort>, int, int, int> _addColumnSums;

    // Whose turn it is at every tile of a product that is made in parts; zero before and after each.
    private readonly IndexBuffer _turns;

    public MatMulTensorCore(ComputeDevice device)
    {
        _device = device;
        _portable = new MatMulPortable(device);
        var accelerator = device.Accelerator;
        _size = new LaunchSize(accelerator);
        _processors = accelerator.NumMultiprocessors;
        _turns = device.AllocateIndices(1024);
        _rowsRows = accelerator.LoadKernel<long, long, ArrayView<ushort>, ArrayView<ushort>, ArrayView<ushort>, ArrayView<int>, TensorCoreProduct.Sizes>(TensorCoreProduct.RowsRowsKernel);
        _rowsColumns = accelerator.LoadKernel<long, long, ArrayView<ushort>, ArrayView<ushort>, ArrayView<ushort>, ArrayView<int>, TensorCoreProduct.Sizes>(TensorCoreProduct.RowsColumnsKernel);
        _columnsColumns = accelerator.LoadKernel<long, long, ArrayView<ushort>, ArrayView<ushort>, ArrayView<ushort>, ArrayView<int>, TensorCoreProduct.Sizes>(TensorCoreProduct.ColumnsColumnsKernel);
        _addColumnSums = accelerator.LoadStreamKernel<ArrayView<ushort>, ArrayView<ushort>, int, int, int>(ColumnSumsKernel);
        _threads = CudaDriver.TensorCoreSharedMemory(accelerator) >= TensorCoreProduct.SharedBytes(256) ? 256 : 128;
        foreach (var launcher in new[] { _rowsRows, _rowsColumns, _columnsColumns }) CudaDriver.AllowSharedMemory(launcher, TensorCoreProduct.SharedBytes(_threads));
    }

    /// <summary>Bytes of shared memory that a device has to offer at least.</summary>
    public static int LeastSharedMemory => TensorCoreProduct.SharedBytes(128);

    public void Dispose() => _turns.Dispose();

    private protected override void ForwardCore(Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual)
    {
        if (!AreBFloat16(x, weight)) _portable.Forward(y, x, weight, bias, layout, residual);
        else if (layout == WeightLayout.InOut) Launch(_rowsColumns, y, x, x.Cols, weight, weight.Cols, x.Cols, bias, residual);
        else Launch(_rowsRows, y, x, x.Cols, weight, weight.Cols, x.Cols, bias, residual);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate)
    {
        var residual = accumulate ? dX : default;
        if (!AreBFloat16(dY, weight)) _portable.BackwardInput(dX, dY, weight, layout, accumulate);
        else if (layout == WeightLayout.InOut) Launch(_rowsRows, dX, dY, dY.Cols, weight, weight.Cols, dY.Cols, default, residual);
        else Launch(_rowsColumns, dX, dY, dY.Cols, weight, weight.Cols, dY.Cols, default, residual);
    }

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        if (!AreBFloat16(x, dY))
        {
            _portable.BackwardWeight(dWeight, dBias, x, dY, layout);
            return;
        }

        var (a, b) = layout == WeightLayout.InOut ? (x, dY) : (dY, x);
        if (dWeight.Length > 0) Launch(_columnsColumns, dWeight, a, a.Cols, b, b.Cols, a.Rows, default, dWeight);
        if (!dBias.IsNone && dY.Cols > 0)
            _addColumnSums(_size.Columns(dY.Cols), Elements(dBias), Elements(dY), dY.Rows, dY.Cols, dBias.Type == ElementType.Float32 ? 1 : 0);
    }

    private static bool AreBFloat16(Tensor a, Tensor b) => a.Type == ElementType.BFloat16 && b.Type == ElementType.BFloat16;

    private void Launch(Launcher launcher, Tensor y, Tensor a, int aPitch, Tensor b, int bPitch, int inner, Tensor bias, Tensor residual)
    {
        // Tiles half as wide where there would not be one of the wide ones for every processor.
        int rowTiles = (y.Rows + TensorCoreProduct.TileRows - 1) / TensorCoreProduct.TileRows;
        int threads = (long)rowTiles * ((y.Cols + 255) / 256) >= _processors ? _threads : 128;
        int tiles = rowTiles * ((y.Cols + threads - 1) / threads);

        // A float32 gradient of few tiles is made in parts of the inner dimension, which is the number of tokens.
        int parts = 1;
        if (y.Type == ElementType.Float32 && !residual.IsNone && residual.Bytes.Equals(y.Bytes) && tiles < _processors)
            parts = Math.Clamp(2 * _processors / tiles, 1, Math.Max(1, inner / (8 * TensorCoreProduct.Depth)));
        int perPart = (((inner + parts - 1) / parts) + TensorCoreProduct.Depth - 1) / TensorCoreProduct.Depth * TensorCoreProduct.Depth;
        parts = Math.Max(1, (inner + perPart - 1) / perPart);
        if (parts > 1 && _turns.Length < tiles) _turns.Set(new int[tiles]);

        long aPlace = Address(a), bPlace = Address(b);
        int flags = Flag(y, TensorCoreProduct.FloatOutput) | Flag(bias, TensorCoreProduct.FloatBias) | Flag(residual, TensorCoreProduct.FloatResidual)
            | (IsAligned(aPlace, aPitch) ? TensorCoreProduct.AlignedA : 0) | (IsAligned(bPlace, bPitch) ? TensorCoreProduct.AlignedB : 0);
        var config = new KernelConfig(new Index2D(tiles, parts), new Index2D(threads, 1), SharedMemoryConfig.RequestDynamic<byte>(TensorCoreProduct.SharedBytes(threads)));
        launcher(
            _device.Accelerator.DefaultStream, config, aPlace, bPlace, Elements(y), Elements(bias), Elements(residual), _turns.View,
            new TensorCoreProduct.Sizes(y.Rows, y.Cols, inner, aPitch, bPitch, parts, perPart, flags));
    }

    private static int Flag(Tensor tensor, int flag) => !tensor.IsNone && tensor.Type == ElementType.Float32 ? flag : 0;

    private static bool IsAligned(long address, int pitch) => address % TensorCore.ChunkBytes == 0 && pitch % (TensorCore.ChunkBytes / 2) == 0;

    private static unsafe long Address(Tensor tensor) => (long)tensor.Bytes.Pointer();

    private static ArrayView<ushort> Elements(Tensor tensor) => tensor.IsNone ? default : tensor.Bytes.Cast<ushort>();

    /// <summary>sums[c] += Σₙ x[n, c], x in bfloat16.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ColumnSumsKernel(ArrayView<ushort> sums, ArrayView<ushort> x, int rows, int cols, int floatSums)
    {
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int c = (Grid.IdxX * Group.DimX) + Group.IdxX;
        float sum = 0;
        if (c < cols)
        {
            for (int n = Group.IdxY; n < rows; n += Group.DimY) sum += BFloat16Bits.Widen(x[((long)n * cols) + c]);
        }

        sum = GroupReduce.SumLanes(shared, sum);
        if (Group.IdxY != 0 || c >= cols) return;
        if (floatSums != 0) sums.Cast<float>()[c] += sum;
        else sums[c] = BFloat16Bits.Round(BFloat16Bits.Widen(sums[c]) + sum);
    }
}
