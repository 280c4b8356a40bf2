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
            Fine-tunes a model on demonstrations; only the tokens of the answer count for the loss. With --reward and --eval-prompts it
            reports how its answers score, and with --set selectBy=reward it ends with the model that scored best.

            Example:  nativerlhf sft --model runs/pretrain/final --data demonstrations.jsonl --eval-data held-out.jsonl --out runs/sft
            """);
        var model = new Option<string>("--model") { Description = "model directory to begin with", Required = true, HelpName = "dir" };
        var data = PretrainCommand.DataOption("--data", "rows with prompt and completion (or instruction/output, messages, tokens)");
        data.Required = true;
        var evalData = PretrainCommand.DataOption("--eval-data", "held-out rows");
        var pretrainData = PretrainCommand.DataOption("--pretrain-data", "text to be mixed in (with pretrainRatio above 0)");
        var reward = new Option<string[]>("--reward") { Description = $"what scores the answers to --eval-prompts: {RewardSpec.Help}", HelpName = "spec" };
        var evalPrompts = PretrainCommand.DataOption("--eval-prompts", "validation prompts");
        foreach (Option option in new Option[] { model, data, evalData, pretrainData, reward, evalPrompts }) command.Options.Add(option);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<SftConfiguration>(result);
            string[] texts = result.GetValue(pretrainData) ?? [], specs = result.GetValue(reward) ?? [], promptFiles = result.GetValue(evalPrompts) ?? [];
            if (texts.Length > 0 && configuration.PretrainRatio == 0) throw new InputException("--pretrain-data is given, but pretrainRatio is 0; set it to the share of pretraining rows, as in --set pretrainRatio=0.1");
            if (specs.Length > 0 != promptFiles.Length > 0) throw new InputException("--reward and --eval-prompts go together; give both or neither");
            using var device = options.Open(result);
            var run = options.Run(result, device);
            string directory = result.GetValue(model)!;
            using var gpt = ModelDirectory.Load(device, directory, ScoreHead.None, configuration.TrainedPrecision());
            configuration = run.Adapt(gpt, configuration);
            var tokenizer = run.Tokenizer(directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Demonstrations("demonstrations", result.GetValue(data)!, configuration);
            var evalRows = result.GetValue(evalData) is { Length: > 0 } files ? loading.Demonstrations("held-out demonstrations", files, configuration) : [];
            var pretraining = texts.Length > 0 ? loading.Windows("pretraining text", texts, configuration with { MaxLength = Math.Min(configuration.MaxLength ?? gpt.Config.Positions, gpt.Config.Positions - 1) }) : [];
            var prompts = promptFiles.Length > 0 ? loading.Prompts("validation prompts", promptFiles, configuration, configuration.ResponseLength) : [];
            using var scorer = specs.Length > 0 ? RewardSpec.Open(specs, device, gpt.Config, prompts.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength) : null;
            return run.Train(configuration, tokenizer, loading.Notes, training => new LanguageModelTrainer(configuration, training, gpt, rows, evalRows, new FineTuning(pretraining, prompts, scorer)),
                scorer is null ? RunPlanner.LanguageModel(configuration, gpt.Config, rows, evalRows, new FineTuning(pretraining, prompts, null)) : null);
        });
        return command;
    }
}
