using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Chunks of flat memory, one Philox block for four elements.</summary>
internal sealed unsafe class DropoutSimd<S, V>(WorkerTeam team) : Dropout
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Chunk = 4096;

    private protected override void ForwardCore(Tensor y, Tensor x, DropoutKey key, Tensor residual) =>
        team.For((int)((x.Length + Chunk - 1) / Chunk), new Mask(y.Pointer, x.Pointer, residual.IsNone ? null : residual.Pointer, x.Length, key));

    private readonly struct Mask(float* y, float* x, float* residual, long length, DropoutKey key) : IParallelBody
    {
        public void Run(int index, int worker)
        {
            // The mask first, then one vector pass: y = x · mask + residual.
            float* mask = stackalloc float[Chunk];
            long start = (long)index * Chunk;
            int count = (int)Math.Min(Chunk, length - start);
            float scale = 1 / (1 - key.Probability);
            for (int i = 0; i < count; i += 4)
            {
                var words = Philox.At(key.Seed, RandomPurpose.Dropout, key.Stream, ((ulong)key.Step << 32) | (ulong)((start + i) / 4));
                mask[i] = Philox.ToUniform(words.X) >= key.Probability ? scale : 0;
                mask[i + 1] = Philox.ToUniform(words.Y) >= key.Probability ? scale : 0;
                mask[i + 2] = Philox.ToUniform(words.Z) >= key.Probability ? scale : 0;
                mask[i + 3] = Philox.ToUniform(words.W) >= key.Probability ? scale : 0;
            }

            int j = 0;
            for (; j <= count - S.Width; j += S.Width)
            {
                V kept = S.Multiply(S.Load(x + start + j), S.Load(mask + j));
                S.Store(y + start + j, residual == null ? kept : S.Add(kept, S.Load(residual + start + j)));
            }

            for (; j < count; j++) y[start + j] = (x[start + j] * mask[j]) + (residual == null ? 0 : residual[start + j]);
        }
    }
}
