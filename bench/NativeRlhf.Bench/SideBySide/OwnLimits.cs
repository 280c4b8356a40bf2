using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Training;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>What is held against our own limits rather than against a peer: threads, memory, attention over length, a PPO step.</summary>
internal static class OwnLimits
{
    /// <summary>One thread against all, the training step of the largest shape.</summary>
    public static void Threads(Table table, HostLimits limits, int threads, int rounds, string filter)
    {
        using var alone = new HostLimits(1);
        table.Begin("training step", "1 thread", $"{threads} threads", "ratio", "best runs' ratio", "the floors' ratio");
        foreach (var shape in Shape.All)
        {
            if (!shape.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
            using var one = Open(1);
            using var all = Open(threads);
            using var slow = new Subject(one, shape);
            using var fast = new Subject(all, shape);
            List<double> floors = [];
            var paired = Stopwatches.Alternate(rounds, () => Stopwatches.Time(fast.Train), () =>
            {
                double seconds = Stopwatches.Time(slow.Train);
                floors.Add(shape.Floor(alone) / shape.Floor(limits));
                return seconds;
            });
            table.Row(shape.Name, $"{1e3 * paired.Theirs:F1} ms", $"{1e3 * paired.Ours:F1} ms", $"{paired.Ratio:F2}", $"{paired.BestRatio:F2}", $"{Stopwatches.Median(floors):F2}");
        }

        using var device = Open(threads);
        double seconds = Stopwatches.Median([.. Enumerable.Range(0, rounds).Select(_ => Stopwatches.Time(() => device.Team.For(threads, default(Nothing))))]);
        table.End($"An empty parallel region of {threads} items takes {1e6 * seconds:F2} µs.");
    }

    /// <summary>Attention of width 128 with 4 heads at 4,096 rows times length: time for the same work should not depend on the length.</summary>
    public static void Attention(Table table, ComputeDevice device, int rounds)
    {
        const int Width = 128, Heads = 4, Work = 4096 * 4096;
        int[] lengths = [128, 256, 512, 1024, 2048, 4096];
        double[,] times = new double[lengths.Length, 2];
        table.Begin("length", "rows", "forward", "backward", "forward, time per work against T = 128", "backward");
        for (int i = 0; i < lengths.Length; i++)
        {
            int length = lengths[i], rows = Work / length;
            using var arena = device.AllocateArena((9L * rows * Width) + (rows * Heads) + 1024);
            var random = new Random(42);
            Tensor qkv = Random(3 * Width), y = Random(Width), dY = Random(Width), dQkv = Random(3 * Width), lse = Random(Heads);
            using var layout = new SequenceLayout(device);
            layout.Set([.. Enumerable.Range(0, (rows / length) + 1).Select(s => s * length)]);
            // The causal half: pairs of a query and a key that it sees.
            double work = (double)rows * (length + 1) / 2;
            times[i, 0] = Best(() => device.Kernels.Attention.Forward(y, lse, qkv, layout, Heads)) / work;
            times[i, 1] = Best(() => device.Kernels.Attention.Backward(dQkv, dY, y, lse, qkv, layout, Heads)) / work;
            table.Row(
                $"{length:N0}", $"{rows:N0}", Rate(times[i, 0], 4), Rate(times[i, 1], 10), $"{times[i, 0] / times[0, 0]:F2}", $"{times[i, 1] / times[0, 1]:F2}");

            Tensor Random(int columns)
            {
                var tensor = arena.Take(rows, columns);
                foreach (ref float value in tensor.HostSpan) value = random.NextSingle() - 0.5f;
                return tensor;
            }
        }

        table.End("GFLOP/s count the causal half: 4·C operations a pair forward, 10·C backward.");

        double Best(Action action) => Stopwatches.Median([.. Enumerable.Range(0, rounds).Select(_ => Stopwatches.Time(action))]);
        static string Rate(double secondsPerPair, int factor) => $"{factor * Width / secondsPerPair / 1e9:F0} GFLOP/s";
    }

    /// <summary>Where the time of a PPO step goes: 4 × 128, 64 answers of 32 tokens to prompts of 16, four models.</summary>
    public static void Ppo(Table table, ComputeDevice device)
    {
        var config = Shape.All[0].Config;
        var random = new Random(42);
        EncodedPrompt[] prompts = [.. Enumerable.Range(0, 64).Select(_ => new EncodedPrompt([.. Enumerable.Range(0, 16).Select(_ => random.Next(config.VocabularySize))], "", [], default))];
        table.Begin("inner epochs", "a step", "rollout", "scoring", "update");
        foreach (int epochs in (int[])[1, 4])
        {
            var configuration = ConfigurationLoader.Load<PpoConfiguration>(
                sets: [$"batchSize=64", "miniBatchSize=64", $"innerEpochs={epochs}", "responseLength=32", "steps=8", "evalEvery=0", "checkpointEvery=0", "learningRate=1e-5"]);
            using var policy = Model();
            using var reference = Model();
            using var value = Model(hasScore: true);
            using var scorer = Model(hasScore: true);
            using var workspace = PpoTrainer.PlanWorkspace(device, config, configuration, prompts, []);
            using var reward = new RewardModel(scorer, new SequenceScorer(workspace));
            string folder = Directory.CreateTempSubdirectory("nativerlhf-bench").FullName;
            double[] sums = new double[3];
            int steps = 0;
            using (var directory = RunDirectory.Create(Path.Combine(folder, "run")))
            {
                directory.WriteConfiguration(new JsonObject { ["seed"] = 42 });
                var run = new TrainingRun(directory, 42, null, OnStep: report =>
                {
                    if (report.Step <= 3) return;
                    steps++;
                    string[] names = ["time/rollout", "time/score", "time/update"];
                    for (int i = 0; i < names.Length; i++) sums[i] += report.Metrics[names[i]];
                });
                using var trainer = new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, [], workspace);
                trainer.Train();
            }

            Directory.Delete(folder, recursive: true);
            double total = sums.Sum();
            table.Row($"{epochs}", $"{1e3 * total / steps:F0} ms", Share(sums[0]), Share(sums[1]), Share(sums[2]));
            string Share(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part / total:F0} %");
        }

        table.End();

        Gpt Model(bool hasScore = false)
        {
            var model = new Gpt(device, config, hasScore);
            Initialization.Initialize(model, 42);
            return model;
        }
    }

    /// <summary>Memory of a training step of the largest shape; to be run without other sections, whose memory would count too.</summary>
    public static void Memory(Table table, ComputeDevice device)
    {
        var shape = Shape.All[^1];
        using var subject = new Subject(device, shape);
        for (int i = 0; i < 3; i++) subject.Train();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < 5; i++) subject.Train();
        long allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / 5;
        using var process = Process.GetCurrentProcess();
        table.Line($"{shape.Name}: at most {process.PeakWorkingSet64 / 1e9:F2} GB resident; {allocated:N0} bytes of managed memory allocated a step.\n");
    }

    private static ComputeDevice Open(int threads) => ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads });

    private readonly struct Nothing : IParallelBody
    {
        public void Run(int index, int worker)
        {
        }
    }
}
