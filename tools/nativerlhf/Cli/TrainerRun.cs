using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Cli;

/// <summary>A run of a trainer: where it writes and how it begins, whether a command line says so or a plan.</summary>
/// <param name="Command">The trainer's command.</param>
/// <param name="Out">The folder of the run.</param>
/// <param name="Resume">Whether it is continued.</param>
/// <param name="Seed">The seed of everything random.</param>
/// <param name="Device">The device.</param>
/// <param name="TokenizerFolder">The folder of the tokenizer, if it is not the model's own.</param>
/// <param name="AdapterFolder">The directory of an adapter over the model, or null.</param>
/// <param name="Inputs">What the run reads, option by option, so that it is resumed with the same; null where a plan says so.</param>
/// <param name="Cancel">Ends the run after the step under way, with a checkpoint; null to do so on Ctrl-C.</param>
/// <param name="Quiet">Whether the screen gets a line for each evaluation and for the end, and nothing else; the log has all.</param>
internal sealed record TrainerRun(
    string Command, string Out, bool Resume, ulong Seed, ComputeDevice Device, string? TokenizerFolder = null, string? AdapterFolder = null, JsonObject? Inputs = null, CancellationToken? Cancel = null,
    bool Quiet = false)
{
    /// <summary>The tokenizer that goes with a model directory; null where there is none and rows are token ids.</summary>
    public TextTokenizer? Tokenizer(string modelDirectory) =>
        TokenizerFolder is { } folder ? TextTokenizer.Load(folder) : TextTokenizer.TryLoad(modelDirectory);

    /// <summary>Gives the model the adapter of the run, if there is one.</summary>
    /// <returns>The configuration, which says what the adapter is.</returns>
    public T Adapt<T>(Gpt model, T configuration)
        where T : TrainerConfiguration
    {
        if (AdapterFolder is not null) AdapterDirectory.Attach(model, AdapterFolder);
        return model.Adapter is { Settings: var settings } && configuration.LoraRank == 0
            ? configuration with { LoraRank = settings.Rank, LoraAlpha = settings.Alpha, LoraTargets = string.Join(',', settings.Targets) }
            : configuration;
    }

    /// <summary>
    /// Makes the run directory, writes its configuration, trains under a live panel, and says what came of it. Ctrl-C ends
    /// the run after the step under way, with a checkpoint.
    /// </summary>
    /// <param name="configuration">The resolved configuration.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    /// <param name="notes">What was read, for the log and the screen.</param>
    /// <param name="create">Makes the trainer.</param>
    /// <param name="planner">Plans the run's memory, which the log then has beside what was used; or null.</param>
    public int Train(TrainerConfiguration configuration, TextTokenizer? tokenizer, IEnumerable<string> notes, Func<TrainingRun, Trainer> create, RunPlanner? planner = null)
    {
        Device.Memory.RestartPeak();
        using var directory = RunDirectory.Open(Out, Resume);
        if (Resume && directory.IsFinished)
        {
            Console.WriteLine($"{Out}: the run is finished; its model is {directory.FinalPath}");
            return ExitCodes.Done;
        }

        RunConfiguration.WriteOrCheck(directory, Resume, Command, configuration, Seed, Device, Inputs);
        foreach (string note in notes)
        {
            Say(note);
            directory.Log(note);
        }

        using var interruption = Cancel is null ? new Interruption() : null;
        using var progress = new ProgressView(Command, Quiet);
        var (plan, made) = Prepare(new TrainingRun(directory, Seed, tokenizer, Resume, progress.Report, Cancel ?? interruption!.Token));
        using var trainer = made;
        directory.Log($"{Command} on {Device.Name}, {trainer.TotalSteps} steps");
        progress.Run(() => trainer.Train());
        if (progress.Times is { } times)
        {
            directory.Log(times);
            Say(times);
        }

        string memory = $"memory: {(plan is null ? "" : $"planned {RunPlan.Format(plan.Bytes)}, ")}used {RunPlan.Format(Device.Memory.Peak)}";
        directory.Log(memory);
        Say(memory);
        directory.Log("finished");
        Console.WriteLine($"done: {directory.FinalPath}");
        return ExitCodes.Done;

        void Say(string line)
        {
            if (!Quiet) Console.WriteLine(line);
        }

        (RunPlan? Plan, Trainer Trainer) Prepare(TrainingRun training)
        {
            try
            {
                var plan = planner?.Plan();
                if (plan is not null)
                {
                    directory.Log($"memory planned: {plan.MemoryLine()}");
                    directory.Log($"a step: {plan.WorkLine()}");
                    if (plan.Bytes > Device.MemorySize)
                        Console.Error.WriteLine($"the run takes {RunPlan.Format(plan.Bytes)} and the device has {RunPlan.Format(Device.MemorySize)}; lower batchSize, microBatchSize or maxLength, or see: nativerlhf plan --help");
                }

                return (plan, create(training));
            }
            catch (InputException) when (!Resume)
            {
                // A run that did not begin leaves no folder, so that the corrected command can be given as it is.
                directory.Dispose();
                Directory.Delete(Out, recursive: true);
                throw;
            }
        }
    }
}
