using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Configuration;
using NativeRlhf.Miniature;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Stages;
using NativeRlhf.Tokenization;

namespace NativeRlhf.Runner.Reproduction;

/// <summary>The stages of the reproduction and what each of them reads.</summary>
internal sealed class ReproductionPlan
{
    private const double AnswerLength = 8, PromptLength = 14;

    private readonly List<Stage> _stages = [];
    private readonly ReproductionSettings _settings;
    private readonly MethodStages _method;
    private readonly EvaluationStages _evaluation;
    private readonly World _world;
    private readonly Instructions _instructions;
    private readonly string _folder;

    /// <param name="settings">How much of everything.</param>
    /// <param name="method">What does the work.</param>
    /// <param name="folder">The folder of the study.</param>
    public ReproductionPlan(ReproductionSettings settings, MethodStages method, string folder)
    {
        (_settings, _method, _folder) = (settings, method, folder);
        _world = new World((long)method.Seed, settings.WorldSize);
        _instructions = new Instructions(_world, new InstructionOptions { HeldOutKind = settings.HeldOutKind });
        _evaluation = new EvaluationStages(method, settings, _world, new Lazy<TestQuestions>(() => new TestQuestions(_world, _instructions, settings)));

        var world = Add(new Stage
        {
            Name = "world",
            Settings = Json(settings.World, settings.WorldSize),
            Cost = settings.PretrainingTokens * 1e4,
            Run = into =>
            {
                foreach (string _ in WorldFolder.Write(into, new WorldFiles(_world, settings.World).All)) method.Cancel.ThrowIfCancellationRequested();
            },
        });
        var tokenizer = Add(new Stage
        {
            Name = "tokenizer",
            Settings = Json(settings.VocabularySize),
            Inputs = [world],
            Cost = settings.PretrainingTokens * 1e4,
            Run = into => Files(Place(world)).TrainTokenizer(settings.VocabularySize).Save(into),
        });
        List<Stage> measured = [.. settings.Sizes.SelectMany(size => AddSize(size, world, tokenizer))];
        Add(new Stage
        {
            Name = "study",
            Settings = Json(settings.Sizes.Select(size => size.Name)),
            Version = 1,
            Inputs = measured,
            Cost = 3e11,
            Run = into => new StudyWriter(StudyData.Read(folder, settings)).Build().Write(Path.Combine(into, Reporting.Study.FileName)),
        });
    }

    /// <summary>All stages, inputs before what reads them.</summary>
    public IReadOnlyList<Stage> Stages => _stages;

    /// <summary>The stages of one size.</summary>
    /// <returns>Those that measure.</returns>
    private List<Stage> AddSize(ModelSize size, Stage world, Stage tokenizer)
    {
        double parameters = size.Parameters(_settings.VocabularySize);
        double answers = _settings.ComparisonPrompts * (Labeler.FewestAnswers + Labeler.MostAnswers) / 2.0;
        double rowLength = PromptLength + AnswerLength;
        List<Stage> measured = [];

        var pretraining = _settings.Pretraining(size);
        var pretrain = Add(new Stage
        {
            Name = $"{size.Name}/pretrain",
            Settings = Json(pretraining, size.Layers, size.Heads, size.Width, _settings.Positions),
            Inputs = [world, tokenizer],
            Cost = 6 * parameters * pretraining.Steps!.Value * pretraining.BatchSize * _settings.Positions,
            Run = into =>
            {
                string initial = Path.Combine(into, "initial");
                if (!Directory.Exists(initial)) Checkpoints.AtomicDirectory.Write(initial, folder => _method.Initialize(size.Layers, size.Heads, size.Width, _settings.Positions, TextTokenizer.Load(Place(tokenizer)), folder));
                Trained(into, folder => _method.Pretrain(pretraining, initial, Files(Place(world)), folder));
            },
        });
        var sft = Add(new Stage
        {
            Name = $"{size.Name}/sft",
            Settings = Json(_settings.Sft(size)),
            Inputs = [world, pretrain],
            Cost = 6 * parameters * size.SftEpochs * _settings.Demonstrations * rowLength,
            Run = into => Trained(into, folder => _method.Sft(_settings.Sft(size), Final(pretrain), Files(Place(world)), folder)),
        });
        var compare = Add(new Stage
        {
            Name = $"{size.Name}/compare",
            Settings = Json(_settings.Comparisons),
            Inputs = [world, sft],
            Cost = 2 * parameters * answers * rowLength,
            Run = into => EvaluationFiles.WriteLines(
                Path.Combine(into, HeldOutName),
                _method.Compare(_settings.Comparisons, _world, _instructions, Final(sft), into, _ => { }).Select(entry => new ComparedAnswers(entry.Prompt.ToRow(), [.. entry.Answers.Select(answer => answer.Text)], [.. entry.Answers.Select(answer => answer.Ended)]))),
        });
        var reward = Add(new Stage
        {
            Name = $"{size.Name}/reward",
            Settings = Json(_settings.Reward(size)),
            Inputs = [world, sft, compare],
            Cost = 6 * parameters * _settings.RewardEpochs * answers * rowLength,
            Run = into => Trained(into, folder => _method.Reward(_settings.Reward(size), Final(sft), Place(compare), Files(Place(world)), folder)),
        });
        measured.Add(Add(new Stage
        {
            Name = $"{size.Name}/eval/reward",
            Settings = [],
            Inputs = [sft, compare, reward],
            Cost = 2 * parameters * answers / 10 * rowLength,
            Run = into => _evaluation.Reward(
                [.. EvaluationFiles.ReadLines<ComparedAnswers>(Path.Combine(Place(compare), HeldOutName)).Select(entry => (Instruction.FromRow(entry.Row), entry.Texts.Select((text, i) => new Answer(text, entry.Ended[i])).ToArray()))],
                Final(sft), Final(reward), into),
        }));
        var ppo = AddPpo("ppo", _settings.Ppo(size, _settings.KlCoefficient, 0));
        var ptx = AddPpo("ppo-ptx", _settings.Ppo(size, _settings.KlCoefficient, _settings.PtxCoefficient));

        AddEvaluation("base", ModelNames.Base, pretrain);
        AddEvaluation("prompted", ModelNames.Prompted, pretrain);
        AddEvaluation("sft", ModelNames.Sft, sft);
        AddEvaluation("ppo", ModelNames.Ppo, ppo, _settings.KlCoefficient);
        AddEvaluation("ppo-ptx", ModelNames.PpoPtx, ptx, _settings.KlCoefficient);
        if (size.Name != _settings.SweepSize) return measured;
        foreach (double coefficient in _settings.Coefficients)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"beta-{coefficient}");
            var run = AddPpo(name, _settings.Ppo(size, coefficient, 0));
            AddEvaluation(name, name, run, coefficient);
        }

        return measured;

        Stage AddPpo(string name, PpoConfiguration configuration) => Add(new Stage
        {
            Name = $"{size.Name}/{name}",
            Settings = Json(configuration),
            Inputs = [world, sft, reward],
            Cost = parameters * configuration.Steps!.Value * _settings.PpoBatch * ((36 * rowLength) + (configuration.PtxCoef > 0 ? 6 * configuration.PtxRatio * configuration.InnerEpochs * _settings.Positions : 0)),
            Run = into => Trained(into, folder => _method.Ppo(name, configuration, Final(sft), Final(reward), Files(Place(world)), folder)),
        });

        void AddEvaluation(string name, string model, Stage stage, double? klCoefficient = null)
        {
            bool isSweep = name.StartsWith("beta-", StringComparison.Ordinal);
            double prompts = _settings.TestPrompts + (isSweep ? 0 : 8 * _settings.ProbePrompts);
            measured.Add(Add(new Stage
            {
                Name = $"{size.Name}/eval/{name}",
                Settings = Json(_settings.TestPrompts, _settings.ProbePrompts, _settings.FewShotItems, _settings.Shots, _settings.AnswerTokens, _settings.Temperature),
                Inputs = [world, stage, .. stage == sft ? Array.Empty<Stage>() : [sft], reward],
                Cost = 2 * parameters * prompts * 6 * rowLength,
                Run = into => _evaluation.Model(model, Final(stage), Final(sft), Final(reward), Files(Place(world)).WebHeldOut, klCoefficient, isSweep, into),
            }));
        }
    }

    private const string HeldOutName = "held-out-answers.jsonl";

    private Stage Add(Stage stage)
    {
        _stages.Add(stage);
        return stage;
    }

    private string Place(Stage stage) => Path.Combine(_folder, stage.Name);

    /// <summary>The model that a trainer's stage ended with.</summary>
    private string Final(Stage stage) => Path.Combine(Place(stage), RunFolder, "final");

    private const string RunFolder = "run";

    /// <summary>Trains in a folder of its own within the stage's; what was only there for a resume goes.</summary>
    private static void Trained(string into, Action<string> train)
    {
        string folder = Path.Combine(into, RunFolder), checkpoints = Path.Combine(folder, "checkpoints");
        train(folder);
        if (Directory.Exists(checkpoints)) Directory.Delete(checkpoints, recursive: true);
    }

    private static WorldStage Files(string folder) => new(folder);

    /// <summary>Settings of a stage as they enter its key; trainers' configurations by their keys.</summary>
    private static JsonObject Json(params IEnumerable<object> parts) => new(parts.Select((part, i) => KeyValuePair.Create(
        part is ConfigurationRecord ? "configuration" : $"{i}", part is ConfigurationRecord configuration ? ConfigurationLoader.ToJson(configuration) : JsonSerializer.SerializeToNode(part, part.GetType()))));

    /// <summary>Answers that were compared but kept from the training of the reward model.</summary>
    private sealed record ComparedAnswers(string Row, string[] Texts, bool[] Ended);
}
