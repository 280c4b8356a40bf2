using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Model;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Training;

/// <summary>All trainers train adapters: the base stays as it is, and the run's files hold the adapter.</summary>
public class AdapterRunTests : FolderTests
{
    [Test]
    public void TheFinalModelIsTheBaseWithTheAdapterMerged([Values] Kind kind)
    {
        TinyRuns.Run(kind, Run, Settings(kind));
        using var @base = new Gpt(TestModels.Device(), TinyRuns.Shape, hasScore: kind == Kind.Reward);
        Initialization.Initialize(@base, 7);
        using var final = ModelDirectory.Load(TestModels.Device(), Folder.File("run/final"));
        foreach (var spec in @base.Weights.Specs)
        {
            bool isTrained = spec.Name.Contains("attn.c_attn.weight", StringComparison.Ordinal) || spec.Name.Contains("mlp.c_fc.weight", StringComparison.Ordinal) || spec.Name == "score.weight";
            bool isSame = TestModels.Values(final.Weights[spec.Name]).AsSpan().SequenceEqual(TestModels.Values(@base.Weights[spec.Name]));
            Assert.That(isSame, Is.EqualTo(!isTrained), spec.Name);
        }

        AdapterDirectory.Attach(@base, Folder.File("run/final/adapter"));
        ModelDirectory.Save(Folder.File("merged"), @base, null);
        Assert.That(File.ReadAllBytes(Folder.File("merged/model.safetensors")), Is.EqualTo(File.ReadAllBytes(Folder.File("run/final/model.safetensors"))));
    }

    [Test]
    public void CheckpointsHoldTheAdapterAndNotTheBase([Values] Kind kind)
    {
        TinyRuns.Run(kind, Run, Settings(kind));
        string checkpoint = Folder.File("run/checkpoints/step-000002");
        Assert.That(
            Directory.GetFiles(checkpoint).Select(Path.GetFileName),
            Is.SupersetOf(new[] { "adapter_config.json", "adapter_model.safetensors", "adam_m.safetensors", "adam_v.safetensors" }).And.No.Member("model.safetensors"));
        if (kind == Kind.Ppo) Assert.That(File.Exists(Path.Combine(checkpoint, "value", "adapter_model.safetensors")));
    }

    [Test]
    public void ARunThatIsKilledResumesToTheSameBits([Values] Kind kind, [Values(1, 3)] int steps)
    {
        TinyRuns.Run(kind, Folder.File("whole"), Settings(kind));
        Assert.That(
            () => TinyRuns.Run(kind, Run, Settings(kind), onStep: report => { if (report.Step == steps) throw new NotSupportedException("killed"); }),
            Throws.TypeOf<NotSupportedException>());
        TinyRuns.Run(kind, Run, Settings(kind), resume: true, threads: 2);
        var (parts, whole) = (TinyRuns.Result(Run), TinyRuns.Result(Folder.File("whole")));
        Assert.That(parts, Is.EqualTo(whole));
        Assert.That(whole.Keys, Does.Contain("final/adapter/adapter_model.safetensors"));
    }

    [Test]
    public void TheBaseKeepsItsBitsAndTheLossFalls()
    {
        using var model = TestModels.Random(TestModels.Odd(), 3);
        float[] before = TestModels.Values(model.Weights.All);
        var random = new Random(4);
        TokenRow[] rows = [.. Enumerable.Range(0, 8).Select(_ => new TokenRow(TestModels.Tokens(random, 12, 51), 1))];
        using var directory = RunDirectory.Create(Run);
        using var trainer = new LanguageModelTrainer(
            ConfigurationLoader.Load<SftConfiguration>(sets: ["steps=30", "batchSize=8", "learningRate=0.02", "loraRank=8", "loraAlpha=16", "warmupSteps=0"]),
            new TrainingRun(directory, 1, null), model, rows, rows);
        var metrics = trainer.Train();
        Assert.That(TestModels.Values(model.Weights.All), Is.EqualTo(before));
        Assert.That(metrics["eval/loss"], Is.LessThan(0.6 * (double)TinyRuns.Metrics(Run)[0]["loss"]!));
    }

    [Test]
    public void AnAdapterThatIsThereIsTrainedFurtherAndAnotherRankIsAnError()
    {
        using var model = TestModels.WithAdapter(TestModels.Random(TestModels.Odd(), 3), new AdapterSettings(2, 4, Adapter.AllTargets));
        var adapter = model.Adapter;
        TokenRow[] rows = [new([1, 2, 3], 1)];
        using var directory = RunDirectory.Create(Run);
        using (var trainer = Create("loraRank=2", "loraAlpha=4")) trainer.Train();
        Assert.That(model.Adapter, Is.SameAs(adapter));
        Assert.That(() => Create("loraRank=3").Dispose(), Throws.TypeOf<InputException>().With.Message.Contains("rank 2").And.Message.Contains("rank 3"));

        LanguageModelTrainer Create(params string[] settings) => new(
            ConfigurationLoader.Load<SftConfiguration>(sets: ["steps=1", "batchSize=1", .. settings]), new TrainingRun(directory, 1, null), model, rows, []);
    }

    [Test]
    public void AnUnknownTargetIsOneLine() =>
        Assert.That(
            () => ConfigurationLoader.Load<SftConfiguration>(sets: ["loraRank=4", "loraTargets=c_attn,q_proj"]),
            Throws.TypeOf<InputException>().With.Message.EqualTo("--set loraTargets=c_attn,q_proj: loraTargets has 'q_proj'; known are attn.c_attn, attn.c_proj, mlp.c_fc, mlp.c_proj and all-linear"));

    private string Run => Folder.File("run");

    private static string[] Settings(Kind kind) => [.. TinyRuns.Base(kind), "loraRank=3", "loraAlpha=6", "loraTargets=c_attn,c_fc"];
}
