using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>Proximal policy optimisation against a reward.</summary>
internal static class PpoCommand
{
    public static Command Create()
    {
        var command = new Command("ppo", """
            Trains a policy by PPO against rewards, with a KL penalty towards the policy that it begins with. With several answers per
            prompt it does without a value function: advantages=grpo or rloo, answersPerPrompt=K.

            Example:  nativerlhf ppo --policy runs/sft/final --reward runs/reward/final --prompts prompts.jsonl --set episodes=2048 --out runs/ppo
            """);
        var policy = new Option<string>("--policy") { Description = "model directory of the policy", Required = true, HelpName = "dir" };
        var reward = new Option<string[]>("--reward") { Description = RewardSpec.Help, Required = true, HelpName = "spec" };
        var prompts = PretrainCommand.DataOption("--prompts", "rows with prompt");
        prompts.Required = true;
        var reference = new Option<string?>("--reference") { Description = "model directory of the KL reference (default: the policy)", HelpName = "dir" };
        var value = new Option<string?>("--value") { Description = "model directory of the value function (default: the reward model, or the policy with a new head)", HelpName = "dir" };
        var pretrainData = PretrainCommand.DataOption("--pretrain-data", "text for PPO-ptx (with ptxCoef above 0)");
        foreach (Option option in new Option[] { policy, reward, prompts, reference, value, pretrainData }) command.Options.Add(option);
        var options = new TrainerOptions(command);
        command.SetAction(result =>
        {
            var configuration = options.Load<PpoConfiguration>(result);
            using var device = options.Open(result);
            string directory = result.GetValue(policy)!;
            using var gpt = ModelDirectory.Load(device, directory, ScoreHead.None);
            configuration = options.Adapt(result, gpt, configuration);
            var tokenizer = options.Tokenizer(result, directory);
            var loading = new DataLoading(gpt.Config, tokenizer);
            var rows = loading.Prompts("prompts", result.GetValue(prompts)!, configuration, configuration.ResponseLength);
            IReadOnlyList<TokenRow> pretraining = configuration.PtxCoef > 0 && result.GetValue(pretrainData) is { Length: > 0 } files
                ? loading.Windows("pretraining text", files, configuration with { MaxLength = Math.Min(configuration.MaxLength ?? gpt.Config.Positions, gpt.Config.Positions - 1) })
                : [];

            using var workspace = PpoTrainer.PlanWorkspace(device, gpt.Config, configuration, rows, pretraining);
            string[] specs = result.GetValue(reward)!;
            using var scorer = RewardSpec.Open(specs, device, gpt.Config, workspace);
            // With an adapter the policy's base is frozen, and what begins as the policy does shares it.
            var adapter = configuration.Adapter();
            using var referenceModel = adapter is not null && result.GetValue(reference) is null
                ? gpt.Snapshot()
                : ModelDirectory.Load(device, result.GetValue(reference) ?? directory, ScoreHead.None);
            string valueDirectory = result.GetValue(value) ?? RewardSpec.FirstModel(specs) ?? directory;
            using var valueModel = configuration.Advantages != AdvantageEstimator.Gae ? null
                : adapter is not null && valueDirectory == directory ? gpt.Snapshot(withScore: true)
                : ModelDirectory.Load(device, valueDirectory, ScoreHead.NewIfAbsent, out _);
            if (adapter is not null && valueModel is { Adapter: null }) Adapter.Attach(valueModel, adapter, options.Seed(result), withScore: true);
            return options.Train(result, device, configuration, tokenizer, loading.Notes,
                run => new PpoTrainer(configuration, run, new PpoModels(gpt, referenceModel, valueModel, scorer), rows, pretraining, workspace),
                RunPlanner.Ppo(configuration, new PpoShapes(
                    gpt.Config, valueModel?.Config, [.. RewardSpec.Models(specs).Select(path => GptConfig.Load(Path.Combine(path, "config.json")))],
                    referenceModel.Config, SharesReference: ReferenceEquals(referenceModel.Weights, gpt.Weights), SharesValue: ReferenceEquals(valueModel?.Weights, gpt.Weights)), rows, pretraining));
        });
        return command;
    }
}
