using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One group a row, one thread for each four elements: those that share a block of the generator.</summary>
internal sealed class DropoutPortable(ComputeDevice device) : Dropout
{
    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly ByType<Action<KernelConfig, Bytes, ArrayView<float>, Bytes, int, ulong, uint, ulong, float, float>> _forward = new(
        () => device.Load<Bytes, ArrayView<float>, Bytes, int, ulong, uint, ulong, float, float>(ForwardKernel<Float32>),
        () => device.Load<Bytes, ArrayView<float>, Bytes, int, ulong, uint, ulong, float, float>(ForwardKernel<BFloat16>));

    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual)
    {
        ulong blocks = ((ulong)x.Cols + 3) / 4, first = ((ulong)key.Step << 32) + (key.FirstRow * blocks);
        _forward[y.Type](_size.Groups(x.Rows), y.Bytes, x.View, residual.Bytes, x.Cols, key.Seed, key.Stream, first, key.Probability, 1 / (1 - key.Probability));
    }

    /// <param name="yBytes">y (N, C) =</param>
    /// <param name="x">x (N, C)</param>
    /// <param name="residualBytes">residual (N, C), or empty</param>
    /// <param name="cols">C</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which mask.</param>
    /// <param name="first">The position of the first block of row 0.</param>
    /// <param name="probability">p</param>
    /// <param name="scale">1/(1 − p)</param>
    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(
        Bytes yBytes, ArrayView<float> x, Bytes residualBytes, int cols, ulong seed, uint stream, ulong first, float probability, float scale)
        where T : unmanaged, IElement<T>
    {
        ArrayView<T> y = yBytes.Cast<T>(), residual = residualBytes.Cast<T>();
        int blocks = (cols + 3) / 4;
        long origin = (long)Grid.IdxX * cols;
        for (int block = Group.IdxX; block < blocks; block += Group.DimX)
        {
            var words = Philox.At(seed, RandomPurpose.Dropout, stream, first + ((ulong)Grid.IdxX * (ulong)blocks) + (ulong)block);
            int c = 4 * block;
            Drop(y, x, residual, origin + c, words.X, probability, scale);
            if (c + 1 < cols) Drop(y, x, residual, origin + c + 1, words.Y, probability, scale);
            if (c + 2 < cols) Drop(y, x, residual, origin + c + 2, words.Z, probability, scale);
            if (c + 3 < cols) Drop(y, x, residual, origin + c + 3, words.W, probability, scale);
        }
    }

    private static void Drop<T>(
        ArrayView<T> y, ArrayView<float> x, ArrayView<T> residual, long i, uint word, float probability, float scale)
        where T : unmanaged, IElement<T>
    {
        float value = Philox.ToUniform(word) >= probability ? x[i] * scale : 0;
        if (residual.Length > 0) value += residual[i].Value;
        y[i] = T.Of(value);
    }
}
