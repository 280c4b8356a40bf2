using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>Next-token training on text.</summary>
internal static class PretrainCommand
{
    public static Command Create()
    {
        var command = new Command("pretrain", """
            Trains a model on text, cut into windows of maxLength tokens.

            Example:  nativerlhf pretrain --model model --data book.txt web.jsonl.gz --eval-data held-out.txt --set steps=1000 --out runs/pretrain
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var data = DataOption("--data", "text files: .txt, .jsonl, .json and their .gz");
        data.Required = true;
        var evalData = DataOption("--eval-data", "held-out text files");
        command.Options.Add(model);
        command.Options.Add(data);
        command.Options.Add(evalData);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<PretrainConfiguration>(result);
            using var device = options.Open(result);
            var run = options.Run(result, device);
            string directory = result.GetValue(model)!;
            using var gpt = ModelDirectory.Load(device, directory, ScoreHead.None, configuration.TrainedPrecision());
            configuration = run.Adapt(gpt, configuration);
            var tokenizer = run.Tokenizer(directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Windows("training text", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Windows("held-out text", files, configuration) : [];
            return run.Train(configuration, tokenizer, loading.Notes, training => new LanguageModelTrainer(configuration, training, gpt, rows, evalRows),
                RunPlanner.LanguageModel(configuration, gpt.Config, rows, evalRows));
        });
        return command;
    }

    /// <summary>An option that takes one or more files.</summary>
    public static Option<string[]> DataOption(string name, string description) =>
        new(name) { Description = description, AllowMultipleArgumentsPerToken = true, Arity = ArgumentArity.OneOrMore, HelpName = "file" };
}
