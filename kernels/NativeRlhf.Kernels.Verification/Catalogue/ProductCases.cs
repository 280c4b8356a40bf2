using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>The cases of what is made of products: matmul and attention.</summary>
internal static class ProductCases
{
    private static readonly Dimension[] Product = [new("N", 300, 40), new("IC", 300, 40), new("OC", 300, 40)];

    private static readonly Dimension[] Sequences = [new("S", 5, 3), new("T", 150, 18), new("NH", 4, 2), new("HS", 80, 33)];

    private static readonly Dimension[] Cache = [new("R", 20, 5), new("T", 300, 20), new("NH", 4, 2), new("HS", 80, 33)];

    public static IEnumerable<OpCase> All =>
    [
        .. MatMul(WeightLayout.InOut, ""), .. MatMul(WeightLayout.OutIn, ".outIn"),
        new("attention", "forward", Sequences, (p, shape) => Attention(p, shape, isBackward: false), AttentionShapes) { HasBFloat16 = true },
        new("attention", "backward", Sequences, (p, shape) => Attention(p, shape, isBackward: true), AttentionShapes) { HasBFloat16 = true },
        new("cachedattention", "decode", Cache, (p, shape) => CachedAttention(p, shape, isPrompt: false), m => [new("", [Math.Min(m.Rows, 64), m.Length, m.Heads, m.Width / m.Heads])]) { HasBFloat16 = true },
        new("cachedattention", "prompt", Cache, (p, shape) => CachedAttention(p, shape, isPrompt: true), m => [new("", [m.Length, m.Length, m.Heads, m.Width / m.Heads])]) { HasBFloat16 = true },
    ];

    private static IEnumerable<OpCase> MatMul(WeightLayout layout, string suffix)
    {
        bool isOutIn = layout == WeightLayout.OutIn;
        yield return new("matmul", "y" + suffix, Product, Forward, Shapes) { HasBFloat16 = true };
        yield return new("matmul", "y.activated" + suffix, Product, ForwardActivated, Shapes) { HasBFloat16 = true };
        yield return new("matmul", "dX" + suffix, Product, BackwardInput, Shapes) { HasBFloat16 = true };
        yield return new("matmul", "dW" + suffix, Product, BackwardWeight, Shapes) { HasBFloat16 = true };

        Operand Weight(Problem p, string name, int IC, int OC) => isOutIn ? p.Input(name, OC, IC, isStored: true) : p.Input(name, IC, OC, isStored: true);

        void Forward(Problem p, IReadOnlyList<int> shape)
        {
            var (N, IC, OC) = (shape[0], shape[1], shape[2]);
            Operand x = p.Input("x", N, IC, isStored: true), weight = Weight(p, "W", IC, OC);
            // The head has no bias; a projection adds to the residual stream, in place or not.
            var bias = isOutIn || p.Choose("bias", true, false) == false ? null : p.Input("bias", OC);
            bool hasResidual = p.Choose("residual", false, true), inPlace = hasResidual && p.Choose("in place", false, true);
            var residual = hasResidual ? p.Input("residual", N, OC, isStored: true) : null;
            var y = inPlace ? p.Judge(residual!, IC) : p.Overwritten("y", N, OC, IC, isStored: true);
            p.Call(
                k => k.MatMul.Forward(y, x, weight, bias, layout, residual),
                () => Reference.MatMul.Forward(y, x, weight, bias, residual, isOutIn, N, IC, OC));
        }

        void ForwardActivated(Problem p, IReadOnlyList<int> shape)
        {
            var (N, IC, OC) = (shape[0], shape[1], shape[2]);
            Operand x = p.Input("x", N, IC, isStored: true), weight = Weight(p, "W", IC, OC);
            var kind = p.Choose("f", Enum.GetValues<ActivationKind>());
            // An adapter adds to what the weights have summed; the backward pass alone needs y.
            var bias = p.Choose("bias", true, false) ? p.Input("bias", OC) : null;
            var residual = p.Choose("residual", false, true) ? p.Input("residual", N, OC, isStored: true) : null;
            bool hasY = p.Choose("y", true, false), inPlace = residual is not null && p.Choose("in place", false, true);
            var activated = inPlace ? p.Judge(residual!, IC) : p.Overwritten("activated", N, OC, IC, isStored: true);
            var y = hasY ? p.Overwritten("y", N, OC, IC, isStored: true) : null;
            p.Call(
                k => k.MatMul.Forward(y, x, weight, bias, layout, residual, activated, kind),
                () => Reference.MatMul.ForwardActivated(
                    activated, y ?? new double[N * OC], x, weight, bias, residual, FlatCases.Function(kind), isOutIn, N, IC, OC));
        }

        void BackwardInput(Problem p, IReadOnlyList<int> shape)
        {
            var (N, IC, OC) = (shape[0], shape[1], shape[2]);
            Operand dY = p.Input("dY", N, OC, isStored: true), weight = Weight(p, "W", IC, OC);
            bool accumulate = p.Choose("accumulate", false, true);
            var dX = accumulate ? p.Accumulated("dX", N, IC, OC, isStored: true) : p.Overwritten("dX", N, IC, OC, isStored: true);
            p.Call(
                k => k.MatMul.BackwardInput(dX, dY, weight, layout, accumulate),
                () => Reference.MatMul.BackwardInput(dX, dY, weight, isOutIn, accumulate, N, IC, OC));
        }

        void BackwardWeight(Problem p, IReadOnlyList<int> shape)
        {
            var (N, IC, OC) = (shape[0], shape[1], shape[2]);
            Operand x = p.Input("x", N, IC, isStored: true), dY = p.Input("dY", N, OC, isStored: true);
            var dWeight = isOutIn ? p.Accumulated("dW", OC, IC, N) : p.Accumulated("dW", IC, OC, N);
            var dBias = isOutIn || p.Choose("bias", true, false) == false ? null : p.Accumulated("dBias", OC, 1, N);
            p.Call(
                k => k.MatMul.BackwardWeight(dWeight, dBias, x, dY, layout),
                () => Reference.MatMul.BackwardWeight(dWeight, dBias, x, dY, isOutIn, N, IC, OC));
        }

        IEnumerable<TimedShape> Shapes(ModelShape m)
        {
            int n = m.Rows, c = m.Width;
            return isOutIn
                ? [new("head", [m.HeadRows, c, m.Vocabulary])]
                : [new("qkv", [n, c, 3 * c]), new("proj", [n, c, c]), new("fc", [n, c, 4 * c]), new("out", [n, 4 * c, c])];
        }
    }

    private static IEnumerable<TimedShape> AttentionShapes(ModelShape m) => [new("", [Math.Max(m.Rows / m.Length, 1), m.Length, m.Heads, m.Width / m.Heads])];

    private static void Attention(Problem p, IReadOnlyList<int> shape, bool isBackward)
    {
        var (NH, HS) = (shape[2], shape[3]);
        var layout = p.Layout(shape[0], shape[1]);
        int N = layout.Rows, C = NH * HS;
        int[] offsets = layout.Offsets.Host.ToArray();
        var qkv = p.Input("qkv", N, 3 * C, isStored: true);
        if (!isBackward)
        {
            Operand y = p.Overwritten("y", N, C, HS, isStored: true), lse = p.Overwritten("lse", N, NH, HS);
            p.Call(k => k.Attention.Forward(y, lse, qkv, layout, NH), () => Reference.Attention.Forward(y, lse, qkv, offsets, NH, C));
            return;
        }

        // What forward leaves, by the oracle; where this is timed, anything.
        double[] values = new double[p.IsTimed ? 0 : N * C], norms = new double[p.IsTimed ? 0 : N * NH];
        if (!p.IsTimed) Reference.Attention.Forward(values, norms, qkv, offsets, NH, C);
        var forward = p.IsTimed ? p.Input("y", N, C, isStored: true) : p.Input("y", N, C, Rounded(values), isStored: true);
        var sums = p.IsTimed ? p.Input("lse", N, NH, mean: 7) : p.Input("lse", N, NH, Rounded(norms));
        Operand dY = p.Input("dY", N, C, isStored: true), dQkv = p.Overwritten("dQkv", N, 3 * C, HS, isStored: true);
        p.Call(k => k.Attention.Backward(dQkv, dY, forward, sums, qkv, layout, NH), () => Reference.Attention.Backward(dQkv, dY, forward, sums, qkv, offsets, NH, C));
    }

    private static void CachedAttention(Problem p, IReadOnlyList<int> shape, bool isPrompt)
    {
        var (T, NH, HS) = (shape[1], shape[2], shape[3]);
        // A prompt is a run of rows of one slot, which has some more before them; in decoding every row has a slot of its own.
        int R = isPrompt ? Math.Min(shape[0], T) : shape[0], slots = isPrompt ? 2 : R, C = NH * HS;
        int first = isPrompt && !p.IsTimed ? p.Random.Next(T - R + 1) : 0;
        var rows = p.Indices([.. Enumerable.Range(0, R).Select(r => isPrompt ? 1 : R - 1 - r)]);
        var positions = p.Indices([.. Enumerable.Range(0, R).Select(r => isPrompt ? first + r : p.IsTimed ? T - 1 : p.Random.Next(T))]);
        // Copied, not computed: the new rows of the caches are those of qkv, bit by bit, and no other row changes.
        Operand keys = p.Judge(p.Input("keys", slots * T, C, isStored: true), 0, (long)R * C), values = p.Judge(p.Input("values", slots * T, C, isStored: true), 0, (long)R * C);
        Operand qkv = p.Input("qkv", R, 3 * C, isStored: true), y = p.Overwritten("y", R, C, HS, isStored: true);
        p.Call(
            k => k.CachedAttention.Forward(y, keys, values, qkv, rows, positions, T, NH),
            () => Reference.CachedAttention.Forward(y, keys, values, qkv, rows.Values, positions.Values, T, NH, C));
    }

    private static double[] Rounded(double[] values) => Array.ConvertAll(values, value => (double)(float)value);
}
