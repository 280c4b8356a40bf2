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
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Demo;

/// <summary>
/// The method of the paper from raw text to the aligned policy, in the small world of NativeRlhf.Miniature. Every stage
/// reads and writes the files that the commands of the runner read and write, so that each can be repeated by hand.
/// </summary>
internal sealed class DemoPipeline(DemoSettings settings, ComputeDevice device, string folder, ulong seed, CancellationToken cancel)
{
    private readonly World _world = new((long)seed, WorldSize.Demo);

    /// <summary>Runs all stages and prints the report.</summary>
    public void Run()
    {
        Heading(1, "the world: text from the web, instructions, demonstrations");
        WriteWorld();
        var tokenizer = BpeTrainer.Train(Texts("web.jsonl"), new BpeTrainerOptions { VocabularySize = settings.VocabularySize });
        Console.WriteLine($"byte-level BPE of {tokenizer.VocabularySize} tokens");

        Heading(2, "pretraining on the web text");
        Initialize(tokenizer);
        Pretrain(tokenizer);

        Heading(3, "supervised fine-tuning on demonstrations");
        Sft(tokenizer);

        Heading(4, "comparisons: labelers rank answers of the SFT model");
        Compare(tokenizer);

        Heading(5, "reward model from the rankings");
        Reward(tokenizer);

        Heading(6, "PPO against the reward model");
        Ppo("ppo", tokenizer);
        if (settings.PtxCoefficient > 0) Ppo("ppo-ptx", tokenizer, settings.PtxCoefficient);

        Heading(7, "what changed");
        new DemoReport(settings, device, _world, tokenizer, seed, Place, cancel).Write();
    }

    private string Place(string name) => Path.Combine(folder, name);

    private static void Heading(int number, string text) => Console.WriteLine($"\n[{number}/7] {text}");

    private void WriteWorld()
    {
        Directory.CreateDirectory(Place("data"));
        var instructions = new Instructions(_world);
        var demonstrator = new Demonstrator(_world);
        WriteLines("web.jsonl", _world.WebDocuments(Miniature.Split.Train, settings.PretrainingTokens).Select(Document));
        WriteLines("web-held-out.jsonl", _world.WebDocuments(Miniature.Split.Test, settings.PretrainingTokens / 25).Select(Document));
        WriteLines("demonstrations.jsonl", instructions.Sample(settings.Demonstrations, Miniature.Split.Train)
            .Select(instruction => instruction.ToDemonstrationRow(demonstrator.Answer(instruction))));
        WriteLines("prompts.jsonl", instructions.Sample(settings.Demonstrations, Miniature.Split.Train).Select(instruction => instruction.ToRow()));
        WriteLines("test-prompts.jsonl", instructions.Sample(settings.TestPrompts, Miniature.Split.Test).Select(instruction => instruction.ToRow()));

        static string Document(string text) => new JsonObject { ["text"] = text }.ToJsonString(JsonStyle.Line);
    }

    private void WriteLines(string name, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        AtomicFile.WriteText(Place(Path.Combine("data", name)), string.Concat(all.Select(line => line + "\n")));
        Console.WriteLine($"data/{name}: {all.Length:N0} rows");
    }

    private string DataFile(string name) => Place(Path.Combine("data", name));

    private IEnumerable<string> Texts(string name) => RowReader.Documents(DataFile(name)).Select(document => document.Content.Text!);

    private void Initialize(TextTokenizer tokenizer)
    {
        using var model = new Gpt(device, new GptConfig
        {
            Layers = settings.Layers,
            Heads = settings.Heads,
            Width = settings.Width,
            Positions = settings.Positions,
            VocabularySize = tokenizer.VocabularySize,
            Inner = 4 * settings.Width,
            BosToken = tokenizer.EndOfText,
            EosToken = tokenizer.EndOfText,
        });
        Initialization.Initialize(model, seed);
        ModelDirectory.Save(Place("initial"), model, tokenizer);
        Console.WriteLine($"{settings.Layers} layers of width {settings.Width}, {model.Weights.Count:N0} parameters");
    }

    private void Pretrain(TextTokenizer tokenizer)
    {
        var configuration = new PretrainConfiguration
        {
            Steps = settings.PretrainingSteps,
            BatchSize = 8,
            LearningRate = 2e-3,
            WarmupSteps = settings.PretrainingSteps / 20,
            EvalEvery = 0,
            CheckpointEvery = 0,
        };
        using var model = ModelDirectory.Load(device, Place("initial"));
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Windows("web text", [DataFile("web.jsonl")], configuration);
        var evalRows = loading.Windows("held-out web text", [DataFile("web-held-out.jsonl")], configuration);
        Train("pretrain", configuration, tokenizer, loading, run => new LanguageModelTrainer(configuration, run, model, rows, evalRows));
    }

    private void Sft(TextTokenizer tokenizer)
    {
        var configuration = new SftConfiguration { Epochs = settings.SftEpochs, BatchSize = 32, LearningRate = 1e-3, EvalEvery = 0, CheckpointEvery = 0 };
        using var model = ModelDirectory.Load(device, Place("pretrain/final"));
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Demonstrations("demonstrations", [DataFile("demonstrations.jsonl")], configuration);
        Train("sft", configuration, tokenizer, loading, run => new LanguageModelTrainer(configuration, run, model, rows, []));
    }

    /// <summary>K = 4 to 9 answers a prompt, ranked by one of five simulated labelers.</summary>
    private void Compare(TextTokenizer tokenizer)
    {
        using var model = ModelDirectory.Load(device, Place("sft/final"));
        using var sampler = new AnswerSampler(model, tokenizer, settings, cancel);
        // Prompts that come after those of the demonstrations, which the SFT model has seen answered.
        Instruction[] prompts = [.. new Instructions(_world).Sample(settings.Demonstrations + settings.ComparisonPrompts, Miniature.Split.Train).Skip(settings.Demonstrations)];
        var labelers = Labeler.Training(_world);
        int[] counts = [.. prompts.Select((_, i) => Labeler.FewestAnswers + (i % (Labeler.MostAnswers - Labeler.FewestAnswers + 1)))];
        var answers = sampler.Sample([.. prompts.SelectMany((prompt, i) => Enumerable.Repeat(prompt.Prompt, counts[i]))], seed + 1);
        List<string> lines = [];
        int at = 0;
        for (int i = 0; i < prompts.Length; i++)
        {
            var ranking = labelers[i % labelers.Count].Rank(prompts[i], [.. answers.Skip(at).Take(counts[i]).Select(answer => answer.Answer)]);
            lines.Add(prompts[i].ToComparisonRow(ranking));
            at += counts[i];
        }

        int held = lines.Count / 10;
        WriteLines("comparisons.jsonl", lines.Skip(held));
        WriteLines("comparisons-held-out.jsonl", lines.Take(held));
    }

    /// <summary>Trains the reward model, and shifts it so that demonstrations score 0 on average.</summary>
    private void Reward(TextTokenizer tokenizer)
    {
        var configuration = new RewardConfiguration
        {
            Epochs = settings.RewardEpochs,
            BatchSize = 16,
            LearningRate = 3e-4,
            WarmupSteps = settings.RewardWarmup,
            Normalization = Normalization.Bias,
            EvalEvery = 0,
            CheckpointEvery = 0,
        };
        using var model = Commands.RewardCommand.LoadWithScore(device, Place("sft/final"), seed);
        var loading = new DataLoading(model.Config, tokenizer);
        var rows = loading.Rankings("rankings", [DataFile("comparisons.jsonl")], configuration);
        var evalRows = loading.Rankings("held-out rankings", [DataFile("comparisons-held-out.jsonl")], configuration);
        var references = loading.Demonstrations("demonstrations", [DataFile("demonstrations.jsonl")], configuration);
        Train("reward", configuration, tokenizer, loading, run => new RewardTrainer(configuration, run, [model], rows, evalRows, references));
    }

    /// <summary>PPO, and with a coefficient above 0 PPO-ptx: the same with pretraining text mixed into every update.</summary>
    private void Ppo(string name, TextTokenizer tokenizer, double ptxCoefficient = 0)
    {
        var configuration = new PpoConfiguration
        {
            Steps = settings.PpoSteps,
            BatchSize = settings.PpoBatch,
            MiniBatchSize = settings.PpoBatch / 4,
            InnerEpochs = 2,
            ResponseLength = settings.AnswerTokens,
            Temperature = settings.Temperature,
            LearningRate = settings.PpoLearningRate,
            ValueLearningRate = 5e-4,
            LearningRateSchedule = Optimization.LearningRateShape.Linear,
            FinalLearningRateFraction = 0.1,
            KlCoef = settings.KlCoefficient,
            MissingEosPenalty = -2,
            PtxCoef = ptxCoefficient,
            PtxRatio = settings.PtxRatio,
            CheckpointEvery = 0,
        };
        using var policy = ModelDirectory.Load(device, Place("sft/final"));
        var loading = new DataLoading(policy.Config, tokenizer);
        var prompts = loading.Prompts("prompts", [DataFile("prompts.jsonl")], policy.Config.Positions - settings.AnswerTokens, OnTooLong.Error, RowEncoder.PromptPlaceholder);
        IReadOnlyList<TokenRow> text = ptxCoefficient > 0
            ? loading.Windows("pretraining text", [DataFile("web.jsonl")], configuration with { MaxLength = policy.Config.Positions - 1 })
            : [];
        using var workspace = PpoTrainer.PlanWorkspace(device, policy.Config, configuration, prompts, text);
        using var reference = ModelDirectory.Load(device, Place("sft/final"));
        using var reward = new RewardModel(ModelDirectory.Load(device, Place("reward/final"), ScoreHead.Required), new SequenceScorer(workspace));
        using var value = ModelDirectory.Load(device, Place("reward/final"), ScoreHead.Required);
        Train(name, configuration, tokenizer, loading, run => new PpoTrainer(configuration, run, new PpoModels(policy, reference, value, reward), prompts, text, workspace));
    }

    private void Train(string name, TrainerConfiguration configuration, TextTokenizer tokenizer, DataLoading loading, Func<TrainingRun, Trainer> create)
    {
        using var directory = RunDirectory.Create(Place(name));
        directory.WriteConfiguration(new JsonObject
        {
            ["command"] = name,
            ["configuration"] = ConfigurationLoader.ToJson(configuration),
            ["seed"] = seed,
            ["device"] = device.Name,
            ["versions"] = Versions.ToJson(),
        });
        foreach (string note in loading.Notes) Console.WriteLine(note);
        using var progress = new ProgressView(name);
        using var trainer = create(new TrainingRun(directory, seed, tokenizer, Resume: false, progress.Report, cancel));
        progress.Run(() => trainer.Train());
    }
}
