using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Model;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Commands;

/// <summary>Writes a new model directory from a configuration.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var command = new Command("init", """
            Writes a new model directory with random weights.

            Example:  nativerlhf init --config gpt.json --tokenizer my-tokenizer --out model
            """);
        var config = new Option<string>("--config") { Description = "shape of the model: a GPT-2 config.json", Required = true, HelpName = "file" };
        var output = new Option<string>("--out") { Description = "folder of the new model", Required = true, HelpName = "dir" };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "folder of a tokenizer to copy", HelpName = "dir" };
        command.Options.Add(config);
        command.Options.Add(output);
        command.Options.Add(tokenizer);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            var shape = GptConfig.Load(result.GetValue(config)!);
            var text = result.GetValue(tokenizer) is { } folder ? TextTokenizer.Load(folder) : null;
            if (text is not null && text.VocabularySize > shape.VocabularySize)
                throw new InputException($"{result.GetValue(config)}: vocab_size {shape.VocabularySize} is below the tokenizer's {text.VocabularySize} tokens; raise it");
            shape = shape with { EosToken = shape.EosToken ?? text?.EndOfText, BosToken = shape.BosToken ?? text?.EndOfText };
            string directory = result.GetValue(output)!;
            OutputFolder.MustBeNew(directory);
            using var device = compute.Open(result);
            using var model = new Gpt(device, shape);
            Initialization.Initialize(model, compute.Seed(result));
            ModelDirectory.Save(directory, model, text);
            Console.WriteLine($"{directory}: {model.Weights.Count:N0} parameters");
            return ExitCodes.Done;
        });
        return command;
    }
}
