using NativeRlhf.Data;

namespace NativeRlhf.Configuration;

/// <summary>
/// The plan of iterated RLHF: rounds of sampling with the current policy, comparison by a judge, retraining of the reward model and
/// further training of the policy. Exactly one of <see cref="Ppo"/>, <see cref="Dpo"/> and <see cref="Raft"/> is given; DPO learns from the
/// comparisons themselves and has no reward model.
/// </summary>
public sealed record IterationPlan : ConfigurationRecord
{
    /// <summary>The model directory of the starting policy: the SFT model. Required.</summary>
    public string Policy { get; init; } = "";

    /// <summary>Files of prompts, which are answered, compared and trained on. Required.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Files of held-out prompts, whose answers the judge scores before the first round and after each. Default none.</summary>
    public IReadOnlyList<string> EvalPrompts { get; init; } = [];

    /// <summary>What ranks answers: reward specs, summed if there are several. Required.</summary>
    public IReadOnlyList<string> Judge { get; init; } = [];

    /// <summary>How many rounds there are. Default 3.</summary>
    [Bounds(1, 999)]
    public int Rounds { get; init; } = 3;

    /// <summary>How many answers to a prompt are compared. Default 4.</summary>
    [Bounds(2)]
    public int AnswersPerPrompt { get; init; } = 4;

    /// <summary>How many prompts are answered in a round, held-out ones included; rounds go through all in random order. Null (the default) is all.</summary>
    [Bounds(1)]
    public int? PromptsPerRound { get; init; }

    /// <summary>
    /// The share of the prompts whose comparisons are held out in every round, to measure accuracy on: always the same prompts, so that no
    /// round trains on what another one holds out. Default 0.1.
    /// </summary>
    [Bounds(0, 1, BelowMaximum = true)]
    public double HeldOut { get; init; } = 0.1;

    /// <summary>How answers are sampled.</summary>
    public SamplingConfiguration Sampling { get; init; } = new();

    /// <summary>The text that a prompt becomes, with <c>{prompt}</c> once in it, in sampling and in all trainers. Default <c>{prompt}</c>.</summary>
    public string PromptTemplate { get; init; } = RowEncoder.PromptPlaceholder;

    /// <summary>Whether an answer that equals another one to the same prompt is left out. Default false.</summary>
    public bool DropDuplicates { get; init; }

    /// <summary>Whether a round trains on the comparisons of all rounds so far (true, the default) or on its own alone.</summary>
    public bool KeepComparisons { get; init; } = true;

    /// <summary>What the reward model of a round begins as: start (the starting policy, the default), policy (the current one) or previous (the reward model before).</summary>
    public RewardStart RewardStart { get; init; } = RewardStart.Start;

    /// <summary>What PPO's KL penalty and DPO are measured against: start (the starting policy, the default) or round (the policy that the round began with).</summary>
    public ReferencePolicy Reference { get; init; } = ReferencePolicy.Start;

    /// <summary>Files of text for PPO-ptx, where <c>ppo.ptxCoef</c> is above 0. Default none.</summary>
    public IReadOnlyList<string> PretrainData { get; init; } = [];

    /// <summary>The configuration of a round's reward model. Null (the default) is that trainer's defaults.</summary>
    public RewardConfiguration? Reward { get; init; }

    /// <summary>The configuration of a round's PPO, if that trains the policy.</summary>
    public PpoConfiguration? Ppo { get; init; }

    /// <summary>The configuration of a round's DPO, if that trains the policy.</summary>
    public DpoConfiguration? Dpo { get; init; }

    /// <summary>The configuration of a round's RAFT, if that trains the policy.</summary>
    public RaftConfiguration? Raft { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<ConfigurationProblem> Problems()
    {
        if (Policy.Length == 0)
            yield return new("policy", "policy is missing; name the model directory that the iteration begins with");
        if (Prompts.Count == 0)
            yield return new("prompts", "prompts is missing; name the files of prompts");
        if (Judge.Count == 0)
            yield return new("judge", "judge is missing; name what ranks the answers: rule:NAME, exec:COMMAND, judge:FILE:DIR or a reward model's directory");
        int trainers = (Ppo is null ? 0 : 1) + (Dpo is null ? 0 : 1) + (Raft is null ? 0 : 1);
        if (trainers != 1)
            yield return new(trainers == 0 ? "ppo" : Raft is null ? "dpo" : "raft", $"{(trainers == 0 ? "none" : "several")} of ppo, dpo and raft are given; give the one that trains the policy, as in \"ppo\": {{ \"steps\": 100 }}");
        if (RowEncoder.SplitTemplate(PromptTemplate) is null)
            yield return new("promptTemplate", $"promptTemplate is '{PromptTemplate}'; it must hold {RowEncoder.PromptPlaceholder} exactly once");
        if (Dpo is not null && Reward is not null)
            yield return new("reward", "reward is given, but dpo has no reward model; leave it out");
        if (Dpo is not null && RewardStart != RewardStart.Start)
            yield return new("rewardStart", "rewardStart is given, but dpo has no reward model; leave it out");
        if (Raft is not null && Reference != ReferencePolicy.Start)
            yield return new("reference", "reference is given, but raft has none; leave it out");
        if (PretrainData.Count > 0 && !(Ppo?.PtxCoef > 0))
            yield return new("pretrainData", "pretrainData is given, but ppo.ptxCoef is not above 0; set it, or leave pretrainData out");
        if (PromptsPerRound == 1 && HeldOut >= 0.5)
            yield return new("promptsPerRound", "promptsPerRound is 1 and would be held out; raise it, or lower heldOut");
        foreach (var (key, trainer) in new (string, PromptTrainerConfiguration?)[] { ("reward", Reward), ("ppo", Ppo), ("dpo", Dpo), ("raft", Raft) })
        {
            foreach (ConfigurationProblem problem in ProblemsOf(key, trainer))
                yield return problem;
            if (trainer is not null && trainer.PromptTemplate != RowEncoder.PromptPlaceholder)
                yield return new($"{key}.promptTemplate", $"{key}.promptTemplate is given; set promptTemplate of the plan, which holds for sampling and all trainers");
        }
    }
}
