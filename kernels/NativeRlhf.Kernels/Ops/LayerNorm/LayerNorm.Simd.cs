using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Blocks of rows, each row read while it is in the first-level cache. dWeight and dBias are summed over the rows of a block, then over the blocks in
/// order, so that the sums do not depend on the threads.
/// </summary>
internal sealed unsafe class LayerNormSimd<S, V>(WorkerTeam team) : LayerNorm, IDisposable
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 32, BlockColumns = 64;

    private readonly ScratchMemory _sums = new();

    public void Dispose() => _sums.Dispose();

    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon) =>
        team.For((x.Rows + BlockRows - 1) / BlockRows,
            new Normalize(y.Pointer, mean.Pointer, rstd.Pointer, x.Pointer, weight.Pointer, bias.Pointer, epsilon, x.Rows, x.Cols));

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        int blocks = (x.Rows + BlockRows - 1) / BlockRows;
        float* sums = dWeight.IsNone ? null : _sums.Take(2 * (nuint)blocks * (nuint)x.Cols);
        team.For(blocks, new Gradient(dX.Pointer, sums, dY.Pointer, x.Pointer, mean.Pointer, rstd.Pointer, weight.Pointer, x.Rows, x.Cols));
        if (!dWeight.IsNone) team.For((x.Cols + BlockColumns - 1) / BlockColumns, new SumOfBlocks(dWeight.Pointer, dBias.Pointer, sums, blocks, x.Cols));
    }

    private readonly struct Normalize(float* y, float* mean, float* rstd, float* x, float* weight, float* bias, float epsilon, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                float* row = x + ((nint)n * columns), destination = y + ((nint)n * columns);
                V sum = S.Zero;
                int c = 0;
                for (; c <= columns - S.Width; c += S.Width) sum = S.Add(sum, S.Load(row + c));
                float total = S.Sum(sum);
                for (; c < columns; c++) total += row[c];
                float mu = total / columns;

                V center = S.Set(mu), squares = S.Zero;
                for (c = 0; c <= columns - S.Width; c += S.Width)
                {
                    V d = S.Subtract(S.Load(row + c), center);
                    squares = S.FusedMultiplyAdd(d, d, squares);
                }

                total = S.Sum(squares);
                for (; c < columns; c++) total += (row[c] - mu) * (row[c] - mu);
                float scale = 1 / MathF.Sqrt((total / columns) + epsilon);

                V scales = S.Set(scale);
                for (c = 0; c <= columns - S.Width; c += S.Width)
                {
                    V normalized = S.Multiply(S.Subtract(S.Load(row + c), center), scales);
                    S.Store(destination + c, S.FusedMultiplyAdd(normalized, S.Load(weight + c), S.Load(bias + c)));
                }

                for (; c < columns; c++) destination[c] = ((row[c] - mu) * scale * weight[c]) + bias[c];
                mean[n] = mu;
                rstd[n] = scale;
            }
        }
    }

    /// <summary>dX, and dWeight and dBias of the block, one after the other.</summary>
    private readonly struct Gradient(float* dX, float* sums, float* dY, float* x, float* mean, float* rstd, float* weight, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            float* sumW = sums == null ? null : sums + (2 * (nint)index * columns), sumB = sumW + columns;
            if (sums != null) new Span<float>(sumW, 2 * columns).Clear();
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                float* row = x + ((nint)n * columns), gradient = dY + ((nint)n * columns), destination = dX + ((nint)n * columns);
                float mu = mean[n], scale = rstd[n];
                V center = S.Set(mu), scales = S.Set(scale), sumG = S.Zero, sumGx = S.Zero;
                int c = 0;
                for (; c <= columns - S.Width; c += S.Width)
                {
                    V g = S.Multiply(S.Load(gradient + c), S.Load(weight + c));
                    sumG = S.Add(sumG, g);
                    sumGx = S.FusedMultiplyAdd(g, S.Multiply(S.Subtract(S.Load(row + c), center), scales), sumGx);
                }

                float meanG = S.Sum(sumG), meanGx = S.Sum(sumGx);
                for (; c < columns; c++)
                {
                    float g = gradient[c] * weight[c];
                    meanG += g;
                    meanGx += g * (row[c] - mu) * scale;
                }

                meanG /= columns;
                meanGx /= columns;
                V vectorG = S.Set(meanG), vectorGx = S.Set(meanGx);
                for (c = 0; c <= columns - S.Width; c += S.Width)
                {
                    V normalized = S.Multiply(S.Subtract(S.Load(row + c), center), scales);
                    V g = S.Subtract(S.Multiply(S.Load(gradient + c), S.Load(weight + c)), vectorG);
                    g = S.Subtract(g, S.Multiply(normalized, vectorGx));
                    S.Store(destination + c, S.FusedMultiplyAdd(g, scales, S.Load(destination + c)));
                }

                for (; c < columns; c++)
                    destination[c] += scale * ((gradient[c] * weight[c]) - meanG - ((row[c] - mu) * scale * meanGx));

                if (sums == null) continue;
                for (c = 0; c <= columns - S.Width; c += S.Width)
                {
                    V g = S.Load(gradient + c), normalized = S.Multiply(S.Subtract(S.Load(row + c), center), scales);
                    S.Store(sumW + c, S.FusedMultiplyAdd(g, normalized, S.Load(sumW + c)));
                    S.Store(sumB + c, S.Add(S.Load(sumB + c), g));
                }

                for (; c < columns; c++)
                {
                    sumW[c] += gradient[c] * (row[c] - mu) * scale;
                    sumB[c] += gradient[c];
                }
            }
        }
    }

    /// <summary>Some columns of dWeight and dBias over all blocks.</summary>
    private readonly struct SumOfBlocks(float* dWeight, float* dBias, float* sums, int blocks, int columns) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            int first = index * BlockColumns, count = Math.Min(BlockColumns, columns - first);
            float* block = sums + first;
            for (int b = 0; b < blocks; b++, block += 2 * columns)
            {
                SimdMath<S, V>.AddScaled(dWeight + first, block, 1, count);
                SimdMath<S, V>.AddScaled(dBias + first, block + columns, 1, count);
            }
        }
    }
}
