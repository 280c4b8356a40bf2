using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>Direct preference optimization on rankings.</summary>
internal static class DpoCommand
{
    public static Command Create()
    {
        var command = new Command("dpo", """
            Trains a policy on rankings of K answers or on pairs by direct preference optimization, without a reward model.

            Example:  nativerlhf dpo --model runs/sft/final --data comparisons.jsonl --eval-data held-out.jsonl --set beta=0.1 --out runs/dpo
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var reference = new Option<string?>("--reference") { Description = "model directory of the reference (default: --model)", HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt, chosen and rejected, or prompt, completions and ranks");
        data.Required = true;
        var evalData = PretrainCommand.DataOption("--eval-data", "held-out rows");
        foreach (Option option in new Option[] { model, reference, data, evalData }) command.Options.Add(option);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<DpoConfiguration>(result);
            using var device = options.Open(result);
            string directory = result.GetValue(model)!;
            using var gpt = ModelDirectory.Load(device, directory, ScoreHead.None);
            configuration = options.Adapt(result, gpt, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Rankings("comparisons", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Rankings("held-out comparisons", files, configuration) : [];
            return options.Train(result, device, configuration, tokenizer, loading.Notes, run =>
            {
                using var other = result.GetValue(reference) is { } path ? ModelDirectory.Load(device, path, ScoreHead.None) : null;
                return new DpoTrainer(configuration, run, gpt, other ?? gpt, rows, evalRows);
            }, RunPlanner.Dpo(configuration, gpt.Config, rows, evalRows));
        });
        return command;
    }
}
