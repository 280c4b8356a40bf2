using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>A reward model from rankings.</summary>
internal static class RewardCommand
{
    public static Command Create()
    {
        var command = new Command("reward", """
            Trains a reward model on rankings of K answers or on pairs. A model without score.weight gets a new head.

            With --set ensemble=n it trains n of them, whose seeds differ; they are final/member-0 and so on.

            Example:  nativerlhf reward --model runs/sft/final --data comparisons.jsonl --eval-data held-out.jsonl --out runs/reward
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt, chosen and rejected, or prompt, completions and ranks");
        data.Required = true;
        var evalData = PretrainCommand.DataOption("--eval-data", "held-out rows");
        var referenceData = PretrainCommand.DataOption("--reference-data", "demonstrations by whose scores the model is normalised, with normalization bias or unit (default: the best-ranked answers of --data)");
        foreach (Option option in new Option[] { model, data, evalData, referenceData }) command.Options.Add(option);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<RewardConfiguration>(result);
            using var device = options.Open(result);
            return Train(options.Run(result, device), configuration, result.GetValue(model)!, result.GetValue(data)!, result.GetValue(evalData) ?? [], result.GetValue(referenceData) ?? []);
        });
        return command;
    }

    /// <summary>Trains a reward model, or an ensemble, on files of rankings.</summary>
    /// <param name="run">The run.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="model">The model directory to begin with; of an ensemble also a folder of as many members, which each go on.</param>
    /// <param name="data">Files of rankings.</param>
    /// <param name="evalData">Files of held-out rankings; may be empty.</param>
    /// <param name="referenceData">Files of demonstrations to normalise by; may be empty.</param>
    public static int Train(
        TrainerRun run, RewardConfiguration configuration, string model, IReadOnlyList<string> data, IReadOnlyList<string> evalData, IReadOnlyList<string> referenceData)
    {
        if (referenceData.Count > 0 && configuration.Normalization == Normalization.None)
            throw new InputException("--reference-data is given, but normalization is none; set it to bias or unit, or leave out --reference-data");
        var directories = RewardSpec.MembersOf(model);
        if (directories.Length > 1 && directories.Length != configuration.Ensemble)
            throw new InputException($"{model}: holds {directories.Length} members of an ensemble, but ensemble is {configuration.Ensemble}; set it to {directories.Length}, or name one member");
        using var members = new Disposables<Gpt>();
        for (int i = 0; i < configuration.Ensemble; i++) members.Add(LoadWithScore(run.Device, directories[i % directories.Length], run.Seed + (ulong)i, configuration.TrainedPrecision()));
        foreach (var member in members) configuration = run.Adapt(member, configuration);
        var tokenizer = run.Tokenizer(directories[0]);
        var loading = new DataLoading(members[0].Config, tokenizer);
        var rows = loading.Rankings("comparisons", data, configuration);
        var evalRows = evalData.Count > 0 ? loading.Rankings("held-out comparisons", evalData, configuration) : [];
        var references = referenceData.Count > 0 ? loading.Demonstrations("reference answers", referenceData, configuration) : [];
        return run.Train(configuration, tokenizer, loading.Notes, training => new RewardTrainer(configuration, training, members, rows, evalRows, references),
            RunPlanner.Reward(configuration, members[0].Config, rows, evalRows, references));
    }

    /// <summary>Loads a model with its scalar head, or with a new random one.</summary>
    public static Gpt LoadWithScore(Kernels.Device.ComputeDevice device, string directory, ulong seed, ModelPrecision precision = ModelPrecision.Float32)
    {
        var model = ModelDirectory.Load(device, directory, ScoreHead.NewIfAbsent, out bool isNew, precision);
        if (isNew) Initialization.InitializeScore(model, seed);
        return model;
    }
}
