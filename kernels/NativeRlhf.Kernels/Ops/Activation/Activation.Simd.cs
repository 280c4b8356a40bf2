using System.Runtime.CompilerServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>Chunks of flat memory; the function is a type, so that each loop is compiled for its own.</summary>
internal sealed unsafe class ActivationSimd<S, V>(WorkerTeam team) : Activation
    where S : struct, ISimd<V>
    where V : struct
{
    private const int Chunk = 8192;

    /// <summary>f and f′ of one vector.</summary>
    private interface IFunction
    {
        static abstract V Value(V x);

        static abstract V Derivative(V x);
    }

    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind)
    {
        switch (kind)
        {
            case ActivationKind.GeluTanh: Run<GeluTanh>(y, default, x); break;
            case ActivationKind.GeluExact: Run<GeluExact>(y, default, x); break;
            default: Run<Relu>(y, default, x); break;
        }
    }

    private protected override void BackwardCore(Tensor dX, Tensor dY, Tensor x, ActivationKind kind)
    {
        switch (kind)
        {
            case ActivationKind.GeluTanh: Run<GeluTanh>(dX, dY, x); break;
            case ActivationKind.GeluExact: Run<GeluExact>(dX, dY, x); break;
            default: Run<Relu>(dX, dY, x); break;
        }
    }

    private void Run<F>(Tensor y, Tensor dY, Tensor x)
        where F : struct, IFunction =>
        team.For((int)((x.Length + Chunk - 1) / Chunk), new Map<F>(y.Pointer, dY.IsNone ? null : dY.Pointer, x.Pointer, x.Length));

    /// <summary>y = f(x), or y = dY · f′(x) where there is a gradient.</summary>
    private readonly struct Map<F>(float* y, float* dY, float* x, long length) : IParallelBody
        where F : struct, IFunction
    {
        public void Run(int index, int worker)
        {
            long i = (long)index * Chunk, end = Math.Min(length, i + Chunk);
            for (; i <= end - S.Width; i += S.Width) Apply(y + i, dY == null ? null : dY + i, x + i);
            if (i == end) return;

            // The rest of the last chunk goes through one padded vector.
            float* buffer = stackalloc float[3 * S.Width];
            int count = (int)(end - i);
            for (int j = 0; j < S.Width; j++)
            {
                buffer[j] = j < count ? x[i + j] : 0;
                buffer[S.Width + j] = j < count && dY != null ? dY[i + j] : 0;
            }

            Apply(buffer + (2 * S.Width), dY == null ? null : buffer + S.Width, buffer);
            for (int j = 0; j < count; j++) y[i + j] = buffer[(2 * S.Width) + j];
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Apply(float* y, float* dY, float* x) =>
            S.Store(y, dY == null ? F.Value(S.Load(x)) : S.Multiply(S.Load(dY), F.Derivative(S.Load(x))));
    }

    /// <summary>½x(1 + tanh u) = x·σ(2u), u = √(2/π)(x + 0.044715x³).</summary>
    private readonly struct GeluTanh : IFunction
    {
        private const float Root = 0.7978845608f, Cubic = 0.044715f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value(V x) => S.Divide(x, S.Add(S.Set(1), SimdMath<S, V>.Exp(S.Multiply(S.Set(-2 * Root), Inner(x)))));

        // With s = σ(2u): f′ = s + 2x·s(1 − s)·u′.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Derivative(V x)
        {
            V s = S.Divide(S.Set(1), S.Add(S.Set(1), SimdMath<S, V>.Exp(S.Multiply(S.Set(-2 * Root), Inner(x)))));
            V slope = S.FusedMultiplyAdd(S.Multiply(x, x), S.Set(6 * Root * Cubic), S.Set(2 * Root));
            return S.FusedMultiplyAdd(S.Multiply(x, slope), S.Multiply(s, S.Subtract(S.Set(1), s)), s);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Inner(V x) => S.FusedMultiplyAdd(S.Multiply(S.Multiply(x, x), x), S.Set(Cubic), x);
    }

    /// <summary>½x(1 + erf(x/√2)) = x·Φ(x).</summary>
    private readonly struct GeluExact : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value(V x) => S.Multiply(x, SimdMath<S, V>.NormalCdf(x));

        // Φ(x) + x·φ(x), φ(x) = exp(−x²/2)/√(2π).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Derivative(V x)
        {
            V density = S.Multiply(S.Set(0.3989422804f), SimdMath<S, V>.Exp(S.Multiply(S.Set(-0.5f), S.Multiply(x, x))));
            return S.FusedMultiplyAdd(x, density, SimdMath<S, V>.NormalCdf(x));
        }
    }

    private readonly struct Relu : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value(V x) => S.Max(S.Zero, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Derivative(V x) => S.SelectGreater(x, S.Zero, S.Set(1), S.Zero);
    }
}
