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

    private protected override void ForwardCore(Tensor y, Tensor x, ActivationKind kind) => Apply(y, x, kind);

    /// <summary>y = f(x), y may be x: what a product does with its result.</summary>
    internal void Apply(Tensor y, Tensor x, ActivationKind kind)
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
            long start = (long)index * Chunk;
            int count = (int)Math.Min(length - start, Chunk), whole = count - (count % S.Width), rest = count - whole;
            Apply(y + start, dY == null ? null : dY + start, x + start, whole);
            if (rest == 0) return;

            // The rest of the last chunk goes through one padded vector.
            float* buffer = stackalloc float[2 * S.Width], gradient = buffer + S.Width;
            for (int j = 0; j < rest; j++)
            {
                buffer[j] = x[start + whole + j];
                if (dY != null) gradient[j] = dY[start + whole + j];
            }

            Apply(buffer, dY == null ? null : gradient, buffer, S.Width);
            for (int j = 0; j < rest; j++) y[start + whole + j] = buffer[j];
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Apply(float* y, float* dY, float* x, int count)
        {
            if (dY == null)
            {
                for (int i = 0; i < count; i += S.Width) S.Store(y + i, F.Value(S.Load(x + i)));
            }
            else
            {
                for (int i = 0; i < count; i += S.Width) S.Store(y + i, S.Multiply(S.Load(dY + i), F.Derivative(S.Load(x + i))));
            }
        }
    }

    /// <summary>½x(1 + tanh u) = x·σ(2u), u = √(2/π)(x + 0.044715x³). Beyond ±10, f is 0 or x in float and nothing may overflow.</summary>
    private readonly struct GeluTanh : IFunction
    {
        private const float Root = 0.7978845608f, Cubic = 0.044715f, Log2E = 1.4426950409f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value(V x)
        {
            V atLeast = S.Max(S.Set(-10), x), bounded = S.Min(S.Set(10), atLeast);
            return S.Divide(atLeast, S.Add(S.Set(1), Exponential(bounded, S.Multiply(bounded, bounded))));
        }

        // With s = σ(2u) = 1/(1 + e), where e = exp(−2u): f′ = s + x·2u′·e·s².
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Derivative(V x)
        {
            x = S.Min(S.Set(10), S.Max(S.Set(-10), x));
            V square = S.Multiply(x, x), e = Exponential(x, square), s = S.Divide(S.Set(1), S.Add(S.Set(1), e));
            V slope = S.Multiply(x, S.FusedMultiplyAdd(square, S.Set(6 * Root * Cubic), S.Set(2 * Root)));
            return S.FusedMultiplyAdd(S.Multiply(slope, s), S.Multiply(e, s), s);
        }

        /// <summary>exp(−2u) as a power of two: at most 2¹²⁶ for |x| ≤ 10.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Exponential(V x, V square) =>
            SimdMath<S, V>.Exp2(S.Multiply(x, S.FusedMultiplyAdd(square, S.Set(-2 * Root * Cubic * Log2E), S.Set(-2 * Root * Log2E))));
    }

    /// <summary>½x(1 + erf(x/√2)) = x·Φ(x). Beyond ±13, f is 0 or x in float.</summary>
    private readonly struct GeluExact : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value(V x)
        {
            V atLeast = S.Max(S.Set(-13), x);
            return S.Multiply(atLeast, SimdMath<S, V>.NormalCdf(S.Min(S.Set(13), atLeast), out _));
        }

        // Φ(x) + x·φ(x).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Derivative(V x)
        {
            x = S.Min(S.Set(13), S.Max(S.Set(-13), x));
            V cdf = SimdMath<S, V>.NormalCdf(x, out V density);
            return S.FusedMultiplyAdd(x, density, cdf);
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
