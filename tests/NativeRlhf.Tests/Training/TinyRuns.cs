using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rewards;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Training;

/// <summary>The trainers.</summary>
public enum Kind
{
    Pretrain,
    Sft,
    Reward,
    Ppo,
    Dpo,
    Raft,
}

/// <summary>
/// Runs of a fraction of a second, each set up as a user's would be: text through a tokenizer and the row encoder, a
/// configuration from <c>key=value</c> settings, a run directory.
/// </summary>
internal static class TinyRuns
{
    private static readonly CharTokenizer Tokenizer = new("abcdefgh :\n");

    /// <summary>The shape of all models here.</summary>
    public static readonly GptConfig Shape = new()
    {
        Layers = 2,
        Heads = 2,
        Width = 16,
        Positions = 24,
        VocabularySize = 13,
        Inner = 32,
        EosToken = 11,
    };

    /// <summary>The settings that tests start from: a few steps of every feature.</summary>
    public static string[] Base(Kind kind) =>
    [
        "steps=4", "batchSize=4", "microBatchSize=2", "learningRate=0.01", "warmupSteps=1", "weightDecay=0.1", "dropout=0.1",
        "evalEvery=2", "checkpointEvery=2", "maxLength=20",
        .. kind == Kind.Ppo
            ? ["miniBatchSize=2", "innerEpochs=2", "responseLength=6", "klController=adaptive", "klHorizon=20", "whitenRewards=true", "ptxCoef=0.5", "ptxRatio=1", "emaDecay=0.6", "temperature=0.9"]
            : Array.Empty<string>(),
        .. kind == Kind.Sft ? ["responseLength=6", "pretrainRatio=0.3", "selectBy=reward"] : Array.Empty<string>(),
        .. kind == Kind.Raft ? ["answersPerPrompt=2", "keepFraction=0.5", "miniBatchSize=2", "innerEpochs=2", "responseLength=6", "temperature=0.9"] : Array.Empty<string>(),
    ];

    /// <summary>Runs a trainer to its end, or to where <paramref name="onStep"/> stops it.</summary>
    /// <returns>The metrics of the last step.</returns>
    public static Metrics Run(
        Kind kind, string path, IEnumerable<string> settings, int threads = 1, ulong seed = 42, bool resume = false,
        Action<StepReport>? onStep = null, CancellationToken cancel = default, ComputeDevice? device = null)
    {
        device ??= TestModels.Device(threads);
        var (trained, frozen) = (Shape with { Precision = Trained(settings) }, Shape with { Precision = Frozen(settings) });
        using var model = new Gpt(device, trained, hasScore: kind == Kind.Reward);
        Initialization.Initialize(model, 7);
        using var directory = RunDirectory.Open(path, resume);
        if (!resume) directory.WriteConfiguration(new JsonObject { ["seed"] = seed });
        var run = new TrainingRun(directory, seed, Tokenizer, resume, onStep, cancel);
        switch (kind)
        {
            case Kind.Pretrain:
                {
                    var configuration = ConfigurationLoader.Load<PretrainConfiguration>(sets: settings);
                    using var trainer = new LanguageModelTrainer(configuration, run, model, Windows(configuration, "abcd efgh: ", 40), Windows(configuration, "hgfe dcba: ", 5));
                    return trainer.Train();
                }

            case Kind.Sft:
                {
                    var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: settings);
                    var rows = Encoder(configuration, configuration.MaxLength ?? Shape.Positions).Demonstrations(Texts(24).Select(text => new Demonstration(Text(text[..4]), Text(text[4..]), default)), new DataReport());
                    var prompts = Encoder(configuration, Shape.Positions - configuration.ResponseLength).Prompts(Texts(6).Select(text => new PromptRow(Text(text), [], default)), new DataReport());
                    var pretraining = configuration.PretrainRatio > 0 ? Windows(configuration, "abcd efgh: ", 40) : [];
                    using var reward = new RuleReward(request => request.Completion.Count(c => c == 'a') - (0.1 * request.Completion.Length));
                    using var trainer = new LanguageModelTrainer(configuration, run, model, rows.Skip(4).ToList(), rows.Take(4).ToList(), new FineTuning(pretraining, prompts, reward));
                    return trainer.Train();
                }

            case Kind.Reward:
                {
                    var configuration = ConfigurationLoader.Load<RewardConfiguration>(sets: settings);
                    var rows = Rankings(configuration);
                    List<Gpt> members = [model];
                    for (int i = 1; i < configuration.Ensemble; i++)
                    {
                        members.Add(new Gpt(device, trained, hasScore: true));
                        Initialization.Initialize(members[i], 7);
                        Initialization.InitializeScore(members[i], 7 + (ulong)i);
                    }

                    using var trainer = new RewardTrainer(configuration, run, members, rows.Skip(4).ToList(), rows.Take(4).ToList(), []);
                    var last = trainer.Train();
                    foreach (var member in members.Skip(1)) member.Dispose();
                    return last;
                }

            case Kind.Raft:
                {
                    var configuration = ConfigurationLoader.Load<RaftConfiguration>(sets: settings);
                    int promptLength = (configuration.MaxLength ?? Shape.Positions) - configuration.ResponseLength;
                    var prompts = Encoder(configuration, promptLength).Prompts(Texts(12).Select(text => new PromptRow(Text(text), [], default)), new DataReport());
                    using var reward = new RuleReward(request => request.Completion.Count(c => c == 'a') - (0.1 * request.Completion.Length));
                    using var trainer = new RaftTrainer(configuration, run, model, reward, prompts);
                    return trainer.Train();
                }

            case Kind.Dpo:
                {
                    var configuration = ConfigurationLoader.Load<DpoConfiguration>(sets: settings);
                    var rows = Rankings(configuration);
                    using var trainer = new DpoTrainer(configuration, run, model, model, rows.Skip(4).ToList(), rows.Take(4).ToList());
                    return trainer.Train();
                }

            default:
                {
                    var configuration = ConfigurationLoader.Load<PpoConfiguration>(sets: settings);
                    int promptLength = (configuration.MaxLength ?? Shape.Positions) - configuration.ResponseLength;
                    var prompts = Encoder(configuration, promptLength).Prompts(Texts(12).Select(text => new PromptRow(Text(text), [], default)), new DataReport());
                    var pretraining = configuration.PtxCoef > 0 ? Windows(configuration, "abcd efgh: ", 40) : [];
                    using var reference = configuration.LoraRank > 0 ? model.Snapshot() : new Gpt(device, frozen);
                    if (configuration.LoraRank == 0) Initialization.Initialize(reference, 7);
                    using var value = new Gpt(device, trained, hasScore: true);
                    Initialization.Initialize(value, 8);
                    using var reward = new RuleReward(request => request.Completion.Count(c => c == 'a') - (0.1 * request.Completion.Length));
                    using var workspace = PpoTrainer.PlanWorkspace(device, trained, configuration, prompts, pretraining);
                    using var trainer = new PpoTrainer(configuration, run, new PpoModels(model, reference, value, reward), prompts, pretraining, workspace);
                    return trainer.Train();
                }
        }
    }

    /// <summary>All that a run leaves and that a second run must leave in the same bits: everything but times and the log.</summary>
    public static IReadOnlyDictionary<string, string> Result(string path)
    {
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.GetFiles(path, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(path, file);
            if (Path.GetFileName(name) is "log.txt" or ".lock" or "config.json" && !name.Contains("final", StringComparison.Ordinal)) continue;
            result[name] = Path.GetFileName(name) switch
            {
                "metrics.jsonl" => string.Join('\n', Metrics(path).Select(line => WithoutTimes(line).ToJsonString())),
                "trainer.json" => WithoutTimes(JsonNode.Parse(File.ReadAllText(file))!.AsObject()).ToJsonString(),
                _ => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file))),
            };
        }

        return result;
    }

    /// <summary>The lines of metrics.jsonl.</summary>
    public static List<JsonObject> Metrics(string path) =>
        [.. File.ReadLines(Path.Combine(path, "metrics.jsonl")).Select(line => JsonNode.Parse(line)!.AsObject())];

    private static JsonObject WithoutTimes(JsonObject line)
    {
        foreach (string key in line.Select(entry => entry.Key).ToList())
        {
            if (key is "wall_seconds" or "tokens_per_second" or "Seconds" || key.StartsWith("time/", StringComparison.Ordinal)) line.Remove(key);
        }

        return line;
    }

    // As the runner chooses them, from settings that every trainer knows.
    private static ModelPrecision Trained(IEnumerable<string> settings) => Precision(settings).TrainedPrecision();

    private static ModelPrecision Frozen(IEnumerable<string> settings) => Precision(settings).FrozenPrecision();

    private static PretrainConfiguration Precision(IEnumerable<string> settings) =>
        ConfigurationLoader.Load<PretrainConfiguration>(sets: settings.Where(setting => setting.Split('=')[0] is "precision" or "masterWeights" or "loraRank"));

    private static Content Text(string text) => Content.OfText(text);

    private static RowEncoder Encoder(PromptTrainerConfiguration configuration, int maxLength) =>
        new(Tokenizer, Shape.VocabularySize, Shape.EosToken, maxLength, configuration.OnTooLong, configuration.PromptTemplate);

    private static IReadOnlyList<RankedRow> Rankings(PromptTrainerConfiguration configuration) =>
        Encoder(configuration, configuration.MaxLength ?? Shape.Positions).Rankings(
            Texts(24).Select((text, i) => new Ranking(Text(text[..4]), [Text(text[4..]), Text("ab"), Text("cc")], i % 2 == 0 ? [1, 2, 2] : [3, 2, 1], default)), new DataReport());

    private static List<TokenRow> Windows(TrainerConfiguration configuration, string text, int repeat)
    {
        var windows = new RowEncoder(Tokenizer, Shape.VocabularySize, Shape.EosToken, configuration.MaxLength ?? Shape.Positions)
            .Windows([new Document(Text(string.Concat(Enumerable.Repeat(text, repeat))), default)], new DataReport());
        return [.. Enumerable.Range(0, windows.Count).Select(i => new TokenRow(windows[i].ToArray(), 1))];
    }

    /// <summary>Random texts of 6 to 11 characters.</summary>
    private static IEnumerable<string> Texts(int count)
    {
        var random = new Random(5);
        for (int i = 0; i < count; i++)
            yield return string.Concat(Enumerable.Range(0, 6 + (i % 6)).Select(_ => Tokenizer.Alphabet[random.Next(8)]));
    }
}
