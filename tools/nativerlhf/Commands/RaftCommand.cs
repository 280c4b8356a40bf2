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
            string directory = result.GetValue(model)!;
            using var policy = ModelDirectory.Load(device, directory, ScoreHead.None);
            configuration = options.Adapt(result, policy, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(policy.Config, tokenizer);
            var rows = loading.Prompts("prompts", result.GetValue(prompts)!, configuration, configuration.ResponseLength);
            using var scorer = RewardSpec.Open(result.GetValue(reward)!, device, policy.Config, rows.Max(prompt => prompt.Tokens.Length) + configuration.ResponseLength);
            return options.Train(result, device, configuration, tokenizer, loading.Notes, run => new RaftTrainer(configuration, run, policy, scorer, rows));
        });
        return command;
    }
}
