using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Optimization;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>Every op of a training step alone, in the shapes of a model: its time, how often it comes, and its share of what the machine could do.</summary>
internal static class OpTimes
{
    public static void Run(Table table, ComputeDevice device, HostLimits limits, string filter)
    {
        foreach (var shape in Shape.All)
        {
            if (!shape.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            Run(table, device, limits, shape);
        }
    }

    private static void Run(Table table, ComputeDevice device, HostLimits limits, Shape shape)
    {
        int n = shape.Rows, c = shape.Width, v = shape.Vocabulary, l = shape.Layers, block = Math.Min(n, 256), blocks = n / block;
        using var arena = device.AllocateArena((24L * n * c) + (40L * c * c) + (6L * v * c) + (2L * block * v) + (1 << 20));
        using var activationsLayout = new SequenceLayout(device);
        activationsLayout.Set([.. Enumerable.Range(0, shape.Batch + 1).Select(s => s * shape.Length)]);
        using var tokens = device.AllocateIndices(n);
        using var positions = device.AllocateIndices(n);
        var random = new Random(42);
        tokens.Set([.. Enumerable.Range(0, n).Select(_ => random.Next(v))]);
        positions.Set([.. Enumerable.Range(0, n).Select(i => i % shape.Length)]);
        Tensor T(int rows, int cols)
        {
            var tensor = arena.Take(rows, cols);
            foreach (ref float value in tensor.HostSpan) value = random.NextSingle() - 0.5f;
            return tensor;
        }

        Tensor x = T(n, c), y = T(n, c), dX = T(n, c), wide = T(n, 3 * c), dWide = T(n, 3 * c), inner = T(n, 4 * c), inner2 = T(n, 4 * c);
        Tensor mean = T(n, 1), rstd = T(n, 1), lse = T(n, shape.Heads), g = T(1, c), b = T(1, c), wideBias = T(1, 4 * c);
        Tensor w4 = T(c, 4 * c), dW4 = T(c, 4 * c), table2 = T(v, c), dTable = T(v, c), logits = T(block, v), logprobs = T(block, 1), lseV = T(block, 1), pos = T(1024, c);
        Tensor w3 = w4.Reshape(c, 3 * c), dW3 = dW4.Reshape(c, 3 * c), w1 = w4.Reshape(c, c), dW1 = dW4.Reshape(c, c), w4t = w4.Reshape(4 * c, c), dW4t = dW4.Reshape(4 * c, c), b3 = wideBias.Reshape(1, 3 * c);
        var k = device.Kernels;
        double sum = 0;
        table.Heading($"Ops of a training step: {shape.Name}, {n:N0} rows, {device.Team.Threads} threads");
        table.Begin("op", "times", "each", "together", "rate", "of the limit");
        double attention = 2.0 * 2 * n * (shape.Length + 1) / 2 * c;
        Flops("matmul qkv y", l, 6.0 * n * c * c, () => k.MatMul.Forward(wide, x, w3, b3));
        Flops("matmul qkv dX", l, 6.0 * n * c * c, () => k.MatMul.BackwardInput(dX, wide, w3));
        Flops("matmul qkv dW", l, 6.0 * n * c * c, () => k.MatMul.BackwardWeight(dW3, b3, x, wide));
        Flops("matmul proj y", l, 2.0 * n * c * c, () => k.MatMul.Forward(y, x, w1, b, residual: x));
        Flops("matmul proj dX", l, 2.0 * n * c * c, () => k.MatMul.BackwardInput(dX, x, w1));
        Flops("matmul proj dW", l, 2.0 * n * c * c, () => k.MatMul.BackwardWeight(dW1, b, x, y));
        Flops("matmul fc y, GELU", l, 8.0 * n * c * c, () => k.MatMul.Forward(inner, x, w4, wideBias, activated: inner2, kind: ActivationKind.GeluTanh));
        Flops("matmul fc dX", l, 8.0 * n * c * c, () => k.MatMul.BackwardInput(dX, inner, w4));
        Flops("matmul fc dW", l, 8.0 * n * c * c, () => k.MatMul.BackwardWeight(dW4, wideBias, x, inner));
        Flops("matmul out y", l, 8.0 * n * c * c, () => k.MatMul.Forward(y, inner, w4t, b, residual: x));
        Flops("matmul out dX", l, 8.0 * n * c * c, () => k.MatMul.BackwardInput(inner2, x, w4t));
        Flops("matmul out dW", l, 8.0 * n * c * c, () => k.MatMul.BackwardWeight(dW4t, b, inner, x));
        Flops("head logits", blocks, 2.0 * block * c * v, () => k.MatMul.Forward(logits, x.Slice(0, block), table2, default, WeightLayout.OutIn));
        Bytes("head log-probabilities", blocks, 4.0 * block * v, () => k.LogProb.Forward(logprobs, lseV, Tensor.None, logits, tokens.View.SubView(0, block), 1));
        Bytes("head gradient", blocks, 8.0 * block * v, () => k.LogProb.Backward(logits, logprobs, lseV, logits, tokens.View.SubView(0, block), 1));
        Fill(logits);
        Flops("head dX", blocks, 2.0 * block * c * v, () => k.MatMul.BackwardInput(dX.Slice(0, block), logits, table2, WeightLayout.OutIn));
        Flops("head dW", blocks, 2.0 * block * c * v, () => k.MatMul.BackwardWeight(dTable, Tensor.None, x.Slice(0, block), logits, WeightLayout.OutIn));
        Flops("attention", l, attention, () => k.Attention.Forward(y, lse, wide, activationsLayout, shape.Heads));
        Flops("attention gradient", l, 2.5 * attention, () => k.Attention.Backward(dWide, x, y, lse, wide, activationsLayout, shape.Heads));
        Bytes("layer norm", (2 * l) + 1, 8.0 * n * c, () => k.LayerNorm.Forward(y, mean, rstd, x, g, b, 1e-5f));
        Bytes("layer norm gradient", (2 * l) + 1, 16.0 * n * c, () => k.LayerNorm.Backward(dX, g, b, y, x, mean, rstd, g));
        Bytes("GELU gradient", l, 12.0 * n * 4 * c, () => k.Activation.Backward(inner2, inner2, inner, ActivationKind.GeluTanh));
        Bytes("embedding", 1, 12.0 * n * c, () => k.Embedding.Forward(y, tokens.View, positions.View, table2, pos));
        Bytes("embedding gradient", 1, 12.0 * n * c, () => k.Embedding.Backward(dTable, pos, y, tokens.View, positions.View));
        using var model = new Gpt(device, shape.Config);
        using var optimizer = new AdamWOptimizer(model, new AdamWSettings());
        double parameters = model.Weights.All.Length;
        Bytes("gradient to zero", 1, 4 * parameters, optimizer.ZeroGradients);
        Bytes("gradient norm", 1, 4 * parameters, () => optimizer.GradientNorm());
        Bytes("AdamW, with norm", 1, 32 * parameters, () => optimizer.Step(1e-4));
        table.End($"Together {1e3 * sum:F1} ms.");

        void Flops(string name, int times, double flops, Action work) => Row(name, times, work, flops, limits.Flops, rate => $"{rate / 1e9:F0} GFLOP/s");
        void Bytes(string name, int times, double bytes, Action work) => Row(name, times, work, bytes, limits.Copy, rate => $"{rate / 1e9:F1} GB/s");

        void Row(string name, int times, Action work, double units, Func<double> limit, Func<double, string> text)
        {
            Stopwatches.Time(work, 0.15);
            double before = limit();
            Stopwatches.Rest();
            double seconds = Stopwatches.Median([.. Enumerable.Range(0, 5).Select(_ => Stopwatches.Time(work, 0.01))]), rate = units / seconds;
            sum += times * seconds;
            table.Row(name, $"{times}", $"{1e3 * seconds:F3} ms", $"{1e3 * times * seconds:F2} ms", text(rate), $"{100 * rate / Math.Max(before, limit()):F0} %");
        }

        void Fill(Tensor tensor)
        {
            foreach (ref float value in tensor.HostSpan) value = random.NextSingle() - 0.5f;
        }
    }
}
