using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>
/// Ten steps of the trainers against PyTorch in float64, every metric to 1e-5; see tests/golden/README.md. (PPO's losses and gradients on
/// fixed rollouts are among the golden values of the model.)
/// </summary>
public class TrainerGoldenTests : FolderTests
{
    [Test]
    public void FineTuning()
    {
        var golden = Golden("sft");
        using var model = ModelDirectory.Load(Device(), Models("gpt2/tied"));
        var rows = Encoder(model).Demonstrations(
            golden["rows"]!.AsArray().Select(row => new Demonstration(Ids(row!["prompt_tokens"]!), Ids(row["completion_tokens"]!), default)), new DataReport());
        AssertAgrees<SftConfiguration>(golden, (configuration, run) => new LanguageModelTrainer(configuration, run, model, rows, []));
    }

    [Test]
    public void Reward()
    {
        var golden = Golden("reward");
        using var model = ModelDirectory.Load(Device(), Models("gpt2/reward"), ScoreHead.Required);
        AssertAgrees<RewardConfiguration>(golden, (configuration, run) => new RewardTrainer(configuration, run, model, Rankings(golden, model), []));
    }

    [TestCase("dpo")]
    [TestCase("dpo-smoothed")]
    public void Dpo(string name)
    {
        var golden = Golden(name);
        using var model = ModelDirectory.Load(Device(), Models("gpt2/ppo"));
        AssertAgrees<DpoConfiguration>(golden, (configuration, run) =>
        {
            using var reference = ModelDirectory.Load(Device(), Models("trainers/reference"));
            return new DpoTrainer(configuration, run, model, reference, Rankings(golden, model), []);
        });
    }

    private void AssertAgrees<T>(JsonNode golden, Func<T, TrainingRun, Trainer> create)
        where T : TrainerConfiguration, new()
    {
        var configuration = ConfigurationLoader.Load<T>(sets: [.. golden["settings"]!.AsObject().Select(setting => $"{setting.Key}={setting.Value!.ToJsonString()}"), "shuffle=false"]);
        List<Metrics> steps = [];
        using var directory = RunDirectory.Create(Folder.File("run"));
        using (var trainer = create(configuration, new TrainingRun(directory, 42, null, OnStep: report => steps.Add(report.Metrics))))
            trainer.Train();

        var expected = golden["steps"]!.AsArray();
        Assert.That(steps, Has.Count.EqualTo(10).And.Count.EqualTo(expected.Count));
        double largest = 0;
        Assert.Multiple(() =>
        {
            for (int i = 0; i < expected.Count; i++)
            {
                foreach (var (key, value) in expected[i]!.AsObject())
                {
                    double difference = Math.Abs(steps[i][key] - (double)value!) / Math.Max(1, Math.Abs((double)value!));
                    Assert.That(difference, Is.InRange(0, 1e-5), $"{key} of step {i + 1}");
                    largest = Math.Max(largest, difference);
                }
            }
        });
        TestContext.Out.WriteLine($"largest difference of any metric: {largest:0.0e0}");
    }

    private static IReadOnlyList<RankedRow> Rankings(JsonNode golden, Gpt model) => Encoder(model).Rankings(
        golden["rows"]!.AsArray().Select(row => new Ranking(
            Ids(row!["prompt_tokens"]!), [.. row["completion_tokens"]!.AsArray().Select(answer => Ids(answer!))], Integers(row["ranks"]!), default)),
        new DataReport());

    private static RowEncoder Encoder(Gpt model) => new(null, model.Config.VocabularySize, model.Config.EosToken, model.Config.Positions);

    private static Content Ids(JsonNode ids) => Content.OfTokens(Integers(ids));

    private static int[] Integers(JsonNode array) => [.. array.AsArray().Select(number => (int)number!)];

    private static JsonNode Golden(string name) => JsonNode.Parse(File.ReadAllText(Models($"trainers/{name}.json")))!;

    private static string Models(string name) => TestFiles.Repository(Path.Combine("tests", "golden", name));
}
