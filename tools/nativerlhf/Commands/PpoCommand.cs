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
            return Train(
                options.Run(result, device), configuration,
                new PpoInputs(result.GetValue(policy)!, result.GetValue(reward)!, result.GetValue(prompts)!, result.GetValue(reference), result.GetValue(value), result.GetValue(pretrainData) ?? []));
        });
        return command;
    }

    /// <summary>Trains a policy against rewards.</summary>
    public static int Train(TrainerRun run, PpoConfiguration configuration, PpoInputs inputs)
    {
        var device = run.Device;
        using var gpt = ModelDirectory.Load(device, inputs.Policy, ScoreHead.None, configuration.TrainedPrecision());
        configuration = run.Adapt(gpt, configuration);
        var tokenizer = run.Tokenizer(inputs.Policy);
        var loading = new DataLoading(gpt.Config, tokenizer);
        var rows = loading.Prompts("prompts", inputs.Prompts, configuration, configuration.ResponseLength);
        IReadOnlyList<TokenRow> pretraining = configuration.PtxCoef > 0 && inputs.PretrainData.Count > 0
            ? loading.Windows("pretraining text", inputs.PretrainData, configuration with { MaxLength = Math.Min(configuration.MaxLength ?? gpt.Config.Positions, gpt.Config.Positions - 1) })
            : [];

        using var workspace = PpoTrainer.PlanWorkspace(device, gpt.Config, configuration, rows, pretraining);
        using var scorer = RewardSpec.Open(inputs.Rewards, device, gpt.Config, workspace);
        // With an adapter the policy's base is frozen, and what begins as the policy does shares it.
        var adapter = configuration.Adapter();
        using var referenceModel = adapter is not null && inputs.Reference is null
            ? gpt.Snapshot()
            : ModelDirectory.Load(device, inputs.Reference ?? inputs.Policy, ScoreHead.None, configuration.FrozenPrecision());
        string valueDirectory = inputs.Value ?? RewardSpec.FirstModel(inputs.Rewards) ?? inputs.Policy;
        using var valueModel = configuration.Advantages != AdvantageEstimator.Gae ? null
            : adapter is not null && valueDirectory == inputs.Policy ? gpt.Snapshot(withScore: true)
            : ModelDirectory.Load(device, valueDirectory, ScoreHead.NewIfAbsent, out _, configuration.TrainedPrecision());
        if (adapter is not null && valueModel is { Adapter: null }) Adapter.Attach(valueModel, adapter, run.Seed, withScore: true);
        return run.Train(configuration, tokenizer, loading.Notes,
            training => new PpoTrainer(configuration, training, new PpoModels(gpt, referenceModel, valueModel, scorer), rows, pretraining, workspace),
            RunPlanner.Ppo(configuration, new PpoShapes(
                gpt.Config, valueModel?.Config, [.. RewardSpec.Models(inputs.Rewards).Select(path => GptConfig.Load(Path.Combine(path, "config.json")))],
                referenceModel.Config, SharesReference: ReferenceEquals(referenceModel.Weights, gpt.Weights), SharesValue: ReferenceEquals(valueModel?.Weights, gpt.Weights)), rows, pretraining));
    }
}

/// <summary>What a run of PPO reads.</summary>
/// <param name="Policy">The model directory of the policy.</param>
/// <param name="Rewards">Reward specs.</param>
/// <param name="Prompts">Files of prompts.</param>
/// <param name="Reference">The model directory of the KL reference, or null for the policy.</param>
/// <param name="Value">The model directory of the value function; null for the reward model, or the policy where there is none.</param>
/// <param name="PretrainData">Files of text for PPO-ptx; may be empty.</param>
internal sealed record PpoInputs(string Policy, IReadOnlyList<string> Rewards, IReadOnlyList<string> Prompts, string? Reference, string? Value, IReadOnlyList<string> PretrainData);
