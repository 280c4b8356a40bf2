using System.CommandLine;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Rewards;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.KernelTools;

/// <summary>Where the time of a training step goes.</summary>
internal static class StepProfile
{
    private const string Small = "small";

    // The first steps compile code and fault memory in; the last one is recorded.
    private const int Steps = 4;

    public static Command Create()
    {
        var command = new Command("profile", """
            Runs a few training or PPO steps on random tokens and says where the time of the last one went: calls, launches, time, share,
            bytes, operations and the share of the roofline of every op. A trace of all calls opens in chrome://tracing or Perfetto.

            Example:  nativerlhf kernels profile --step ppo --model-shape small --out trace.json
            """);
        var step = new Option<string>("--step") { Description = "train or ppo", DefaultValueFactory = _ => "train", HelpName = "name" };
        step.AcceptOnlyFromAmong("train", "ppo");
        var model = new Option<string?>("--model") { Description = "model directory", HelpName = "dir" };
        var shape = new Option<string?>("--model-shape") { Description = $"a shape by name: {Small} (4 layers of 128), {string.Join(", ", ModelSizes.Names)} (default: {Small})", HelpName = "name" };
        var set = new Option<string[]>("--set") { Description = "a setting of the trainer (repeatable)", HelpName = "key=value" };
        var output = new Option<string?>("--out") { Description = "file of the trace (JSON)", HelpName = "file" };
        var json = new Option<bool>("--json") { Description = "one JSON object" };
        foreach (Option option in new Option[] { step, model, shape, set, output, json }) command.Options.Add(option);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            if (result.GetValue(model) is not null && result.GetValue(shape) is not null) throw new InputException("give either --model DIR or --model-shape NAME");
            using var device = compute.Open(result, isRecorded: true);
            string name = result.GetValue(step)!;
            if (result.GetValue(output) is { } trace) OutputFolder.MustBeWritable(trace);
            var runner = new StepRunner(device, result.GetValue(model), Shape(result.GetValue(shape)), compute.Seed(result), result.GetValue(set) ?? []);
            var (calls, seconds, waits) = name == "ppo" ? runner.Ppo() : runner.Train();
            var limits = DeviceLimits.Measure(device);
            if (result.GetValue(output) is { } file) AtomicFile.WriteText(file, ChromeTrace.Make(device.Name, $"{name} step", seconds, calls).ToJsonString(JsonStyle.Line) + "\n");
            Line[] lines = [.. calls.GroupBy(call => call.Name).Select(group => new Line(group.Key, [.. group], limits)).OrderByDescending(line => line.Seconds)];
            if (result.GetValue(json)) Console.WriteLine(Json(device, name, seconds, waits, lines).ToJsonString(JsonStyle.Line));
            else Write(device, name, seconds, waits, lines);
            return ExitCodes.Done;
        });
        return command;
    }

    private static GptConfig Shape(string? name) => name is null or Small
        ? new GptConfig { Layers = 4, Heads = 4, Width = 128, Inner = 512, Positions = 256, VocabularySize = 1024 }
        : ModelSizes.Named(name);

    private static void Write(ComputeDevice device, string step, double seconds, long waits, Line[] lines)
    {
        double inside = lines.Sum(line => line.Seconds);
        Console.WriteLine($"{device.Name}: a {step} step takes {Figures.Time(seconds)}, of which {Figures.Percent(inside / seconds)} in ops");
        Console.WriteLine($"{lines.Sum(line => line.Launches):N0} kernels were launched, and the host waited for the device {waits:N0} times");
        var table = new ResultTable("<op", "calls", "launches", "time", "share", "MB", "GFLOP", "rate", "of the roofline");
        foreach (var line in lines)
        {
            table.Add(
                line.Seconds / seconds, line.Name, $"{line.Calls:N0}", $"{line.Launches:N0}", Figures.Time(line.Seconds), Figures.Percent(line.Seconds / seconds), $"{line.Bytes / 1e6:N1}", $"{line.Flops / 1e9:N2}",
                Figures.Rate(line.Flops, line.Bytes, line.Seconds), Figures.Percent(line.Roofline));
        }

        table.Write();
    }

    private static JsonObject Json(ComputeDevice device, string step, double seconds, long waits, Line[] lines) => new()
    {
        ["device"] = device.Name,
        ["ilgpu"] = Versions.Ilgpu,
        ["step"] = step,
        ["seconds"] = seconds,
        ["launches"] = lines.Sum(line => line.Launches),
        ["host_waits"] = waits,
        ["ops"] = new JsonArray([.. lines.Select(line => (JsonNode)new JsonObject
        {
            ["op"] = line.Name,
            ["calls"] = line.Calls,
            ["launches"] = line.Launches,
            ["seconds"] = line.Seconds,
            ["share"] = line.Seconds / seconds,
            ["bytes"] = line.Bytes,
            ["flops"] = line.Flops,
            ["roofline"] = line.Roofline,
        })]),
    };

    /// <summary>All calls of one op's method.</summary>
    private sealed record Line(string Name, OpCall[] All, DeviceLimits Limits)
    {
        public int Calls => All.Length;

        public int Launches { get; } = All.Sum(call => call.Launches);

        public double Seconds { get; } = All.Sum(call => call.Seconds);

        public double Bytes { get; } = All.Sum(call => call.Bytes);

        public double Flops { get; } = All.Sum(call => call.Flops);

        public double Roofline => All.Sum(call => Limits.LeastSeconds(call.Flops, call.Bytes)) / Seconds;
    }

    /// <summary>Runs the steps.</summary>
    private sealed class StepRunner(ComputeDevice device, string? directory, GptConfig shape, ulong seed, string[] settings)
    {
        private readonly Random _random = new(unchecked((int)seed));
        private OpRecording? _recording;
        private (IReadOnlyList<OpCall> Calls, double Seconds, long Waits) _recorded;

        /// <summary>A step of next-token training: 8 sequences of up to 128 tokens.</summary>
        public (IReadOnlyList<OpCall> Calls, double Seconds, long Waits) Train()
        {
            int length = Math.Min(128, Config.Positions);
            var configuration = Load<PretrainConfiguration>("batchSize=8", $"maxLength={length}");
            using var model = Model(configuration.TrainedPrecision());
            TokenRow[] rows = [.. Enumerable.Range(0, configuration.BatchSize).Select(_ => new TokenRow(Tokens(model.Config, (configuration.MaxLength ?? length) + 1), 1))];
            Run(run =>
            {
                using var trainer = new LanguageModelTrainer(configuration, run, model, rows, []);
                trainer.Train();
            });
            return _recorded;
        }

        /// <summary>A step of PPO: 16 answers of 32 tokens to prompts of 16, with a value function and a reward model.</summary>
        public (IReadOnlyList<OpCall> Calls, double Seconds, long Waits) Ppo()
        {
            var configuration = Load<PpoConfiguration>("batchSize=16", "miniBatchSize=16", "responseLength=32");
            using var policy = Model(configuration.TrainedPrecision());
            using var reference = Model(configuration.FrozenPrecision());
            using var value = NewModel(policy.Config);
            using var scorer = NewModel(reference.Config);
            EncodedPrompt[] prompts = [.. Enumerable.Range(0, configuration.BatchSize).Select(i => new EncodedPrompt(Tokens(policy.Config, 16), "", [], new RowPlace("random prompts", i + 1)))];
            using var workspace = PpoTrainer.PlanWorkspace(device, policy.Config, configuration, prompts, []);
            using var reward = new RewardModel(scorer, new SequenceScorer(workspace));
            Run(run =>
            {
                using var trainer = new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, [], workspace);
                trainer.Train();
            });
            return _recorded;
        }

        private GptConfig Config => directory is null ? shape : GptConfig.Load(Path.Combine(directory, "config.json"));

        private Gpt Model(ModelPrecision precision) =>
            directory is null ? NewModel(shape with { Precision = precision }, hasScore: false) : ModelDirectory.Load(device, directory, ScoreHead.None, precision);

        private Gpt NewModel(GptConfig config, bool hasScore = true)
        {
            var model = new Gpt(device, config, hasScore);
            Initialization.Initialize(model, seed);
            return model;
        }

        private int[] Tokens(GptConfig config, int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(config.VocabularySize))];

        /// <summary>The settings of the command line over those of this profile.</summary>
        private T Load<T>(params string[] defaults)
            where T : TrainerConfiguration, new()
        {
            if (settings.Any(setting => setting.Split('=')[0] is "steps" or "epochs"))
                throw new InputException($"--set: a profile runs {Steps} steps and records the last one; leave out steps and epochs");
            string[] all = [.. defaults, "evalEvery=0", "checkpointEvery=0"];
            string[] kept = [.. all.Where(setting => !settings.Any(own => own.Split('=')[0] == setting.Split('=')[0])), $"steps={Steps}"];
            return ConfigurationLoader.Load<T>(sets: [.. kept, .. settings]);
        }

        private void Run(Action<TrainingRun> train)
        {
            string folder = Directory.CreateTempSubdirectory("nativerlhf-profile").FullName;
            try
            {
                using var run = RunDirectory.Create(Path.Combine(folder, "run"));
                run.WriteConfiguration(new JsonObject { ["seed"] = seed });
                train(new TrainingRun(run, seed, null, OnStep: OnStep));
            }
            finally
            {
                _recording?.Dispose();
                Directory.Delete(folder, recursive: true);
            }
        }

        private void OnStep(StepReport report)
        {
            if (report.Step == report.Steps - 1)
            {
                _recording = OpRecording.Begin(device);
            }
            else if (_recording is not null)
            {
                long waits = _recording.Waits;
                double seconds = _recording.Elapsed();
                _recorded = (_recording.Calls(), seconds, waits);
                _recording.Dispose();
                _recording = null;
            }
        }
    }
}
