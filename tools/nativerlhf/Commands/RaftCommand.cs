using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>Reward-ranked fine-tuning.</summary>
internal static class RaftCommand
{
    public static Command Create()
    {
        var command = new Command("raft", """
            Trains a policy by rounds of rejection sampling (RAFT): sample several answers to each prompt, keep those that a reward scores
            best, fine-tune on them, and again.

            Example:  nativerlhf raft --model runs/sft/final --reward runs/reward/final --prompts prompts.jsonl --set steps=50 --out runs/raft
            """);
        var model = new Option<string>("--model") { Description = "model directory of the policy", Required = true, HelpName = "dir" };
        var reward = new Option<string[]>("--reward") { Description = RewardSpec.Help, Required = true, HelpName = "spec" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        prompts.Required = true;
        foreach (Option option in new Option[] { model, reward, prompts }) command.Options.Add(option);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<RaftConfiguration>(result);
            using var device = options.Open(result);
            return Train(options.Run(result, device), configuration, result.GetValue(model)!, result.GetValue(reward)!, result.GetValue(prompts)!);
        });
        return command;
    }

    /// <summary>Trains a policy against rewards.</summary>
    /// <param name="run">The run.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="model">The model directory of the policy.</param>
    /// <param name="rewards">Reward specs.</param>
    /// <param name="prompts">Files of prompts.</param>
    public static int Train(TrainerRun run, RaftConfiguration configuration, string model, IReadOnlyList<string> rewards, IReadOnlyList<string> prompts)
    {
        using var policy = ModelDirectory.Load(run.Device, model, ScoreHead.None, configuration.TrainedPrecision());
        configuration = run.Adapt(policy, configuration);
        var tokenizer = run.Tokenizer(model);
        var loading = new DataLoading(policy.Config, tokenizer);
        var rows = loading.Prompts("prompts", prompts, configuration, configuration.ResponseLength);
        using var scorer = RewardSpec.Open(rewards, run.Device, policy.Config, rows.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength);
        return run.Train(configuration, tokenizer, loading.Notes, training => new RaftTrainer(configuration, training, policy, scorer, rows));
    }
}
