using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Miniature;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Commands;
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Stages;

/// <summary>How comparisons are collected.</summary>
/// <param name="Skip">How many training prompts come before those of the comparisons: the SFT model has seen them answered.</param>
/// <param name="Prompts">Prompts whose answers are ranked; the first tenth is held out.</param>
/// <param name="AnswerTokens">The most tokens of an answer.</param>
/// <param name="Temperature">The temperature.</param>
internal sealed record ComparisonSettings(int Skip, int Prompts, int AnswerTokens, float Temperature);

/// <summary>
/// The stages of the paper's method from a new model to the aligned policy. Each reads and writes the files that the commands
/// of the runner read and write, so that it can be repeated by hand. Where the folder of a trainer holds an unfinished run, the
/// run is continued.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="seed">The seed of everything random.</param>
/// <param name="quiet">Whether only a terminal sees the progress of trainers, and nobody what they read.</param>
/// <param name="cancel">Ends a stage; trainers write a checkpoint first.</param>
internal sealed class MethodStages(ComputeDevice device, ulong seed, bool quiet, CancellationToken cancel)
{
    public ComputeDevice Device => device;

    public ulong Seed => seed;

    public CancellationToken Cancel => cancel;

    /// <summary>Writes a new model, and returns how many parameters it has.</summary>
    public int Initialize(int layers, int heads, int width, int positions, TextTokenizer tokenizer, string folder)
    {
        using var model = new Gpt(device, new GptConfig
        {
            Layers = layers,
            Heads = heads,
            Width = width,
            Positions = positions,
            VocabularySize = tokenizer.VocabularySize,
            Inner = 4 * width,
            BosToken = tokenizer.EndOfText,
            EosToken = tokenizer.EndOfText,
        });
        Initialization.Initialize(model, seed);
        ModelDirectory.Save(folder, model, tokenizer);
        return (int)model.Weights.Count;
    }

    public void Pretrain(PretrainConfiguration configuration, string initial, WorldStage world, string folder)
    {
        using var model = ModelDirectory.Load(device, initial);
        var tokenizer = TextTokenizer.Load(initial);
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Windows("web text", [world.Web], configuration);
        var evalRows = loading.Windows("held-out web text", [world.WebHeldOut], configuration);
        Train("pretrain", configuration, tokenizer, loading, folder, run => new LanguageModelTrainer(configuration, run, model, rows, evalRows));
    }

    public void Sft(SftConfiguration configuration, string pretrained, WorldStage world, string folder)
    {
        using var model = ModelDirectory.Load(device, pretrained);
        var tokenizer = TextTokenizer.Load(pretrained);
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Demonstrations("demonstrations", [world.Demonstrations], configuration);
        Train("sft", configuration, tokenizer, loading, folder, run => new LanguageModelTrainer(configuration, run, model, rows, []));
    }

    /// <summary>K = 4 to 9 answers a prompt, ranked by one of five simulated labelers: <c>comparisons.jsonl</c>, and <c>comparisons-held-out.jsonl</c>.</summary>
    /// <returns>The held-out prompts with their answers.</returns>
    public IReadOnlyList<(Instruction Prompt, Answer[] Answers)> Compare(
        ComparisonSettings settings, World world, Instructions instructions, string sft, string folder, Action<string> say)
    {
        using var model = ModelDirectory.Load(device, sft);
        using var sampler = new AnswerSampler(model, TextTokenizer.Load(sft), settings.AnswerTokens, settings.Temperature, cancel);
        Instruction[] prompts = [.. instructions.Sample(settings.Skip + settings.Prompts, Miniature.Split.Train).Skip(settings.Skip)];
        var labelers = Labeler.Training(world);
        int[] counts = [.. prompts.Select((_, i) => Labeler.FewestAnswers + (i % (Labeler.MostAnswers - Labeler.FewestAnswers + 1)))];
        var answers = sampler.Sample([.. prompts.SelectMany((prompt, i) => Enumerable.Repeat(prompt.Prompt, counts[i]))], seed + 1);
        List<(Instruction Prompt, Answer[] Answers)> compared = [];
        List<string> lines = [];
        int at = 0;
        for (int i = 0; i < prompts.Length; i++)
        {
            compared.Add((prompts[i], [.. answers.Skip(at).Take(counts[i]).Select(answer => answer.Answer)]));
            lines.Add(prompts[i].ToComparisonRow(labelers[i % labelers.Count].Rank(prompts[i], compared[i].Answers)));
            at += counts[i];
        }

        int held = lines.Count / 10;
        Lines("comparisons.jsonl", lines.Skip(held));
        Lines("comparisons-held-out.jsonl", lines.Take(held));
        return compared[..held];

        void Lines(string name, IEnumerable<string> rows) => say($"{Path.GetFileName(folder)}/{WorldStage.WriteLines(Path.Combine(folder, name), [.. rows])}");
    }

    /// <summary>Trains the reward model, and shifts it so that demonstrations score 0 on average.</summary>
    public void Reward(RewardConfiguration configuration, string sft, string comparisons, WorldStage world, string folder)
    {
        using var model = RewardCommand.LoadWithScore(device, sft, seed);
        var tokenizer = TextTokenizer.Load(sft);
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Rankings("rankings", [Path.Combine(comparisons, "comparisons.jsonl")], configuration);
        var evalRows = loading.Rankings("held-out rankings", [Path.Combine(comparisons, "comparisons-held-out.jsonl")], configuration);
        var references = loading.Demonstrations("demonstrations", [world.Demonstrations], configuration);
        Train("reward", configuration, tokenizer, loading, folder, run => new RewardTrainer(configuration, run, [model], rows, evalRows, references));
    }

    /// <summary>PPO, and with <see cref="PpoConfiguration.PtxCoef"/> above 0 PPO-ptx: the same with pretraining text mixed into every update.</summary>
    public void Ppo(string name, PpoConfiguration configuration, string sft, string rewardModel, WorldStage world, string folder)
    {
        using var policy = ModelDirectory.Load(device, sft);
        var tokenizer = TextTokenizer.Load(sft);
        var loading = new DataLoading(policy.Config, tokenizer);
        var prompts = loading.Prompts("prompts", [world.Prompts], policy.Config.Positions - configuration.ResponseLength, OnTooLong.Error, RowEncoder.PromptPlaceholder);
        IReadOnlyList<TokenRow> text = configuration.PtxCoef > 0
            ? loading.Windows("pretraining text", [world.Web], configuration with { MaxLength = policy.Config.Positions - 1 })
            : [];
        using var workspace = PpoTrainer.PlanWorkspace(device, policy.Config, configuration, prompts, text);
        using var reference = ModelDirectory.Load(device, sft);
        using var reward = new RewardModel(ModelDirectory.Load(device, rewardModel, ScoreHead.Required), new SequenceScorer(workspace));
        using var value = ModelDirectory.Load(device, rewardModel, ScoreHead.Required);
        Train(name, configuration, tokenizer, loading, folder, run => new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, text, workspace));
    }

    private void Train(string name, TrainerConfiguration configuration, TextTokenizer tokenizer, DataLoading loading, string folder, Func<TrainingRun, Trainer> create)
    {
        bool resumes = File.Exists(Path.Combine(folder, "config.json"));
        using var directory = RunDirectory.Open(folder, resumes);
        if (resumes && directory.IsFinished) return;
        directory.WriteConfiguration(new JsonObject
        {
            ["command"] = name,
            ["configuration"] = ConfigurationLoader.ToJson(configuration),
            ["seed"] = seed,
            ["device"] = device.Name,
            ["versions"] = Versions.ToJson(),
        });
        foreach (string note in loading.Notes)
        {
            directory.Log(note);
            if (!quiet) Console.WriteLine(note);
        }

        using var progress = quiet && Console.IsOutputRedirected ? null : new ProgressView(name);
        using var trainer = create(new TrainingRun(directory, seed, tokenizer, resumes, progress is null ? null : progress.Report, cancel));
        if (progress is null) trainer.Train();
        else progress.Run(() => trainer.Train());
    }
}
