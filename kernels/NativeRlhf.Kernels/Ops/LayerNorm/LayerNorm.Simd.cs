using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Forward and dX: blocks of rows, each row read while it is in the first-level cache. dWeight and dBias: blocks of
/// columns over all rows in order, so that the sums do not depend on the threads.
/// </summary>
internal sealed unsafe class LayerNormSimd<S, V>(WorkerTeam team) : LayerNorm
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 32, BlockColumns = 64;

    private protected override void ForwardCore(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor weight, Tensor bias, float epsilon) =>
        team.For((x.Rows + BlockRows - 1) / BlockRows,
            new Normalize(y.Pointer, mean.Pointer, rstd.Pointer, x.Pointer, weight.Pointer, bias.Pointer, epsilon, x.Rows, x.Cols));

    private protected override void BackwardCore(Tensor dX, Tensor dWeight, Tensor dBias, Tensor dY, Tensor x, Tensor mean, Tensor rstd, Tensor weight)
    {
        team.For((x.Rows + BlockRows - 1) / BlockRows,
            new InputGradient(dX.Pointer, dY.Pointer, x.Pointer, mean.Pointer, rstd.Pointer, weight.Pointer, x.Rows, x.Cols));
        if (dWeight.IsNone) return;
        team.For((x.Cols + BlockColumns - 1) / BlockColumns,
            new ParameterGradient(dWeight.Pointer, dBias.Pointer, dY.Pointer, x.Pointer, mean.Pointer, rstd.Pointer, x.Rows, x.Cols));
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

    private readonly struct InputGradient(float* dX, float* dY, float* x, float* mean, float* rstd, float* weight, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
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
            }
        }
    }

    private readonly struct ParameterGradient(float* dWeight, float* dBias, float* dY, float* x, float* mean, float* rstd, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            int first = index * BlockColumns, last = Math.Min(columns, first + BlockColumns);
            for (int n = 0; n < rows; n++)
            {
                float* row = x + ((nint)n * columns), gradient = dY + ((nint)n * columns);
                float mu = mean[n], scale = rstd[n];
                V center = S.Set(mu), scales = S.Set(scale);
                int c = first;
                for (; c <= last - S.Width; c += S.Width)
                {
                    V g = S.Load(gradient + c);
                    V normalized = S.Multiply(S.Subtract(S.Load(row + c), center), scales);
                    S.Store(dWeight + c, S.FusedMultiplyAdd(g, normalized, S.Load(dWeight + c)));
                    S.Store(dBias + c, S.Add(S.Load(dBias + c), g));
                }

                for (; c < last; c++)
                {
                    dWeight[c] += gradient[c] * (row[c] - mu) * scale;
                    dBias[c] += gradient[c];
                }
            }
        }
    }
}
