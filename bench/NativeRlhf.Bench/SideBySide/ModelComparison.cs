using System.Diagnostics;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>Training steps and generation against PyTorch.</summary>
internal static class ModelComparison
{
    public static void Train(Table table, ComputeDevice device, TorchPeer? peer, HostLimits limits, int rounds, string filter)
    {
        table.Begin("training step", "ours", "PyTorch", "ratio", "best runs' ratio", "of the floor");
        foreach (var shape in Shape.All)
        {
            if (!shape.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            using var subject = new Subject(device, shape);
            peer?.Request(shape.Request);
            int steps = shape.Vocabulary > 10000 ? 1 : 8;
            for (int i = 0; i < 2 * steps; i++) subject.Train();
            for (int i = 0; i < 2; i++) peer?.Request("train");
            var paired = Stopwatches.Alternate(
                rounds, () => Mean(steps, () => Seconds(subject.Train)), () => Mean(steps, () => peer?.Request("train") ?? double.NaN),
                () => 1 / shape.Floor(limits));
            table.Row($"{shape.Name}, V = {shape.Vocabulary:N0}, B = {shape.Batch}, T = {shape.Length}", $"{1e3 * paired.Ours:F1} ms", $"{1e3 * paired.Theirs:F1} ms", $"{paired.Ratio:F2}", $"{paired.BestRatio:F2}", $"{paired.Possible:F2} × {1e3 * paired.Ours / paired.Possible:F1} ms");
        }

        table.End();
    }

    public static void Generate(Table table, ComputeDevice device, TorchPeer? peer, HostLimits limits, int rounds, string filter)
    {
        table.Begin("generation of 32 tokens after 16", "ours", "PyTorch", "ratio", "best runs' ratio", "weights read at", "of the limit");
        foreach (var shape in Shape.All)
        {
            if (!shape.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            using var subject = new Subject(device, shape);
            peer?.Request(shape.Request);
            foreach (int sequences in (int[])[1, shape.Vocabulary > 10000 ? 16 : 64])
            {
                int repeats = shape.Vocabulary > 10000 ? 1 : 4;
                for (int i = 0; i < 2 * repeats; i++) subject.Generate(sequences);
                peer?.Request($"generate {sequences}");
                // Every token of the answer reads all weights. All tokens but the last go through the layers, and 32 through the head.
                double head = (double)shape.Vocabulary * shape.Width, bytes = 4.0 * 32 * shape.Parameters;
                double flops = 2.0 * sequences * ((47 * (shape.Parameters - head)) + (32 * head));
                var paired = Stopwatches.Alternate(
                    rounds, () => Mean(repeats, () => Seconds(() => subject.Generate(sequences))), () => Mean(repeats, () => peer?.Request($"generate {sequences}") ?? double.NaN),
                    () => Math.Min(limits.Read() / bytes, limits.Flops() / flops));
                // Smaller weights stay in a cache.
                string share = 4 * shape.Parameters < 1 << 28 ? "" : $"{100 / paired.Possible:F0} %";
                table.Row($"{shape.Name}, {sequences} at once", $"{32 * sequences / paired.Ours:N0} tokens/s", $"{32 * sequences / paired.Theirs:N0} tokens/s", $"{paired.Ratio:F2}", $"{paired.BestRatio:F2}", $"{bytes / paired.Ours / 1e9:F1} GB/s", share);
            }
        }

        table.End();
    }

    private static double Seconds(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Mean(int count, Func<double> seconds)
    {
        double sum = 0;
        for (int i = 0; i < count; i++) sum += seconds();
        return sum / count;
    }
}
