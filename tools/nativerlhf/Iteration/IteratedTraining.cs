using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Commands;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Iteration;

/// <summary>
/// Iterated RLHF, as Ouyang et al. 2022 and Bai et al. 2022 collect their data. Round r = 1, 2, …, from the policy π₀:
/// <code>
/// comparisons_r  sample K answers of π_(r−1) to each prompt; the judge ranks them
/// reward_r       a reward model on comparisons_1 … comparisons_r
/// π_r            π_(r−1), trained further against reward_r, held to π₀ (or to π_(r−1))
/// </code>
/// With DPO the second step is left out, and the third learns from the comparisons. Every stage is what the command of that name
/// does, in a folder that the other commands read.
/// </summary>
/// <param name="plan">The plan.</param>
/// <param name="device">The device.</param>
/// <param name="seed">The seed of the first round.</param>
/// <param name="folder">The folder of the rounds.</param>
/// <param name="cancel">Ends it after the step under way, with a checkpoint.</param>
internal sealed class IteratedTraining(IterationPlan plan, ComputeDevice device, ulong seed, string folder, CancellationToken cancel)
{
    private const string SummaryName = "rounds.jsonl", ComparisonsName = "comparisons.jsonl", HeldOutName = "comparisons-held-out.jsonl";

    /// <summary>What of a run's metrics is a time and no result.</summary>
    private static readonly string[] Times = ["wall_seconds", "tokens_per_second", "time/"];

    /// <summary>What of a round's summary is shown.</summary>
    private static readonly (string Key, string Label)[] Shown =
    [
        ("eval/scores", "judged"), ("eval/kl", "KL to the start"), ("reward/eval/accuracy", "held-out accuracy of the reward model"), ("policy/eval/rewards/accuracies", "held-out accuracy"),
    ];

    private readonly AnswerSampling _sampling = new(
        (float)plan.Sampling.Temperature, plan.Sampling.TopK, (float)plan.Sampling.TopP, plan.Sampling.MaxNewTokens, plan.PromptTemplate);

    /// <summary>Runs all rounds, or those that are left.</summary>
    public int Run(bool resume)
    {
        PromptRow[] prompts = [.. plan.Prompts.SelectMany(RowReader.Prompts)], evalPrompts = [.. plan.EvalPrompts.SelectMany(RowReader.Prompts)];
        var draw = new PromptDraw(prompts, plan, seed);
        if (!resume) Check([.. prompts, .. evalPrompts]);
        using var directory = RunDirectory.Open(folder, resume);
        RunConfiguration.WriteOrCheck(directory, resume, "iterate", plan, seed, device);
        if (directory.IsFinished)
        {
            Console.WriteLine($"{folder}: all rounds are finished; the policy is {directory.FinalPath}");
            return ExitCodes.Done;
        }

        var summary = ReadSummary();
        using var evaluation = evalPrompts.Length > 0 ? new PolicyEvaluation(plan, _sampling, device, seed, evalPrompts) : null;
        if (summary.Count == 0 && evaluation is not null) Add(new JsonObject { ["round"] = 0 }, plan.Policy);
        for (int round = 1; round <= plan.Rounds; round++)
        {
            if (summary.Any(row => (int)row["round"]! == round)) continue;
            string policy = round == 1 ? plan.Policy : Final(round - 1, "policy");
            Say(round, $"policy {policy}");
            if (!File.Exists(Place(round, ComparisonsName))) Compare(round, policy, draw);
            if (plan.Dpo is null) Stage(round, "reward", run => TrainReward(run, round, policy));
            Stage(round, "policy", run => TrainPolicy(run, round, policy));
            Add(Summarize(round), Final(round, "policy"));
        }

        directory.SaveFinal(final => Copy(Final(plan.Rounds, "policy"), final));
        directory.Log("finished");
        Console.WriteLine($"done: {directory.FinalPath}");
        return ExitCodes.Done;

        void Say(int round, string text)
        {
            cancel.ThrowIfCancellationRequested();
            string line = $"[round {round}/{plan.Rounds}] {text}";
            Console.WriteLine(line);
            directory.Log(line);
        }

        void Compare(int round, string policy, PromptDraw prompts)
        {
            var (rows, heldOut) = prompts.OfRound(round);
            var compared = CompareCommand.Sample(device, SeedOf(round), new ComparisonRequest([policy], rows, plan.AnswersPerPrompt, _sampling, plan.Judge, plan.DropDuplicates), cancel);
            Directory.CreateDirectory(Place(round, ""));
            JsonObject[] train = [.. compared.Lines.Where(line => line.Prompt >= heldOut).Select(line => line.Json)];
            // What is all ties says nothing about accuracy.
            JsonObject[] held = [.. compared.Lines.Where(line => line.Prompt < heldOut && line.Json["ranks"]!.AsArray().Select(rank => (int)rank!).Distinct().Count() > 1).Select(line => line.Json)];
            if (train.Length == 0) throw new InputException($"round {round}: the policy {policy} gives no two different answers to any prompt, so that there is nothing to compare; raise sampling.temperature or answersPerPrompt, or end after fewer rounds");
            if (held.Length > 0) JsonLines.Write(Place(round, HeldOutName), held);
            // Last: where it is there, the stage is done.
            JsonLines.Write(Place(round, ComparisonsName), train);
            Say(round, string.Create(CultureInfo.InvariantCulture, $"compare: {train.Length} prompts and {held.Length} held out, mean score {MeanScore([.. train, .. held]):0.####}{compared.Notes}"));
        }

        void Stage(int round, string name, Action<TrainerRun> train)
        {
            string path = Place(round, name);
            string command = name == "reward" ? "reward" : plan.Ppo is not null ? "ppo" : plan.Dpo is not null ? "dpo" : "raft";
            bool begun = File.Exists(Path.Combine(path, "config.json"));
            if (begun) AtomicDirectory.Recover(Final(round, name));
            if (Directory.Exists(Final(round, name))) return;
            Say(round, $"{command}: {path}");
            train(new TrainerRun(command, path, begun, SeedOf(round), device, Cancel: cancel));
        }

        void Add(JsonObject row, string policy)
        {
            foreach (var (name, value) in evaluation?.Measure(policy, cancel) ?? []) row[$"eval/{name}"] = value;
            summary.Add(row);
            JsonLines.Write(Path.Combine(folder, SummaryName), summary);
            string[] shown =
            [
                .. from entry in Shown
                   where row.ContainsKey(entry.Key)
                   select string.Create(CultureInfo.InvariantCulture, $"{entry.Label} {(double)row[entry.Key]!:0.000}"),
            ];
            Say((int)row["round"]!, shown.Length > 0 ? string.Join("  ", shown) : "done");
        }
    }

    /// <summary>Finds what is wrong with policy, prompts and judge before anything is written.</summary>
    private void Check(PromptRow[] prompts)
    {
        using var policy = ModelDirectory.Load(device, plan.Policy, ScoreHead.None);
        _sampling.Encoder(policy.Config, _sampling.Tokenizer(plan.Policy)).Prompts(prompts, new DataReport());
        using var judge = RewardSpec.Open(plan.Judge, device, policy.Config, policy.Config.Positions);
    }

    private void TrainReward(TrainerRun run, int round, string policy)
    {
        string model = plan.RewardStart switch
        {
            RewardStart.Previous when round > 1 => Final(round - 1, "reward"),
            RewardStart.Policy => policy,
            _ => plan.Policy,
        };
        RewardCommand.Train(run, (plan.Reward ?? new()) with { PromptTemplate = plan.PromptTemplate }, model, Comparisons(round, ComparisonsName), Comparisons(round, HeldOutName), []);
    }

    private void TrainPolicy(TrainerRun run, int round, string policy)
    {
        string reference = plan.Reference == ReferencePolicy.Start ? plan.Policy : policy;
        if (plan.Dpo is { } dpo)
        {
            DpoCommand.Train(run, dpo with { PromptTemplate = plan.PromptTemplate }, policy, reference == policy ? null : reference, Comparisons(round, ComparisonsName), Comparisons(round, HeldOutName));
            return;
        }

        string[] rewards = [Final(round, "reward")];
        if (plan.Raft is { } raft) RaftCommand.Train(run, raft with { PromptTemplate = plan.PromptTemplate }, policy, rewards, plan.Prompts);
        else PpoCommand.Train(run, plan.Ppo! with { PromptTemplate = plan.PromptTemplate }, new PpoInputs(policy, rewards, plan.Prompts, reference == policy ? null : reference, null, plan.PretrainData));
    }

    /// <summary>The files of comparisons that a round trains or measures on, the latest last; not all rounds have held-out ones.</summary>
    private string[] Comparisons(int round, string name) =>
        [.. Enumerable.Range(1, round).Where(r => plan.KeepComparisons || r == round).Select(r => Place(r, name)).Where(File.Exists)];

    /// <summary>A row of the summary: the round, its comparisons, and the last metrics of its trainers.</summary>
    private JsonObject Summarize(int round)
    {
        JsonObject[] rows = [.. ((string[])[ComparisonsName, HeldOutName]).Select(name => Place(round, name)).Where(File.Exists).SelectMany(File.ReadLines).Select(line => JsonNode.Parse(line)!.AsObject())];
        var row = new JsonObject
        {
            ["round"] = round,
            ["comparisons"] = rows.Length,
            ["comparisons/scores"] = MeanScore(rows),
        };
        foreach (string stage in (string[])["reward", "policy"])
        {
            string metrics = Path.Combine(Place(round, stage), "metrics.jsonl");
            if (!File.Exists(metrics)) continue;
            foreach (var (name, value) in JsonNode.Parse(File.ReadLines(metrics).Last())!.AsObject())
            {
                if (!Times.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))) row[$"{stage}/{name}"] = value?.DeepClone();
            }
        }

        return row;
    }

    private List<JsonObject> ReadSummary()
    {
        string file = Path.Combine(folder, SummaryName);
        if (!File.Exists(file)) return [];
        try
        {
            return [.. File.ReadLines(file).Select(line => JsonNode.Parse(line)!.AsObject())];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new InputException($"{file}: not a summary of rounds; remove it, and --resume measures the rounds again", exception);
        }
    }

    private static double MeanScore(IReadOnlyList<JsonObject> rows) => rows.SelectMany(row => row["scores"]!.AsArray()).Average(score => (double)score!);

    /// <summary>Rounds draw from generators of their own; the first one from that of the seed, as the commands on their own would.</summary>
    private ulong SeedOf(int round) => seed + ((ulong)(round - 1) << 32);

    private string Place(int round, string name) => Path.Combine(folder, $"round-{round:D3}", name);

    private string Final(int round, string stage) => Path.Combine(Place(round, stage), "final");

    private static void Copy(string from, string to)
    {
        foreach (string source in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, source));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(source, target);
        }
    }
}
