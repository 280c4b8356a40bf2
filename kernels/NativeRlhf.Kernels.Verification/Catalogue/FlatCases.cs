using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>The cases of ops on flat memory.</summary>
internal static class FlatCases
{
    private static readonly Dimension[] Length = [new("N", 40_000, 700)];

    public static IEnumerable<OpCase> All =>
    [
        .. Enum.GetValues<ActivationKind>().SelectMany(Activations),
        new("elementwise", "combine", Length, Combine, Shapes) { HasBFloat16 = true },
        new("elementwise", "fill", Length, Fill, Shapes) { HasBFloat16 = true },
        new("norm", "sumOfSquares", Length, SumOfSquares, Parameters),
        new("adamw", "step", Length, AdamW, Parameters) { HasBFloat16 = true },
    ];

    private static IEnumerable<TimedShape> Shapes(ModelShape m) => [new("", [m.Rows * m.Width])];

    // A block's weights, or half a gigabyte less would not fit beside the copies that keep the caches cold.
    private static IEnumerable<TimedShape> Parameters(ModelShape m) => [new("a block's weights", [12 * m.Width * m.Width])];

    private static IEnumerable<OpCase> Activations(ActivationKind kind)
    {
        var function = Function(kind);
        var (name, derivative) = kind switch
        {
            ActivationKind.GeluTanh => ("gelu", Reference.Activation.GeluTanhDerivative),
            ActivationKind.GeluExact => ("geluExact", Reference.Activation.GeluExactDerivative),
            _ => ("relu", (Func<double, double>)Reference.Activation.ReluDerivative),
        };
        yield return new("activation", name, Length, Forward, m => [new("", [4 * m.Rows * m.Width])]) { HasBFloat16 = true };
        yield return new("activation", name + ".backward", Length, Backward, m => [new("", [4 * m.Rows * m.Width])]) { HasBFloat16 = true };

        void Forward(Problem p, IReadOnlyList<int> shape)
        {
            Operand x = p.Input("x", shape[0], 1, 2, isStored: true), y = p.Overwritten("y", shape[0], isStored: true);
            p.Call(k => k.Activation.Forward(y, x, kind), () => Reference.Activation.Forward(y, x, function));
        }

        void Backward(Problem p, IReadOnlyList<int> shape)
        {
            Operand x = p.Input("x", shape[0], 1, 2, isStored: true), dY = p.Input("dY", shape[0], isStored: true);
            var dX = p.Choose("in place", false, true) ? p.Judge(dY, 1) : p.Overwritten("dX", shape[0], isStored: true);
            p.Call(k => k.Activation.Backward(dX, dY, x, kind), () => Reference.Activation.Backward(dX, dY, x, derivative));
        }
    }

    /// <summary>The oracle's f.</summary>
    public static Func<double, double> Function(ActivationKind kind) => kind switch
    {
        ActivationKind.GeluTanh => Reference.Activation.GeluTanh,
        ActivationKind.GeluExact => Reference.Activation.GeluExact,
        _ => Reference.Activation.Relu,
    };

    private static void Combine(Problem p, IReadOnlyList<int> shape)
    {
        var (a, b) = p.Choose("a and b", (1f, 1f), (1f, 0f), (0.25f, -2f), (0f, 3f));
        // The types of x and y are free.
        bool isMixed = p.Storage == ElementType.BFloat16 && p.Choose("x of float32", false, true);
        Operand x = p.Input("x", shape[0], isStored: !isMixed), y = b == 0 ? p.Overwritten("y", shape[0], isStored: true) : p.Accumulated("y", shape[0], isStored: true);
        p.Call(k => k.Elementwise.Combine(y, a, x, b), () => Reference.Elementwise.Combine(y, a, x, b));
    }

    private static void Fill(Problem p, IReadOnlyList<int> shape)
    {
        var y = p.Overwritten("y", shape[0], 1, 0, isStored: true);
        p.Call(k => k.Elementwise.Fill(y, -0.5f), () => Array.Fill(y.Values, -0.5));
    }

    private static void SumOfSquares(Problem p, IReadOnlyList<int> shape)
    {
        Operand x = p.Input("x", shape[0]), partials = p.Overwritten("partials", Norm.Blocks(shape[0]), 1, Norm.BlockLength);
        p.Call(k => k.Norm.SumOfSquares(partials, x), () => Reference.Norm.SumOfSquares(partials, x, Norm.BlockLength));
    }

    private static void AdamW(Problem p, IReadOnlyList<int> shape)
    {
        int n = shape[0];
        var step = new AdamWStep(0.01f, 0.9f, 0.95f, 1e-5f, p.Choose("decay", 0.1f, 0f), p.Choose("gradient scale", 1f, 0.25f), p.Choose("step", 7, 1), p.Choose("form", AdamForm.PyTorch, AdamForm.TensorFlow), (ulong)p.Random.NextInt64());
        // In bfloat16: a rounded copy beside weights of float32, or weights that are rounded stochastically.
        bool hasCopy = p.Storage == ElementType.BFloat16 && p.Choose("master weights", true, false);
        var gradients = p.Input("g", n, 1, 0.1);
        // Moments as they are in training: the second is a square, and not zero where the first is not.
        double[] first = RandomData.Normal(p.Random, n, 0.1), second = [.. first.Select(m => (double)(float)((m * m) + 1e-4))];
        Operand weights = p.Judge(p.Input("w", n, isStored: !hasCopy), 5), m = p.Judge(p.Input("m", n, 1, first), 5), v = p.Judge(p.Input("v", n, 1, second), 5);
        var copy = hasCopy ? p.Overwritten("copy", n, 1, 5, isStored: true) : null;
        p.Call(k => k.AdamW.Step(weights, gradients, m, v, step, copy), () =>
        {
            Reference.AdamW.Step(
                weights, gradients, m, v, step.LearningRate, step.Beta1, step.Beta2, step.Epsilon, step.WeightDecay, step.GradientScale, step.Step, step.Form == AdamForm.TensorFlow);
            if (copy is not null) weights.Values.CopyTo(copy.Values, 0);
        });
    }
}
