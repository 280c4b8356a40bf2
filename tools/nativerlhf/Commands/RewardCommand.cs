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
            string directory = result.GetValue(model)!;
            string[] referenceFiles = result.GetValue(referenceData) ?? [];
            if (referenceFiles.Length > 0 && configuration.Normalization == Normalization.None)
                throw new InputException("--reference-data is given, but normalization is none; set it to bias or unit, or leave out --reference-data");
            using var members = new Disposables<Gpt>();
            for (int i = 0; i < configuration.Ensemble; i++) members.Add(LoadWithScore(device, directory, options.Seed(result) + (ulong)i));
            foreach (var member in members) configuration = options.Adapt(result, member, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(members[0].Config, tokenizer);
            var rows = loading.Rankings("comparisons", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Rankings("held-out comparisons", files, configuration) : [];
            var references = referenceFiles.Length > 0 ? loading.Demonstrations("reference answers", referenceFiles, configuration) : [];
            return options.Train(result, device, configuration, tokenizer, loading.Notes, run => new RewardTrainer(configuration, run, members, rows, evalRows, references),
                RunPlanner.Reward(configuration, members[0].Config, rows, evalRows, references));
        });
        return command;
    }

    /// <summary>Loads a model with its scalar head, or with a new random one.</summary>
    public static Gpt LoadWithScore(Kernels.Device.ComputeDevice device, string directory, ulong seed)
    {
        var model = ModelDirectory.Load(device, directory, ScoreHead.NewIfAbsent, out bool isNew);
        if (isNew) Initialization.InitializeScore(model, seed);
        return model;
    }
}
