using System.CommandLine;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Commands;

/// <summary>What a run would take, before anything is allocated.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var command = new Command("plan", """
            Says what a run takes: parameters, device memory by purpose, operations and traffic of a step, the largest micro-batch that
            fits. Rows are as long as maxLength allows, answers as long as responseLength.

            Example:  nativerlhf plan ppo --size gpt2 --reward-size gpt2 --set batchSize=64 --set loraRank=8
            """);
        var trainer = new Argument<string>("trainer") { Description = "pretrain, sft, reward, dpo or ppo" };
        trainer.AcceptOnlyFromAmong("pretrain", "sft", "reward", "dpo", "ppo");
        command.Arguments.Add(trainer);
        var model = new Option<string?>("--model", "--policy") { Description = "model directory, of which only config.json is read", HelpName = "dir" };
        var size = new Option<string?>("--size") { Description = $"a size by name: {string.Join(", ", ModelSizes.Names)}", HelpName = "name" };
        var rewardModel = new Option<string?>("--reward-model") { Description = "ppo: model directory of the reward model, with which the value function begins", HelpName = "dir" };
        var rewardSize = new Option<string?>("--reward-size") { Description = "ppo: its size by name (without either: rewards without a model)", HelpName = "name" };
        var answers = new Option<int>("--answers") { Description = "reward, dpo: answers of a ranking", DefaultValueFactory = _ => 4, HelpName = "k" };
        var config = new Option<string?>("--config") { Description = "configuration file (JSON; comments allowed)", HelpName = "file" };
        var set = new Option<string[]>("--set") { Description = "a setting that wins over the file (repeatable)", HelpName = "key=value" };
        var preset = new Option<string?>("--preset") { Description = "named settings below those of the file", HelpName = "name" };
        var json = new Option<bool>("--json") { Description = "one line of JSON" };
        foreach (Option option in new Option[] { model, size, rewardModel, rewardSize, answers, config, set, preset, json }) command.Options.Add(option);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            var shape = Shape(result.GetValue(model), result.GetValue(size), "--model", "--size") ?? throw new InputException("give either --model DIR or --size NAME");
            if (result.GetValue(answers) < 2) throw new InputException("--answers must be at least 2");
            var planner = result.GetValue(trainer) switch
            {
                "pretrain" => LanguageModel(Load<PretrainConfiguration>()),
                // A choice by reward keeps as much as a choice by loss.
                "sft" => LanguageModel(Load<SftConfiguration>() is { SelectBy: ModelSelection.Reward } sft ? sft with { SelectBy = ModelSelection.Loss } : Load<SftConfiguration>()),
                "reward" => Reward(Load<RewardConfiguration>()),
                "dpo" => Dpo(Load<DpoConfiguration>()),
                _ => Ppo(Load<PpoConfiguration>()),
            };
            using var device = compute.Open(result);
            var plan = planner.Plan();
            int largest = planner.LargestMicroBatch(device.MemorySize);
            if (result.GetValue(json))
            {
                var line = plan.ToJson();
                line["device"] = device.Name;
                line["device_bytes"] = device.MemorySize;
                line["largest_micro_batch"] = largest;
                Console.WriteLine(line.ToJsonString(JsonStyle.Line));
                return ExitCodes.Done;
            }

            Console.WriteLine($"parameters   {plan.Parameters:N0}, trained {plan.TrainedParameters:N0}");
            Console.WriteLine($"memory       {RunPlan.Format(plan.Bytes)}");
            foreach (var (purpose, bytes) in plan.BytesByPurpose.OrderByDescending(part => part.Value)) Console.WriteLine($"  {purpose,-18} {RunPlan.Format(bytes),12}");
            Console.WriteLine($"a step       {plan.WorkLine()}");
            Console.WriteLine($"device       {device.Name}, {RunPlan.Format(device.MemorySize)}: {(largest > 0 ? $"the largest microBatchSize that fits is {largest}" : "not even a microBatchSize of 1 fits")}");
            return ExitCodes.Done;

            T Load<T>()
                where T : TrainerConfiguration, new() => ConfigurationLoader.Load<T>(result.GetValue(config), result.GetValue(set), result.GetValue(preset));

            int Length(TrainerConfiguration configuration) => new DataLoading(shape, null).MaxLength(configuration.MaxLength);

            RunPlanner LanguageModel(TrainerConfiguration configuration) =>
                RunPlanner.LanguageModel(configuration, shape, Rows(configuration), Rows(configuration), new FineTuning(Rows(configuration), [], null));

            IReadOnlyList<TokenRow> Rows(TrainerConfiguration configuration) => LongestRows.Sequences(configuration.BatchSize, Length(configuration));

            IReadOnlyList<RankedRow> Rankings(TrainerConfiguration configuration) => LongestRows.Rankings(configuration.BatchSize, result.GetValue(answers), Length(configuration));

            RunPlanner Reward(RewardConfiguration configuration) =>
                RunPlanner.Reward(configuration with { Normalization = Normalization.None }, shape, Rankings(configuration), [], []);

            RunPlanner Dpo(DpoConfiguration configuration) => RunPlanner.Dpo(configuration, shape, Rankings(configuration), []);

            RunPlanner Ppo(PpoConfiguration configuration)
            {
                int promptLength = Length(configuration) - configuration.ResponseLength;
                if (promptLength < 1) throw new InputException($"responseLength {configuration.ResponseLength} leaves no room for a prompt within {Length(configuration)} tokens");
                var scoring = Shape(result.GetValue(rewardModel), result.GetValue(rewardSize), "--reward-model", "--reward-size");
                bool hasAdapter = configuration.LoraRank > 0, hasValue = configuration.Advantages == AdvantageEstimator.Gae;
                return RunPlanner.Ppo(
                    configuration,
                    new PpoShapes(shape, hasValue ? scoring ?? shape : null, scoring is null ? [] : [scoring], SharesReference: hasAdapter, SharesValue: hasAdapter && hasValue && scoring is null),
                    LongestRows.Prompts(configuration.BatchSize, promptLength),
                    configuration.PtxCoef > 0 ? Rows(configuration) : []);
            }
        });
        return command;
    }

    private static GptConfig? Shape(string? directory, string? size, string directoryOption, string sizeOption) => (directory, size) switch
    {
        (null, null) => null,
        (not null, null) => GptConfig.Load(Path.Combine(directory, "config.json")),
        (null, not null) => ModelSizes.Named(size),
        _ => throw new InputException($"give either {directoryOption} DIR or {sizeOption} NAME"),
    };
}
