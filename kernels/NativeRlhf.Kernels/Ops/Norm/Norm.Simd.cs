using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>One block an item.</summary>
internal sealed unsafe class NormSimd<S, V>(WorkerTeam team) : Norm
    where S : struct, ISimd<V>
    where V : struct
{
    private protected override void SumOfSquaresCore(Tensor partials, Tensor x) =>
        team.For(Blocks(x.Length), new Squares(partials.Pointer, x.Pointer, x.Length));

    private readonly struct Squares(float* partials, float* x, long length) : IParallelBody
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index, int worker)
        {
            long start = (long)index * BlockLength;
            partials[index] = SimdMath<S, V>.Dot(x + start, x + start, (int)Math.Min(BlockLength, length - start));
        }
    }
}
