using ILGPU;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;
using Floats = ILGPU.ArrayView<float>;
using Quads = ILGPU.ArrayView<NativeRlhf.Kernels.Device.Float4>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// One group a row, four columns a thread at a time. The gradients of weight and bias are sums down the columns: of blocks of rows, which a
/// second kernel adds in order, so that there are groups enough to read at the speed of the memory.
/// </summary>
internal sealed class LayerNormPortable(ComputeDevice device) : LayerNorm, IDisposable
{
    // Rows that a lane of a block adds up.
    private const int RowsPerLane = 16;

    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly Scratch<Float4> _partials = new(device, "partial sums of layer norms");

    private readonly ByType<Action<KernelConfig, Bytes, Floats, Floats, Floats, Floats, Floats, float, Shape>> _forward = new(
        () => device.Load<Bytes, Floats, Floats, Floats, Floats, Floats, float, Shape>(ForwardKernel<Float32>),
        () => device.Load<Bytes, Floats, Floats, Floats, Floats, Floats, float, Shape>(ForwardKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Floats, Bytes, Floats, Floats, Floats, Floats, Shape>> _input = new(
        () => device.Load<Floats, Bytes, Floats, Floats, Floats, Floats, Shape>(InputGradientKernel<Float32>),
        () => device.Load<Floats, Bytes, Floats, Floats, Floats, Floats, Shape>(InputGradientKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Floats, Floats, Quads, Bytes, Floats, Floats, Floats, Shape>> _parameters = new(
        () => device.Load<Floats, Floats, Quads, Bytes, Floats, Floats, Floats, Shape>(ParameterGradientKernel<Float32>),
        () => device.Load<Floats, Floats, Quads, Bytes, Floats, Floats, Floats, Shape>(ParameterGradientKernel<BFloat16>));

    private readonly Action<KernelConfig, Floats, Floats, Quads, int, Shape> _addPartials =
        device.Load<Floats, Floats, Quads, int, Shape>(AddPartialsKernel);

    public void Dispose() => _partials.Dispose();

    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon)
    {
        var shape = new Shape(x.Rows, x.Cols, y.HasQuads && x.HasQuads && weight.StartsAtQuad && bias.StartsAtQuad);
        _forward[y.Type](_size.Groups(x.Rows), y.Bytes, mean.View, rstd.View, x.View, weight.View, bias.View, epsilon, shape);
    }

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        if (x.Cols == 0) return;
        var shape = new Shape(x.Rows, x.Cols, dX.HasQuads && dY.HasQuads && x.HasQuads && weight.StartsAtQuad && dWeight.StartsAtQuad && dBias.StartsAtQuad);
        if (!dWeight.IsNone)
        {
            int block = RowsPerLane * _size.Lanes, blocks = (x.Rows + block - 1) / block;
            var partials = blocks == 1 ? default : _partials.Take(2L * blocks * shape.Quads);
            _parameters[dY.Type](_size.Columns(shape.Quads, blocks), dWeight.View, dBias.View, partials, dY.Bytes, x.View, mean.View, rstd.View, shape);
            if (blocks > 1) _addPartials(_size.Elements(2L * shape.Quads), dWeight.View, dBias.View, partials, blocks, shape);
        }

        _input[dY.Type](_size.Groups(x.Rows), dX.View, dY.Bytes, x.View, mean.View, rstd.View, weight.View, shape);
    }

    /// <summary>N, C, and whether all rows are aligned to four elements.</summary>
    internal readonly struct Shape(int rows, int cols, bool hasQuads)
    {
        public readonly int Rows = rows, Cols = cols, HasQuads = hasQuads ? 1 : 0;

        /// <summary>Quads of a row; the last may not be whole.</summary>
        public int Quads => (Cols + 3) / 4;
    }

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(
        Bytes yBytes, Floats mean, Floats rstd, Floats xFloats, Floats weightFloats, Floats biasFloats, float epsilon, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var y = yBytes.Cast<T>();
        ArrayView<Float32> x = xFloats.Cast<Float32>(), weight = weightFloats.Cast<Float32>(), bias = biasFloats.Cast<Float32>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared4 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX, cols = shape.Cols;
        bool hasQuads = shape.HasQuads != 0;
        long origin = (long)row * cols;
        float sum = 0;
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX) sum += Tile.Quad(x, origin + c, cols - c, hasQuads).Sum;
        float rough = GroupReduce.Sum(shared, sum) / cols;

        // Where the mean is large against the deviations, the sum has lost digits of it that the deviations still show.
        float deviations = 0, squares = 0;
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX)
        {
            var deviation = Tile.Quad(x, origin + c, cols - c, hasQuads).Plus(-rough).First(cols - c);
            deviations += deviation.Sum;
            squares += deviation.Times(deviation).Sum;
        }

        var sums = GroupReduce.Sum(shared4, new Float4(deviations, squares, 0, 0));
        float correction = sums.X / cols, mu = rough + correction;
        float r = 1 / MathF.Sqrt(MathF.Max((sums.Y / cols) - (correction * correction), 0) + epsilon);
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX)
        {
            var normalized = Tile.Quad(x, origin + c, cols - c, hasQuads).Plus(-rough).Plus(-correction).Times(r);
            var shift = Tile.Quad(bias, c, cols - c, hasQuads);
            Tile.StoreQuad(y, origin + c, cols - c, hasQuads, shift.Add(1, normalized.Times(Tile.Quad(weight, c, cols - c, hasQuads))));
        }

        if (Group.IdxX == 0)
        {
            mean[row] = mu;
            rstd[row] = r;
        }
    }

    /// <summary>With g = dY·weight: dX += rstd·(g − mean(g) − x̂·mean(g·x̂)).</summary>
    [Kernel(Grouping.Explicit)]
    private static void InputGradientKernel<T>(
        Floats dXFloats, Bytes dYBytes, Floats xFloats, Floats mean, Floats rstd, Floats weightFloats, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var dY = dYBytes.Cast<T>();
        ArrayView<Float32> dX = dXFloats.Cast<Float32>(), x = xFloats.Cast<Float32>(), weight = weightFloats.Cast<Float32>();
        var shared = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX, cols = shape.Cols;
        bool hasQuads = shape.HasQuads != 0;
        long origin = (long)row * cols;
        float mu = mean[row], r = rstd[row], sum = 0, product = 0;
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX)
        {
            var g = Tile.Quad(dY, origin + c, cols - c, hasQuads).Times(Tile.Quad(weight, c, cols - c, hasQuads));
            sum += g.Sum;
            product += g.Times(Tile.Quad(x, origin + c, cols - c, hasQuads).Plus(-mu).Times(r)).Sum;
        }

        var sums = GroupReduce.Sum(shared, new Float4(sum, product, 0, 0));
        float meanG = sums.X / cols, meanProduct = sums.Y / cols;
        for (int c = 4 * Group.IdxX; c < cols; c += 4 * Group.DimX)
        {
            var g = Tile.Quad(dY, origin + c, cols - c, hasQuads).Times(Tile.Quad(weight, c, cols - c, hasQuads));
            var normalized = Tile.Quad(x, origin + c, cols - c, hasQuads).Plus(-mu).Times(r);
            Tile.StoreQuad(dX, origin + c, cols - c, hasQuads, Tile.Quad(dX, origin + c, cols - c, hasQuads).Add(r, g.Plus(-meanG).Add(-meanProduct, normalized)));
        }
    }

    /// <summary>dWeight += Σₙ dY·x̂; dBias += Σₙ dY. With several blocks of rows, along Y of the grid, their sums go to the partials.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ParameterGradientKernel<T>(
        Floats dWeight, Floats dBias, Quads partials, Bytes dYBytes, Floats xFloats, Floats mean, Floats rstd, Shape shape)
        where T : unmanaged, IElement<T>
    {
        var dY = dYBytes.Cast<T>();
        var x = xFloats.Cast<Float32>();
        var shared = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        var shared2 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int quad = (Grid.IdxX * Group.DimX) + Group.IdxX, c = 4 * quad, cols = shape.Cols;
        int first = Grid.IdxY * RowsPerLane * Group.DimY, end = Math.Min(shape.Rows, first + (RowsPerLane * Group.DimY));
        bool hasQuads = shape.HasQuads != 0;
        Float4 weightSum = default, biasSum = default;
        if (c < cols)
        {
            for (int n = first + Group.IdxY; n < end; n += Group.DimY)
            {
                long place = ((long)n * cols) + c;
                var gradient = Tile.Quad(dY, place, cols - c, hasQuads);
                biasSum = biasSum.Add(1, gradient);
                weightSum = weightSum.Add(1, gradient.Times(Tile.Quad(x, place, cols - c, hasQuads).Plus(-mean[n]).Times(rstd[n])));
            }
        }

        weightSum = GroupReduce.SumLanes(shared, weightSum);
        biasSum = GroupReduce.SumLanes(shared2, biasSum);
        if (Group.IdxY != 0 || c >= cols) return;
        if (Grid.DimY == 1)
        {
            AddQuad(dWeight, weightSum, quad, shape);
            AddQuad(dBias, biasSum, quad, shape);
        }
        else
        {
            long place = (2L * Grid.IdxY * shape.Quads) + quad;
            partials[place] = weightSum;
            partials[place + shape.Quads] = biasSum;
        }
    }

    /// <summary>Adds the partials of all blocks in order.</summary>
    [Kernel(Grouping.Explicit)]
    private static void AddPartialsKernel(Floats dWeight, Floats dBias, Quads partials, int blocks, Shape shape)
    {
        for (long i = ElementLoop.First; i < 2 * shape.Quads; i += ElementLoop.Step)
        {
            var sum = partials[i];
            for (int b = 1; b < blocks; b++) sum = sum.Add(1, partials[(2L * b * shape.Quads) + i]);
            if (i < shape.Quads) AddQuad(dWeight, sum, (int)i, shape);
            else AddQuad(dBias, sum, (int)i - shape.Quads, shape);
        }
    }

    private static void AddQuad(Floats target, Float4 sum, int quad, Shape shape)
    {
        var floats = target.Cast<Float32>();
        int c = 4 * quad, count = shape.Cols - c;
        Tile.StoreQuad(floats, c, count, shape.HasQuads != 0, Tile.Quad(floats, c, count, shape.HasQuads != 0).Add(1, sum));
    }
}
