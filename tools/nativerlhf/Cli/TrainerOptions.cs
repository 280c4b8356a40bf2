using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Cli;

/// <summary>The options of every trainer, and what they all do around the training itself.</summary>
internal sealed class TrainerOptions
{
    private readonly Option<string?> _config = new("--config") { Description = "configuration file (JSON; comments allowed)", HelpName = "file" };
    private readonly Option<string[]> _set = new("--set") { Description = "a setting that wins over the file (repeatable)", HelpName = "key=value" };
    private readonly Option<string> _out = new("--out") { Description = "folder of the run", Required = true, HelpName = "dir" };
    private readonly Option<bool> _resume = new("--resume") { Description = "continue the run in --out" };
    private readonly Option<string?> _preset = new("--preset") { Description = "named settings below those of the file", HelpName = "name" };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "folder of the tokenizer, if not the model's own", HelpName = "dir" };
    private readonly AdapterOption _adapter;
    private readonly ComputeOptions _compute;
    private readonly string _command;

    public TrainerOptions(Command command)
    {
        foreach (Option option in new Option[] { _out, _config, _set, _preset, _resume, _tokenizer }) command.Options.Add(option);
        _adapter = new AdapterOption(command, "directory of an adapter over the model, to be trained further (PEFT's layout)");
        _compute = new ComputeOptions(command);
        _command = command.Name;
    }

    public ComputeDevice Open(ParseResult result) => _compute.Open(result);

    public ulong Seed(ParseResult result) => _compute.Seed(result);

    public T Load<T>(ParseResult result)
        where T : TrainerConfiguration, new() =>
        ConfigurationLoader.Load<T>(result.GetValue(_config), result.GetValue(_set), result.GetValue(_preset));

    /// <summary>Gives the model the adapter that the command line names, if there is one.</summary>
    /// <returns>The configuration, which says what the adapter is.</returns>
    public T Adapt<T>(ParseResult result, Gpt model, T configuration)
        where T : TrainerConfiguration => _adapter.Attach(result, model, configuration);

    /// <summary>The tokenizer that goes with a model directory; null where there is none and rows are token ids.</summary>
    public TextTokenizer? Tokenizer(ParseResult result, string modelDirectory) =>
        result.GetValue(_tokenizer) is { } directory ? TextTokenizer.Load(directory) : TextTokenizer.TryLoad(modelDirectory);

    /// <summary>
    /// Makes the run directory, writes its configuration, trains under a progress bar, and says what came of it. Ctrl-C ends
    /// the run after the step under way, with a checkpoint.
    /// </summary>
    /// <param name="result">The command line.</param>
    /// <param name="device">The device.</param>
    /// <param name="configuration">The resolved configuration.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    /// <param name="notes">What was read, for the log and the screen.</param>
    /// <param name="create">Makes the trainer.</param>
    /// <param name="planner">Plans the run's memory, which the log then has beside what was used; or null.</param>
    public int Train(
        ParseResult result, ComputeDevice device, TrainerConfiguration configuration, TextTokenizer? tokenizer, IEnumerable<string> notes, Func<TrainingRun, Trainer> create,
        RunPlanner? planner = null)
    {
        string path = result.GetValue(_out)!;
        bool resume = result.GetValue(_resume);
        using var directory = RunDirectory.Open(path, resume);
        if (resume && directory.IsFinished)
        {
            Console.WriteLine($"{path}: the run is finished; its model is {directory.FinalPath}");
            return ExitCodes.Done;
        }

        var resolved = new JsonObject
        {
            ["command"] = _command,
            ["configuration"] = ConfigurationLoader.ToJson(configuration),
            ["seed"] = Seed(result),
            ["device"] = device.Name,
            ["kernels"] = new JsonObject(device.Kernels.Chosen.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
            ["versions"] = Versions.ToJson(),
        };
        if (resume) CheckSame(directory, resolved);
        else directory.WriteConfiguration(resolved);
        foreach (string note in notes)
        {
            Console.WriteLine(note);
            directory.Log(note);
        }

        var plan = planner?.Plan();
        if (plan is not null)
        {
            directory.Log($"memory planned: {plan.MemoryLine()}");
            directory.Log($"a step: {plan.WorkLine()}");
            if (plan.Bytes > device.MemorySize)
                Console.Error.WriteLine($"the run takes {RunPlan.Format(plan.Bytes)} and the device has {RunPlan.Format(device.MemorySize)}; lower batchSize, microBatchSize or maxLength, or see: nativerlhf plan --help");
        }

        using var cancel = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        using var progress = new ProgressView(_command);
        using var trainer = create(new TrainingRun(directory, Seed(result), tokenizer, resume, progress.Report, cancel.Token));
        directory.Log($"{_command} on {device.Name}, {trainer.TotalSteps} steps");
        progress.Run(() => trainer.Train());
        if (progress.Times is { } times)
        {
            directory.Log(times);
            Console.WriteLine(times);
        }

        string memory = $"memory: {(plan is null ? "" : $"planned {RunPlan.Format(plan.Bytes)}, ")}used {RunPlan.Format(device.Memory.Peak)}";
        directory.Log(memory);
        Console.WriteLine(memory);
        directory.Log("finished");
        Console.WriteLine($"done: {directory.FinalPath}");
        return ExitCodes.Done;

        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true;
            cancel.Cancel();
        }
    }

    /// <summary>A run continues with the settings that it began with: anything else would not end with the same bits.</summary>
    private static void CheckSame(RunDirectory directory, JsonObject resolved)
    {
        var stored = directory.ReadConfiguration();
        foreach (string key in (string[])["command", "seed"])
        {
            if (stored[key]?.ToJsonString() != resolved[key]?.ToJsonString())
                throw new InputException($"{directory.ConfigurationPath}: the run has {key} {stored[key]?.ToJsonString()}, not {resolved[key]?.ToJsonString()}; resume with the same");
        }

        if (stored["configuration"] is not JsonObject before) throw new InputException($"{directory.ConfigurationPath}: has no configuration; the run cannot be resumed");
        foreach (var (key, value) in (JsonObject)resolved["configuration"]!)
        {
            if (before[key]?.ToJsonString() != value?.ToJsonString())
                throw new InputException($"{directory.ConfigurationPath}: the run has {key} {before[key]?.ToJsonString() ?? "null"}, not {value?.ToJsonString() ?? "null"}; resume with the same settings");
        }
    }
}
