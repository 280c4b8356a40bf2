using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using Kernel = System.Action<long, long, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<int>, NativeRlhf.Kernels.Ops.TensorCoreProduct.Sizes>;
using Launcher = System.Action<ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig, long, long, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<ushort>, ILGPU.ArrayView<int>, NativeRlhf.Kernels.Ops.TensorCoreProduct.Sizes>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Products of bfloat16 operands on tensor cores, summed in float32; the result is bfloat16 or float32. Operands of float32 go to the
/// portable kernels, or where <paramref name="isTf32"/> says so to tensor cores too, rounded to tf32. Rows that do not begin at multiples
/// of 16 bytes are copied element by element, which is slower.
/// </summary>
internal class MatMulTensorCore(ComputeDevice device, bool isTf32) : MatMul, IDisposable
{
    private readonly MatMulPortable _portable = new(device);
    private readonly int _threads = MostThreads(device);
    private readonly int _processors = device.Accelerator.NumMultiprocessors;

    // Whose turn it is at every tile of a product that is made in parts; zero before and after each.
    private readonly IndexBuffer _turns = device.AllocateIndices(1024);

    private readonly ByType<Products> _products = new(
        () => new(
            device,
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.RowsRowsTf32Kernel),
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.RowsColumnsTf32Kernel),
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.ColumnsColumnsTf32Kernel)),
        () => new(
            device,
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.RowsRowsKernel),
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.RowsColumnsKernel),
            device.Accelerator.LoadKernel((Kernel)TensorCoreProduct.ColumnsColumnsKernel)));

    public MatMulTensorCore(ComputeDevice device)
        : this(device, isTf32: false)
    {
    }

    /// <summary>Bytes of shared memory that a device has to offer at least.</summary>
    public static int LeastSharedMemory => TensorCoreProduct.SharedBytes(128);

    public void Dispose() => _turns.Dispose();

    private protected override void ForwardCore(
        Tensor y, Tensor x, Tensor weight, Tensor bias, WeightLayout layout, Tensor residual, Tensor activated, ActivationKind kind)
    {
        if (!OnTensorCores(x)) _portable.Forward(y, x, weight, bias, layout, residual, activated, kind);
        else if (layout == WeightLayout.InOut) Launch(_products[x.Type].RowsColumns, y, x, x.Cols, weight, weight.Cols, x.Cols, bias, residual, activated, kind);
        else Launch(_products[x.Type].RowsRows, y, x, x.Cols, weight, weight.Cols, x.Cols, bias, residual, activated, kind);
    }

    private protected override void BackwardInputCore(Tensor dX, Tensor dY, Tensor weight, WeightLayout layout, bool accumulate)
    {
        var residual = accumulate ? dX : default;
        if (!OnTensorCores(dY)) _portable.BackwardInput(dX, dY, weight, layout, accumulate);
        else if (layout == WeightLayout.InOut) Launch(_products[dY.Type].RowsRows, dX, dY, dY.Cols, weight, weight.Cols, dY.Cols, default, residual);
        else Launch(_products[dY.Type].RowsColumns, dX, dY, dY.Cols, weight, weight.Cols, dY.Cols, default, residual);
    }

    private protected override void BackwardWeightCore(Tensor dWeight, Tensor dBias, Tensor x, Tensor dY, WeightLayout layout)
    {
        if (!OnTensorCores(x))
        {
            _portable.BackwardWeight(dWeight, dBias, x, dY, layout);
            return;
        }

        var (a, b) = layout == WeightLayout.InOut ? (x, dY) : (dY, x);
        if (dWeight.Length > 0) Launch(_products[x.Type].ColumnsColumns, dWeight, a, a.Cols, b, b.Cols, a.Rows, default, dWeight);
        _portable.AddColumnSums(dBias, dY);
    }

    private static int MostThreads(ComputeDevice device) => CudaDriver.TensorCoreSharedMemory(device.Accelerator) >= TensorCoreProduct.SharedBytes(256) ? 256 : 128;

    /// <summary>Whether operands of this one's type, which both are, are multiplied here.</summary>
    private bool OnTensorCores(Tensor operand) => isTf32 || operand.Type == ElementType.BFloat16;

    private void Launch(
        Launcher launcher, Tensor y, Tensor a, int aPitch, Tensor b, int bPitch, int inner, Tensor bias, Tensor residual, Tensor activated = default, ActivationKind kind = default)
    {
        Tensor output = y.IsNone ? activated : y;
        // Tiles half as wide where there would not be one of the wide ones for every processor.
        int rowTiles = (output.Rows + TensorCoreProduct.TileRows - 1) / TensorCoreProduct.TileRows;
        int threads = (long)rowTiles * ((output.Cols + 255) / 256) >= _processors ? _threads : 128;
        int tiles = rowTiles * ((output.Cols + threads - 1) / threads);

        // A float32 gradient of few tiles is made in parts of the inner dimension, which is the number of tokens. A bias would be
        // added by each, and f is of the whole sum.
        int depth = TensorCoreProduct.Depth(a.Type.Size()), parts = 1;
        if (y.Type == ElementType.Float32 && bias.IsNone && activated.IsNone && !residual.IsNone && residual.Bytes.Equals(y.Bytes) && tiles < _processors)
            parts = Math.Clamp(2 * _processors / tiles, 1, Math.Max(1, inner / (8 * depth)));
        int perPart = (((inner + parts - 1) / parts) + depth - 1) / depth * depth;
        parts = Math.Max(1, (inner + perPart - 1) / perPart);
        if (parts > 1 && _turns.Length < tiles) _turns.Set(new int[tiles]);

        long aPlace = Address(a), bPlace = Address(b);
        int flags = Flag(output, TensorCoreProduct.FloatOutput) | Flag(bias, TensorCoreProduct.FloatBias) | Flag(residual, TensorCoreProduct.FloatResidual)
            | (IsAligned(aPlace, aPitch, a.Type) ? TensorCoreProduct.AlignedA : 0) | (IsAligned(bPlace, bPitch, b.Type) ? TensorCoreProduct.AlignedB : 0);
        var config = new KernelConfig(new Index2D(tiles, parts), new Index2D(threads, 1), SharedMemoryConfig.RequestDynamic<byte>(TensorCoreProduct.SharedBytes(threads)));
        launcher(
            device.Accelerator.DefaultStream, config, aPlace, bPlace, Elements(y), Elements(activated), Elements(bias), Elements(residual), _turns.View,
            new TensorCoreProduct.Sizes(output.Rows, output.Cols, inner, aPitch, bPitch, parts, perPart, flags, (int)kind));
    }

    private static int Flag(Tensor tensor, int flag) => !tensor.IsNone && tensor.Type == ElementType.Float32 ? flag : 0;

    private static bool IsAligned(long address, int pitch, ElementType type) => address % TensorCore.ChunkBytes == 0 && pitch * (long)type.Size() % TensorCore.ChunkBytes == 0;

    private static unsafe long Address(Tensor tensor) => (long)tensor.Bytes.Pointer();

    private static ArrayView<ushort> Elements(Tensor tensor) => tensor.IsNone ? default : tensor.Bytes.Cast<ushort>();

    /// <summary>The three kernels for one type of operands, which may use as much shared memory as their blocks are wide.</summary>
    private sealed class Products
    {
        public Products(ComputeDevice device, Launcher rowsRows, Launcher rowsColumns, Launcher columnsColumns)
        {
            foreach (var launcher in new[] { rowsRows, rowsColumns, columnsColumns }) CudaDriver.AllowSharedMemory(launcher, TensorCoreProduct.SharedBytes(MostThreads(device)));
            (RowsRows, RowsColumns, ColumnsColumns) = (device.Counted(rowsRows), device.Counted(rowsColumns), device.Counted(columnsColumns));
        }

        public Launcher RowsRows { get; }

        public Launcher RowsColumns { get; }

        public Launcher ColumnsColumns { get; }
    }
}

/// <summary>As <see cref="MatMulTensorCore"/>, with operands of float32 rounded to tf32: by choice alone, as it is 2⁻¹¹ an operand off.</summary>
internal sealed class MatMulTf32(ComputeDevice device) : MatMulTensorCore(device, isTf32: true);
