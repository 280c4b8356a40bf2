using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Chunks of flat memory, or blocks of rows.</summary>
internal sealed unsafe class ElementwiseSimd<S, V>(WorkerTeam team) : Elementwise
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Chunk = 32768, BlockRows = 64;

    // 32 MiB, more than a cache will keep until it is read again: stores go past the cache, which saves reading what is overwritten.
    private const long StreamedLength = 1 << 23;

    private protected override void CombineCore(Tensor y, float a, Tensor x, float b) =>
        team.For((int)((y.Length + Chunk - 1) / Chunk), new Combination(y.Pointer, x.Pointer, a, b, y.Length));

    private protected override void FillCore(Tensor y, float value) =>
        team.For((int)((y.Length + Chunk - 1) / Chunk), new Filling(y.Pointer, value, y.Length));

    private protected override void GatherCore(Tensor y, Tensor x, ArrayView<int> rows) =>
        team.For((y.Rows + BlockRows - 1) / BlockRows, new RowCopy(y.Pointer, x.Pointer, rows.Pointer(), y.Rows, y.Cols, scatter: false));

    private protected override void ScatterAddCore(Tensor dX, Tensor dY, ArrayView<int> rows) =>
        team.For((dY.Rows + BlockRows - 1) / BlockRows, new RowCopy(dX.Pointer, dY.Pointer, rows.Pointer(), dY.Rows, dY.Cols, scatter: true));

    private readonly struct Combination(float* y, float* x, float a, float b, long length) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            long i = (long)index * Chunk, end = Math.Min(length, i + Chunk);
            if (a == 1 && b == 0)
            {
                new ReadOnlySpan<float>(x + i, (int)(end - i)).CopyTo(new Span<float>(y + i, (int)(end - i)));
                return;
            }

            V va = S.Set(a), vb = S.Set(b);
            for (; i <= end - S.Width; i += S.Width)
            {
                V scaled = S.Multiply(va, S.Load(x + i));
                S.Store(y + i, b == 0 ? scaled : S.FusedMultiplyAdd(vb, S.Load(y + i), scaled));
            }

            for (; i < end; i++) y[i] = b == 0 ? a * x[i] : MathF.FusedMultiplyAdd(b, y[i], a * x[i]);
        }
    }

    private readonly struct Filling(float* y, float value, long length) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            float* start = y + ((long)index * Chunk);
            int count = (int)Math.Min(Chunk, length - ((long)index * Chunk)), i = 0;
            if (length >= StreamedLength && (nint)y % sizeof(Vector512<float>) == 0)
            {
                var values = Vector512.Create(value);
                for (; i <= count - Vector512<float>.Count; i += Vector512<float>.Count) values.StoreAlignedNonTemporal(start + i);
            }

            new Span<float>(start + i, count - i).Fill(value);
        }
    }

    private readonly struct RowCopy(float* y, float* x, int* rows, int count, int columns, bool scatter) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            for (int m = index * BlockRows; m < Math.Min(count, (index + 1) * BlockRows); m++)
            {
                if (scatter) SimdMath<S, V>.AddScaled(y + ((nint)rows[m] * columns), x + ((nint)m * columns), 1, columns);
                else new ReadOnlySpan<float>(x + ((nint)rows[m] * columns), columns).CopyTo(new Span<float>(y + ((nint)m * columns), columns));
            }
        }
    }
}
