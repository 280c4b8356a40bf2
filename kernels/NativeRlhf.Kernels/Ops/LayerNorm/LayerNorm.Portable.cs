using ILGPU;
using ILGPU.Runtime;
using NativeRlhf.Kernels.Device;
using Bytes = ILGPU.ArrayView<byte>;
using Floats = ILGPU.ArrayView<float>;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One group a row; the gradients of weight and bias by sums down the columns.</summary>
internal sealed class LayerNormPortable(ComputeDevice device) : LayerNorm
{
    private readonly LaunchSize _size = new(device.Accelerator, 128);

    private readonly ByType<Action<KernelConfig, Bytes, Floats, Floats, Floats, Floats, Floats, int, float>> _forward = new(
        () => device.Accelerator.LoadStreamKernel<Bytes, Floats, Floats, Floats, Floats, Floats, int, float>(ForwardKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<Bytes, Floats, Floats, Floats, Floats, Floats, int, float>(ForwardKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Floats, Bytes, Floats, Floats, Floats, Floats, int>> _input = new(
        () => device.Accelerator.LoadStreamKernel<Floats, Bytes, Floats, Floats, Floats, Floats, int>(InputGradientKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<Floats, Bytes, Floats, Floats, Floats, Floats, int>(InputGradientKernel<BFloat16>));

    private readonly ByType<Action<KernelConfig, Floats, Floats, Bytes, Floats, Floats, Floats, int, int>> _parameters = new(
        () => device.Accelerator.LoadStreamKernel<Floats, Floats, Bytes, Floats, Floats, Floats, int, int>(ParameterGradientKernel<Float32>),
        () => device.Accelerator.LoadStreamKernel<Floats, Floats, Bytes, Floats, Floats, Floats, int, int>(ParameterGradientKernel<BFloat16>));

    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon) =>
        _forward[y.Type](_size.Groups(x.Rows), y.Bytes, mean.View, rstd.View, x.View, weight.View, bias.View, x.Cols, epsilon);

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        if (x.Cols == 0) return;
        if (!dWeight.IsNone) _parameters[dY.Type](_size.Columns(x.Cols), dWeight.View, dBias.View, dY.Bytes, x.View, mean.View, rstd.View, x.Rows, x.Cols);
        _input[dY.Type](_size.Groups(x.Rows), dX.View, dY.Bytes, x.View, mean.View, rstd.View, weight.View, x.Cols);
    }

    [Kernel(Grouping.Explicit)]
    private static void ForwardKernel<T>(
        Bytes yBytes, Floats mean, Floats rstd, Floats x, Floats weight, Floats bias, int cols, float epsilon)
        where T : unmanaged, IElement<T>
    {
        var y = yBytes.Cast<T>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared4 = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX;
        long origin = (long)row * cols;
        float sum = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX) sum += x[origin + c];
        float rough = GroupReduce.Sum(shared, sum) / cols;

        // Where the mean is large against the deviations, the sum has lost digits of it that the deviations still show.
        float deviations = 0, squares = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float deviation = x[origin + c] - rough;
            deviations += deviation;
            squares += deviation * deviation;
        }

        var sums = GroupReduce.Sum(shared4, new Float4(deviations, squares, 0, 0));
        float correction = sums.X / cols, mu = rough + correction;
        float r = 1 / MathF.Sqrt(MathF.Max((sums.Y / cols) - (correction * correction), 0) + epsilon);
        for (int c = Group.IdxX; c < cols; c += Group.DimX) y[origin + c] = T.Of(((x[origin + c] - rough - correction) * r * weight[c]) + bias[c]);
        if (Group.IdxX == 0)
        {
            mean[row] = mu;
            rstd[row] = r;
        }
    }

    /// <summary>With g = dY·weight: dX += rstd·(g − mean(g) − x̂·mean(g·x̂)).</summary>
    [Kernel(Grouping.Explicit)]
    private static void InputGradientKernel<T>(
        Floats dX, Bytes dYBytes, Floats x, Floats mean, Floats rstd, Floats weight, int cols)
        where T : unmanaged, IElement<T>
    {
        var dY = dYBytes.Cast<T>();
        var shared = SharedMemory.Allocate<Float4>(LaunchSize.MaxGroup);
        int row = Grid.IdxX;
        long origin = (long)row * cols;
        float mu = mean[row], r = rstd[row], sum = 0, product = 0;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float g = dY[origin + c].Value * weight[c];
            sum += g;
            product += g * ((x[origin + c] - mu) * r);
        }

        var sums = GroupReduce.Sum(shared, new Float4(sum, product, 0, 0));
        float meanG = sums.X / cols, meanProduct = sums.Y / cols;
        for (int c = Group.IdxX; c < cols; c += Group.DimX)
        {
            float g = dY[origin + c].Value * weight[c];
            dX[origin + c] += r * (g - meanG - ((x[origin + c] - mu) * r * meanProduct));
        }
    }

    /// <summary>dWeight += Σₙ dY·x̂; dBias += Σₙ dY.</summary>
    [Kernel(Grouping.Explicit)]
    private static void ParameterGradientKernel<T>(
        Floats dWeight, Floats dBias, Bytes dYBytes, Floats x, Floats mean, Floats rstd, int rows, int cols)
        where T : unmanaged, IElement<T>
    {
        var dY = dYBytes.Cast<T>();
        var shared = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        var shared2 = SharedMemory.Allocate<float>(LaunchSize.MaxGroup);
        int c = (Grid.IdxX * Group.DimX) + Group.IdxX;
        float weightSum = 0, biasSum = 0;
        if (c < cols)
        {
            for (int n = Group.IdxY; n < rows; n += Group.DimY)
            {
                long place = ((long)n * cols) + c;
                float gradient = dY[place].Value;
                biasSum += gradient;
                weightSum += gradient * ((x[place] - mean[n]) * rstd[n]);
            }
        }

        weightSum = GroupReduce.SumLanes(shared, weightSum);
        biasSum = GroupReduce.SumLanes(shared2, biasSum);
        if (Group.IdxY == 0 && c < cols)
        {
            dWeight[c] += weightSum;
            dBias[c] += biasSum;
        }
    }
}
