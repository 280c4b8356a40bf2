using System.Runtime.CompilerServices;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Forward: blocks of rows. Backward: blocks of columns, so that no two threads add to the same element.</summary>
internal sealed unsafe class EmbeddingSimd<S, V>(WorkerTeam team) : Embedding
    where S : struct, ISimd<V>
    where V : struct
{
    private const int BlockRows = 64, BlockColumns = 64;

    private protected override void ForwardCore(Tensor y, ArrayView<int> tokens, ArrayView<int> positions, Tensor wte, Tensor wpe) =>
        team.For((y.Rows + BlockRows - 1) / BlockRows, new Lookup(y.Pointer, tokens.Pointer(), positions.Pointer(), wte.Pointer, wpe.Pointer, y.Rows, y.Cols));

    private protected override void BackwardCore(Tensor dWte, Tensor dWpe, Tensor dY, ArrayView<int> tokens, ArrayView<int> positions) =>
        team.For((dY.Cols + BlockColumns - 1) / BlockColumns, new Scatter(dWte.Pointer, dWpe.Pointer, dY.Pointer, tokens.Pointer(), positions.Pointer(), dY.Rows, dY.Cols));

    private readonly struct Lookup(float* y, int* tokens, int* positions, float* wte, float* wpe, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            for (int n = index * BlockRows; n < Math.Min(rows, (index + 1) * BlockRows); n++)
            {
                float* destination = y + ((nint)n * columns), token = wte + ((nint)tokens[n] * columns), position = wpe + ((nint)positions[n] * columns);
                int c = 0;
                for (; c <= columns - S.Width; c += S.Width) S.Store(destination + c, S.Add(S.Load(token + c), S.Load(position + c)));
                for (; c < columns; c++) destination[c] = token[c] + position[c];
            }
        }
    }

    private readonly struct Scatter(float* dWte, float* dWpe, float* dY, int* tokens, int* positions, int rows, int columns) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            int first = index * BlockColumns, count = Math.Min(BlockColumns, columns - first);
            for (int n = 0; n < rows; n++)
            {
                float* source = dY + ((nint)n * columns) + first;
                SimdMath<S, V>.AddScaled(dWte + ((nint)tokens[n] * columns) + first, source, 1, count);
                SimdMath<S, V>.AddScaled(dWpe + ((nint)positions[n] * columns) + first, source, 1, count);
            }
        }
    }
}
