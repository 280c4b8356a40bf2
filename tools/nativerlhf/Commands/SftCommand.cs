using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>Supervised fine-tuning on demonstrations.</summary>
internal static class SftCommand
{
    public static Command Create()
    {
        var command = new Command("sft", """
            Fine-tunes a model on demonstrations; only the tokens of the answer count for the loss.

            Example:  nativerlhf sft --model runs/pretrain/final --data demonstrations.jsonl --eval-data held-out.jsonl --out runs/sft
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt and completion (or instruction/output, messages, tokens)");
        data.Required = true;
        var evalData = PretrainCommand.DataOption("--eval-data", "held-out rows");
        command.Options.Add(model);
        command.Options.Add(data);
        command.Options.Add(evalData);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<SftConfiguration>(result);
            using var device = options.Open(result);
            string directory = result.GetValue(model)!;
            using var gpt = ModelDirectory.Load(device, directory, ScoreHead.None);
            configuration = options.Adapt(result, gpt, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Demonstrations("demonstrations", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Demonstrations("held-out demonstrations", files, configuration) : [];
            return options.Train(result, device, configuration, tokenizer, loading.Notes, run => new LanguageModelTrainer(configuration, run, gpt, rows, evalRows),
                RunPlanner.LanguageModel(configuration, gpt.Config, rows, evalRows));
        });
        return command;
    }
}
