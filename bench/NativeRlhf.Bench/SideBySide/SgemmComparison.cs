using System.Globalization;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Kernels.Verification.Vendor;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>
/// The three products of a linear layer against OpenBLAS: square ones, and those of GPT-2 small and of a model of width 128
/// at 256 and 2,048 rows. Every product is y = x·W, dX = dY·Wᵀ or dW += xᵀ·dY.
/// </summary>
internal static class SgemmComparison
{
    private static readonly (string Name, int N, int IC, int OC)[] Shapes =
    [
        ("512 square", 512, 512, 512), ("1,024 square", 1024, 1024, 1024), ("2,048 square", 2048, 2048, 2048),
        .. Layers(768, 50257), .. Layers(128, 1024),
    ];

    public static void Run(Table table, ComputeDevice device, OpenBlas blas, HostLimits limits, int rounds, string filter)
    {
        double logs = 0, bestLogs = 0, worst = double.MaxValue;
        int count = 0;
        table.Begin("product", "N × IC × OC", "ours", "OpenBLAS", "ratio", "of the peak", "best runs' ratio");
        foreach (var (name, n, inputs, outputs) in Shapes)
        {
            if (!name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            using var arena = device.AllocateArena((2L * n * (inputs + outputs)) + (2L * inputs * outputs) + 1024);
            Tensor x = Random(arena, n, inputs), w = Random(arena, inputs, outputs), y = Random(arena, n, outputs), dX = Random(arena, n, inputs), dW = Random(arena, inputs, outputs);
            unsafe
            {
                fixed (float* px = x.HostSpan, pw = w.HostSpan, py = y.HostSpan, pdx = dX.HostSpan, pdw = dW.HostSpan)
                {
                    var (ax, aw, ay, adx, adw) = ((nint)px, (nint)pw, (nint)py, (nint)pdx, (nint)pdw);
                    var kernels = device.Kernels;
                    Compare("y", () => kernels.MatMul.Forward(y, x, w), () => blas.Multiply(n, outputs, inputs, ax, false, aw, false, 0, ay));
                    Compare("dX", () => kernels.MatMul.BackwardInput(dX, y, w), () => blas.Multiply(n, inputs, outputs, ay, false, aw, true, 0, adx));
                    Compare("dW", () => kernels.MatMul.BackwardWeight(dW, Tensor.None, x, y), () => blas.Multiply(inputs, outputs, n, ax, true, ay, false, 1, adw));
                }
            }

            void Compare(string product, Action ours, Action theirs)
            {
                Stopwatches.Time(ours, 0.3);
                Stopwatches.Time(theirs);
                var paired = Stopwatches.Alternate(rounds, () => Stopwatches.Time(ours), () => Stopwatches.Time(theirs), limits.Flops);
                double flops = 2.0 * n * inputs * outputs;
                logs += Math.Log(paired.Ratio);
                bestLogs += Math.Log(paired.BestRatio);
                worst = Math.Min(worst, paired.Ratio);
                count++;
                table.Row($"{name} {product}", string.Create(CultureInfo.InvariantCulture, $"{n:N0} × {inputs:N0} × {outputs:N0}"), $"{flops / paired.Ours / 1e9:F0} GFLOP/s", $"{flops / paired.Theirs / 1e9:F0} GFLOP/s", $"{paired.Ratio:F2}", $"{100 * flops / paired.Possible:F0} %",
                    $"{paired.BestRatio:F2}");
            }
        }

        table.End($"Geometric mean of the ratios {Math.Exp(logs / count):F3} (of the best runs {Math.Exp(bestLogs / count):F3}), least {worst:F2}.");
    }

    private static IEnumerable<(string Name, int N, int IC, int OC)> Layers(int width, int vocabulary)
    {
        foreach (int rows in (int[])[256, 2048])
        {
            yield return ($"width {width}, qkv", rows, width, 3 * width);
            yield return ($"width {width}, proj", rows, width, width);
            yield return ($"width {width}, fc", rows, width, 4 * width);
            yield return ($"width {width}, out", rows, 4 * width, width);
            // The vocabulary head works in blocks of 256 rows.
            if (rows == 256) yield return ($"width {width}, head", rows, width, vocabulary);
        }
    }

    private static Tensor Random(Arena arena, int rows, int columns)
    {
        var tensor = arena.Take(rows, columns);
        var random = new Random(42);
        foreach (ref float value in tensor.HostSpan) value = random.NextSingle() - 0.5f;
        return tensor;
    }
}
