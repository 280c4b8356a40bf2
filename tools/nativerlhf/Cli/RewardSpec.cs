using System.Globalization;
using NativeRlhf.Checkpoints;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;

namespace NativeRlhf.Runner.Cli;

/// <summary>From <c>--reward</c> to rewards: <c>[weight*]DIR</c>, <c>[weight*]rule:NAME</c>, <c>[weight*]exec:COMMAND</c>.</summary>
internal static class RewardSpec
{
    /// <summary>Opens all rewards of a run as their weighted sum.</summary>
    public static IReward Open(IReadOnlyList<string> specs, ComputeDevice device, GptConfig policy, Workspace workspace) =>
        new WeightedSum([.. specs.Select(spec => OpenOne(spec, device, policy, workspace))]);

    /// <summary>The first reward-model directory, which a value function may begin with; or null.</summary>
    public static string? FirstModel(IReadOnlyList<string> specs) => Models(specs).FirstOrDefault();

    /// <summary>The reward-model directories.</summary>
    public static IEnumerable<string> Models(IReadOnlyList<string> specs) =>
        specs.Select(spec => Split(spec).Source).Where(rest => !IsRule(rest) && !IsCommand(rest));

    private static (double Weight, IReward Reward) OpenOne(string spec, ComputeDevice device, GptConfig policy, Workspace workspace)
    {
        var (weight, rest) = Split(spec);
        if (IsRule(rest)) return (weight, RuleReward.Named(rest["rule:".Length..]));
        if (IsCommand(rest)) return (weight, new CommandReward(rest["exec:".Length..]));
        var model = ModelDirectory.Load(device, rest, ScoreHead.Required);
        if (model.Config.VocabularySize != policy.VocabularySize)
        {
            using (model)
                throw new InputException($"{rest}: the reward model has {model.Config.VocabularySize} token ids and the policy {policy.VocabularySize}; they must share a tokenizer");
        }

        if (model.Config.HasSameShape(policy)) return (weight, new RewardModel(model, new SequenceScorer(workspace)));
        var own = new Workspace(device, model.Config, workspace.Capacity, forBackward: false);
        return (weight, new RewardModel(model, new SequenceScorer(own), own));
    }

    private static bool IsRule(string spec) => spec.StartsWith("rule:", StringComparison.Ordinal);

    private static bool IsCommand(string spec) => spec.StartsWith("exec:", StringComparison.Ordinal);

    private static (double Weight, string Source) Split(string spec)
    {
        int star = spec.IndexOf('*', StringComparison.Ordinal);
        return star > 0 && double.TryParse(spec[..star], NumberStyles.Float, CultureInfo.InvariantCulture, out double weight) && double.IsFinite(weight)
            ? (weight, spec[(star + 1)..])
            : (1, spec);
    }
}
