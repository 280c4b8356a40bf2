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

            Example:  nativerlhf reward --model runs/sft/final --data comparisons.jsonl --eval-data held-out.jsonl --out runs/reward
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt, chosen and rejected, or prompt, completions and ranks");
        data.Required = true;
        var evalData = PretrainCommand.DataOption("--eval-data", "held-out rows");
        command.Options.Add(model);
        command.Options.Add(data);
        command.Options.Add(evalData);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<RewardConfiguration>(result);
            using var device = options.Open(result);
            string directory = result.GetValue(model)!;
            using var gpt = LoadWithScore(device, directory, options.Seed(result));
            configuration = options.Adapt(result, gpt, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Rankings("comparisons", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Rankings("held-out comparisons", files, configuration) : [];
            return options.Train(result, device, configuration, tokenizer, loading.Notes, run => new RewardTrainer(configuration, run, gpt, rows, evalRows),
                RunPlanner.Reward(configuration, gpt.Config, rows, evalRows));
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
