using System.Globalization;
using NativeRlhf.Checkpoints;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Feedback;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Cli;

/// <summary>
/// From <c>--reward</c> to a reward:
/// <code>
/// SPEC   = [WEIGHT "*"] SOURCE
/// SOURCE = "rule:" NAME | "exec:" COMMAND | "judge:" FILE ":" DIR | "ensemble:" HOW ":" DIR {"," DIR} | DIR
/// HOW    = "mean" | "min" | "lcb(" K ")"
/// </code>
/// DIR is a reward model, or a folder of an ensemble's <c>member-0</c>, <c>member-1</c>, … as <c>reward</c> leaves it; on its own
/// that is <c>ensemble:mean:DIR</c>. A judge is a language model that is asked by the principles of a constitution.
/// </summary>
internal sealed class RewardSpec
{
    /// <summary>What the help of a command says of it.</summary>
    public const string Help = "reward-model directory, ensemble:mean|min|lcb(K):DIR[,DIR…], judge:CONSTITUTION:DIR (a language model), rule:NAME or exec:COMMAND, each with an optional weight as in 0.5*SPEC (repeatable: a weighted sum)";

    private const string Rule = "rule:", Command = "exec:", Ensemble = "ensemble:", Judge = "judge:";

    private readonly double _weight = 1;
    private readonly string _source;
    private readonly string[] _directories = [];
    private readonly EnsembleScore? _ensemble;
    private readonly (string Constitution, string Model)? _judge;

    private RewardSpec(string spec)
    {
        int star = spec.IndexOf('*', StringComparison.Ordinal);
        _source = spec;
        if (star > 0 && double.TryParse(spec[..star], NumberStyles.Float, CultureInfo.InvariantCulture, out double weight) && double.IsFinite(weight))
            (_weight, _source) = (weight, spec[(star + 1)..]);
        if (Is(Rule) || Is(Command)) return;
        if (_source.Length == 0) throw new InputException($"--reward '{spec}': names no reward; give a reward-model directory, rule:NAME or exec:COMMAND");
        if (Is(Judge))
        {
            _judge = _source[Judge.Length..].Split(':', 2) is [{ Length: > 0 } file, { Length: > 0 } directory]
                ? (file, directory)
                : throw new InputException($"{spec}: a judge is judge:FILE:DIR with the file of a constitution and the directory of a language model");
            return;
        }

        if (!Is(Ensemble))
        {
            _directories = MembersOf(_source);
            if (_directories.Length > 1) _ensemble = EnsembleScore.Mean;
            return;
        }

        string[] parts = _source[Ensemble.Length..].Split(':', 2);
        _ensemble = EnsembleScore.TryParse(parts[0]);
        if (_ensemble is null || parts.Length < 2) throw new InputException($"{spec}: an ensemble is ensemble:HOW:DIR,DIR,… with HOW mean, min or lcb(K), where K ≥ 0 as in lcb(1)");
        _directories = [.. parts[1].Split(',').SelectMany(MembersOf)];
        if (_directories.Length < 2) throw new InputException($"{spec}: names one reward model; an ensemble has at least two, or is a folder with member-0 and member-1");
    }

    /// <summary>A short name for metrics: the rule, <c>exec</c>, or the folder, and for a run's <c>final</c> that of the run.</summary>
    private string Name
    {
        get
        {
            if (Is(Rule)) return _source[Rule.Length..];
            if (Is(Command)) return "exec";
            if (Is(Judge)) return "judge";
            string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Is(Ensemble) ? _source.Split(':', 3)[2].Split(',')[0] : _source));
            return Path.GetFileName(path) == "final" ? Path.GetFileName(Path.GetDirectoryName(path)) ?? "final" : Path.GetFileName(path);
        }
    }

    /// <summary>Opens all rewards of a run as their weighted sum.</summary>
    /// <param name="specs">The specs.</param>
    /// <param name="device">The device.</param>
    /// <param name="policy">The shape of the model whose answers are scored.</param>
    /// <param name="workspace">Memory that reward models of the policy's shape share with it.</param>
    public static IReward Open(IReadOnlyList<string> specs, ComputeDevice device, GptConfig policy, Workspace workspace) =>
        Open(specs, device, policy, workspace.Capacity, [workspace]);

    /// <summary>Opens all rewards as their weighted sum, with memory of their own.</summary>
    /// <param name="specs">The specs.</param>
    /// <param name="device">The device.</param>
    /// <param name="policy">The shape of the model whose answers are scored; null where no reward model is among the specs.</param>
    /// <param name="longest">The most tokens of prompt and answer.</param>
    public static IReward Open(IReadOnlyList<string> specs, ComputeDevice device, GptConfig? policy, int longest) =>
        Open(specs, device, policy, Math.Max(longest, 2048), []);

    private static WeightedSum Open(IReadOnlyList<string> specs, ComputeDevice device, GptConfig? policy, int capacity, List<Workspace> workspaces)
    {
        List<WeightedReward> parts = [];
        try
        {
            foreach (var spec in specs.Select(spec => new RewardSpec(spec)))
            {
                string name = spec.Name;
                for (int n = 2; parts.Any(part => part.Name == name); n++) name = $"{spec.Name}-{n}";
                parts.Add(new WeightedReward(name, spec._weight, spec.Open(device, policy, capacity, workspaces)));
            }

            return new WeightedSum(parts);
        }
        catch
        {
            new WeightedSum(parts).Dispose();
            throw;
        }
    }

    /// <summary>The first reward-model directory, which a value function may begin with; or null.</summary>
    public static string? FirstModel(IReadOnlyList<string> specs) => Models(specs).FirstOrDefault();

    /// <summary>The reward-model directories, each as often as it is named.</summary>
    public static IEnumerable<string> Models(IReadOnlyList<string> specs) => specs.SelectMany(spec => new RewardSpec(spec)._directories);

    private IReward Open(ComputeDevice device, GptConfig? policy, int capacity, List<Workspace> workspaces)
    {
        if (Is(Rule)) return RuleReward.Named(_source[Rule.Length..]);
        if (Is(Command)) return new CommandReward(_source[Command.Length..]);
        if (_judge is { } judge) return OpenJudge(judge.Constitution, judge.Model, device);
        List<IReward> members = [];
        try
        {
            foreach (string directory in _directories) members.Add(OpenModel(directory, device, policy, capacity, workspaces));
            return _ensemble is null ? members[0] : new RewardEnsemble(members, _ensemble);
        }
        catch
        {
            foreach (var member in members) member.Dispose();
            throw;
        }
    }

    private static JudgeReward OpenJudge(string file, string directory, ComputeDevice device)
    {
        var constitution = Constitution.Load(file);
        if (constitution.ForJudge.Count == 0) throw new InputException($"{file}: no principle has a 'judge' question; give one to judge by");
        var tokenizer = TextTokenizer.TryLoad(directory) ?? throw new InputException($"{directory}: has no tokenizer, but a judge reads text");
        tokenizer.RequireWithin(GptConfig.Load(Path.Combine(directory, "config.json")).VocabularySize, directory);
        var model = ModelDirectory.Load(device, directory, ScoreHead.None);
        // Its prompts are longer than what is judged, by the template.
        var workspace = new Workspace(device, model.Config, Math.Max(2048, model.Config.Positions), forBackward: false);
        return new JudgeReward(model, tokenizer, constitution, new SequenceScorer(workspace), workspace);
    }

    private static RewardModel OpenModel(string directory, ComputeDevice device, GptConfig? policy, int capacity, List<Workspace> workspaces)
    {
        var precision = policy is null or { Precision: ModelPrecision.Float32 } ? ModelPrecision.Float32 : ModelPrecision.BFloat16;
        var model = ModelDirectory.Load(device, directory, ScoreHead.Required, precision);
        if (policy is not null && model.Config.VocabularySize != policy.VocabularySize)
        {
            using (model)
                throw new InputException($"{directory}: the reward model has {model.Config.VocabularySize} token ids and the policy {policy.VocabularySize}; they must share a tokenizer");
        }

        // Models of one shape take turns with one workspace; who brings a new one disposes of it.
        if (workspaces.Find(workspace => workspace.Config.HasSameShape(model.Config)) is { } shared) return new RewardModel(model, new SequenceScorer(shared));
        var own = new Workspace(device, model.Config, capacity, forBackward: false);
        workspaces.Add(own);
        return new RewardModel(model, new SequenceScorer(own), own);
    }

    private bool Is(string prefix) => _source.StartsWith(prefix, StringComparison.Ordinal);

    /// <summary>The members of an ensemble that a folder holds, or the folder itself.</summary>
    public static string[] MembersOf(string directory) =>
        Directory.Exists(Path.Combine(directory, RewardTrainer.Folder(0)))
            ? [.. Enumerable.Range(0, int.MaxValue).Select(i => Path.Combine(directory, RewardTrainer.Folder(i))).TakeWhile(Directory.Exists)]
            : [directory];
}
