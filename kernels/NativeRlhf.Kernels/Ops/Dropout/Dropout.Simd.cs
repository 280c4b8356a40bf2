using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Blocks of rows; one Philox block for four elements of a row.</summary>
internal sealed unsafe class DropoutSimd<S, V>(WorkerTeam team) : Dropout
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 16;

    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual) =>
        team.For((x.Rows + BlockRows - 1) / BlockRows, new Mask(team, y.Pointer, x.Pointer, residual.IsNone ? null : residual.Pointer, x.Rows, x.Cols, key));

    private readonly struct Mask(WorkerTeam team, float* y, float* x, float* residual, int rows, int columns, DropoutKey key) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            // The mask of a row first, then one vector pass: y = x · mask + residual.
            int blocks = (columns + 3) / 4;
            float* mask = team.Scratch(worker, 4 * blocks);
            float p = key.Probability, scale = 1 / (1 - p);
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                ulong first = ((ulong)key.Step << 32) + ((key.FirstRow + (ulong)n) * (ulong)blocks);
                for (int b = 0; b < blocks; b++)
                {
                    var words = Philox.At(key.Seed, RandomPurpose.Dropout, key.Stream, first + (ulong)b);
                    mask[4 * b] = Philox.ToUniform(words.X) >= p ? scale : 0;
                    mask[(4 * b) + 1] = Philox.ToUniform(words.Y) >= p ? scale : 0;
                    mask[(4 * b) + 2] = Philox.ToUniform(words.Z) >= p ? scale : 0;
                    mask[(4 * b) + 3] = Philox.ToUniform(words.W) >= p ? scale : 0;
                }

                nint row = (nint)n * columns;
                int c = 0;
                for (; c <= columns - S.Width; c += S.Width)
                {
                    V kept = S.Multiply(S.Load(x + row + c), S.Load(mask + c));
                    S.Store(y + row + c, residual == null ? kept : S.Add(kept, S.Load(residual + row + c)));
                }

                for (; c < columns; c++) y[row + c] = (x[row + c] * mask[c]) + (residual == null ? 0 : residual[row + c]);
            }
        }
    }
}
