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
            return Train(options.Run(result, device), configuration, result.GetValue(model)!, result.GetValue(reference), result.GetValue(data)!, result.GetValue(evalData) ?? []);
        });
        return command;
    }

    /// <summary>Trains a policy on files of rankings.</summary>
    /// <param name="run">The run.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="model">The model directory to begin with.</param>
    /// <param name="reference">The model directory of the reference, or null for <paramref name="model"/>.</param>
    /// <param name="data">Files of rankings.</param>
    /// <param name="evalData">Files of held-out rankings; may be empty.</param>
    public static int Train(TrainerRun run, DpoConfiguration configuration, string model, string? reference, IReadOnlyList<string> data, IReadOnlyList<string> evalData)
    {
        using var gpt = ModelDirectory.Load(run.Device, model, ScoreHead.None, configuration.TrainedPrecision());
        configuration = run.Adapt(gpt, configuration);
        var tokenizer = run.Tokenizer(model);
        var loading = new DataLoading(gpt.Config, tokenizer);
        var rows = loading.Rankings("comparisons", data, configuration);
        var evalRows = evalData.Count > 0 ? loading.Rankings("held-out comparisons", evalData, configuration) : [];
        return run.Train(configuration, tokenizer, loading.Notes, training =>
        {
            using var other = reference is null ? null : ModelDirectory.Load(run.Device, reference, ScoreHead.None, configuration.FrozenPrecision());
            return new DpoTrainer(configuration, training, gpt, other ?? gpt, rows, evalRows);
        }, RunPlanner.Dpo(configuration, gpt.Config, rows, evalRows));
    }
}
