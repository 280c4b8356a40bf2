using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>The cases of ops on the rows of a matrix.</summary>
internal static class RowCases
{
    private const float Epsilon = 1e-5f;

    private static readonly Dimension[] Rows = [new("N", 150, 21), new("C", 800, 65)];

    private static readonly Dimension[] Tables = [new("N", 150, 21), new("C", 300, 40), new("V", 200, 50), new("T", 50, 9)];

    public static IEnumerable<OpCase> All =>
    [
        new("embedding", "forward", Tables, EmbeddingForward, m => [new("", [m.Rows, m.Width, m.Vocabulary, m.Length])]) { HasBFloat16 = true },
        new("embedding", "backward", Tables, EmbeddingBackward, m => [new("", [m.Rows, m.Width, m.Vocabulary, m.Length])]),
        new("layernorm", "forward", Rows, LayerNormForward, Shapes) { HasBFloat16 = true },
        new("layernorm", "backward", Rows, LayerNormBackward, Shapes) { HasBFloat16 = true },
        new("dropout", "forward", Rows, (p, shape) => Dropout(p, shape, isBackward: false), Shapes) { HasBFloat16 = true },
        new("dropout", "backward", Rows, (p, shape) => Dropout(p, shape, isBackward: true), Shapes) { HasBFloat16 = true },
        new("elementwise", "gather", Rows, Gather, Shapes) { HasBFloat16 = true },
        new("elementwise", "scatterAdd", Rows, ScatterAdd, Shapes),
    ];

    private static IEnumerable<TimedShape> Shapes(ModelShape m) => [new("", [m.Rows, m.Width])];

    private static void EmbeddingForward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C, V, T) = (shape[0], shape[1], shape[2], shape[3]);
        IndexOperand tokens = p.Indices(N, V), positions = p.Indices(N, T);
        Operand wte = p.Input("wte", V, C, isStored: true), wpe = p.Input("wpe", T, C, isStored: true), y = p.Overwritten("y", N, C);
        p.Call(k => k.Embedding.Forward(y, tokens, positions, wte, wpe), () => Reference.Embedding.Forward(y, tokens.Values, positions.Values, wte, wpe, N, C));
    }

    private static void EmbeddingBackward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C, V, T) = (shape[0], shape[1], shape[2], shape[3]);
        // Few tokens, which repeat, or many.
        IndexOperand tokens = p.Indices(N, p.Choose("tokens", V, Math.Min(V, 5))), positions = p.Indices(N, T);
        Operand dY = p.Input("dY", N, C), dWte = p.Accumulated("dWte", V, C, N), dWpe = p.Accumulated("dWpe", T, C, N);
        p.Call(k => k.Embedding.Backward(dWte, dWpe, dY, tokens, positions), () => Reference.Embedding.Backward(dWte, dWpe, dY, tokens.Values, positions.Values, N, C));
    }

    private static void LayerNormForward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C) = (shape[0], shape[1]);
        Operand x = p.Input("x", N, C, 2, 3), weight = p.Input("weight", C, 1, 0.3, 1), bias = p.Input("bias", C);
        Operand y = p.Overwritten("y", N, C, C, isStored: true), mean = p.Overwritten("mean", N, 1, C), rstd = p.Overwritten("rstd", N, 1, C);
        p.Call(k => k.LayerNorm.Forward(y, mean, rstd, x, weight, bias, Epsilon), () => Reference.LayerNorm.Forward(y, mean, rstd, x, weight, bias, Epsilon, N, C));
    }

    private static void LayerNormBackward(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C) = (shape[0], shape[1]);
        Operand x = p.Input("x", N, C, 2, 3), weight = p.Input("weight", C, 1, 0.3, 1), dY = p.Input("dY", N, C, isStored: true);
        double[] means = new double[N], rstds = [.. Enumerable.Repeat(1.0, N)];
        if (!p.IsTimed) Reference.LayerNorm.Forward(new double[N * C], means, rstds, x, weight, new double[C], Epsilon, N, C);
        Operand mean = p.Input("mean", N, 1, Rounded(means)), rstd = p.Input("rstd", N, 1, Rounded(rstds)), dX = p.Accumulated("dX", N, C, C);
        bool isTrained = p.Choose("weight trained", true, false);
        Operand? dWeight = isTrained ? p.Accumulated("dWeight", C, 1, N) : null, dBias = isTrained ? p.Accumulated("dBias", C, 1, N) : null;
        p.Call(
            k => k.LayerNorm.Backward(dX, dWeight, dBias, dY, x, mean, rstd, weight),
            () => Reference.LayerNorm.Backward(dX, dWeight ?? new double[C], dBias ?? new double[C], dY, x, mean, rstd, weight, N, C));
    }

    private static void Dropout(Problem p, IReadOnlyList<int> shape, bool isBackward)
    {
        var (N, C) = (shape[0], shape[1]);
        var key = new DropoutKey((ulong)p.Random.NextInt64(), (uint)p.Random.Next(100), (uint)p.Random.Next(100), (uint)p.Random.Next(100), p.Choose("probability", 0.1f, 0.5f, 0f));
        Operand x = p.Input("x", N, C), y = p.Overwritten("y", N, C, isStored: true);
        var residual = !isBackward && p.Choose("residual", true, false) ? p.Input("residual", N, C, isStored: true) : null;
        p.Call(
            k =>
            {
                if (isBackward) k.Dropout.Backward(y, x, key);
                else k.Dropout.Forward(y, x, key, residual);
            },
            () => Reference.Dropout.Forward(y, x, residual, key.Seed, key.Stream, key.Step, key.FirstRow, key.Probability, N, C));
    }

    private static void Gather(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C) = (shape[0], shape[1]);
        var rows = p.Indices(N, N);
        // Copied bit by bit, or rounded.
        Operand x = p.Input("x", N, C), y = p.Overwritten("y", N, C, p.Storage == ElementType.Float32 ? 0 : 1, isStored: true);
        p.Call(k => k.Elementwise.Gather(y, x, rows), () => Reference.Elementwise.Gather(y, x, rows.Values, C));
    }

    private static void ScatterAdd(Problem p, IReadOnlyList<int> shape)
    {
        var (N, C) = (shape[0], shape[1]);
        int[] order = [.. Enumerable.Range(0, N)];
        p.Random.Shuffle(order);
        var rows = p.Indices(order[..((N + 1) / 2)]);
        Operand dY = p.Input("dY", rows.Values.Length, C), dX = p.Accumulated("dX", N, C);
        p.Call(k => k.Elementwise.ScatterAdd(dX, dY, rows), () => Reference.Elementwise.ScatterAdd(dX, dY, rows.Values, C));
    }

    private static double[] Rounded(double[] values) => Array.ConvertAll(values, value => (double)(float)value);
}
