using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Planning;
using NativeRlhf.Tests.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Training;

/// <summary>bfloat16 through model and trainers, by launched kernels on the CPU.</summary>
public class PrecisionTests : FolderTests
{
    private static readonly string[] Settings = ["steps=3", "warmupSteps=0", "evalEvery=0", "checkpointEvery=0", "dropout=0.1", "precision=bfloat16"];

    [TestCase(ModelPrecision.Mixed)]
    [TestCase(ModelPrecision.BFloat16)]
    public void HiddenStatesAndGradientsAgreeWithFloat32(ModelPrecision precision)
    {
        var device = PortableDevice();
        using var exact = Random(Odd(tied: false, headBias: true), 1, device: device);
        using var rounded = Random(Odd(tied: false, headBias: true) with { Precision = precision }, 1, device: device);
        var random = new Random(2);
        TokenRow[] rows = [.. new[] { 7, 3, 9 }.Select(length => new TokenRow(Tokens(random, length, exact.Config.VocabularySize), 1))];
        var (loss, gradients) = LossAndGradients(exact, [rows]);
        var (roundedLoss, roundedGradients) = LossAndGradients(rounded, [rows]);
        device.Synchronize();
        using (gradients)
        using (roundedGradients)
        {
            Assert.That(roundedLoss, Is.EqualTo(loss).Within(0.01).And.Not.EqualTo(loss));
            AssertClose(roundedGradients, gradients, 0.05);
        }
    }

    [Test]
    public void DecodingWithACacheAgreesWithTheFullPass()
    {
        var device = PortableDevice();
        using var model = Random(Odd() with { Precision = ModelPrecision.Mixed }, 1, device: device);
        int[] tokens = Tokens(new Random(2), 6, model.Config.VocabularySize);
        using var activations = new GptActivations(device, model.Config, tokens.Length, forBackward: false);
        using var batch = new PackedBatch(device);
        batch.Set([tokens]);
        float[] full = Read(model.Forward(batch, activations));

        using var cache = new KvCache(device, model.Config, slots: 1, tokens.Length);
        using var rows = new DecodeRows(device);
        for (int i = 0; i < tokens.Length; i++)
        {
            rows.Clear();
            rows.Add(tokens[i], 0, i);
            rows.Upload();
            float[] one = Read(model.Decode(cache, rows, activations));
            Assert.That(RelativeError(one, full.AsSpan(i * model.Config.Width, model.Config.Width)), Is.LessThan(0.01), $"token {i}");
        }

        float[] Read(Tensor tensor)
        {
            float[] values = new float[tensor.Length];
            device.Download(tensor, values);
            return values;
        }
    }

    [Test]
    public void EveryTrainerTrains([Values] Kind kind)
    {
        string[] small = [.. TinyRuns.Base(kind), .. Settings];
        double rounded = Loss(TinyRuns.Run(kind, Folder.File("rounded"), small, device: PortableDevice()));
        double exact = Loss(TinyRuns.Run(kind, Folder.File("exact"), [.. small, "precision=float32"]));
        // What PPO and raft sample may differ by a token, from which on all does.
        if (kind is not (Kind.Ppo or Kind.Raft)) Assert.That(rounded, Is.EqualTo(exact).Within(2).Percent.And.Not.EqualTo(exact));

        // The model is written in float32, as it is kept: more than bfloat16 holds.
        using var final = ModelDirectory.Load(Device(), Folder.File("rounded/final"));
        float[] weights = Values(final.Weights["h.0.mlp.c_fc.weight"]);
        Assert.That(weights, Has.Some.Matches<float>(value => value != BFloat16.Of(value).Value));

        static double Loss(Metrics metrics) => metrics.Values.First(entry => entry.Key.StartsWith("loss", StringComparison.Ordinal)).Value;
    }

    [TestCase("masterWeights=true")]
    [TestCase("masterWeights=false")]
    [TestCase("loraRank=2")]
    public void ARunThatIsInterruptedResumesToTheSameBits(string setting)
    {
        string[] settings = [.. TinyRuns.Base(Kind.Pretrain), .. Settings, "keepCheckpoints=9", setting];
        TinyRuns.Run(Kind.Pretrain, Folder.File("whole"), settings, device: PortableDevice());
        using var cancel = new CancellationTokenSource();
        Assert.That(
            () => TinyRuns.Run(Kind.Pretrain, Folder.File("parts"), settings, device: PortableDevice(), cancel: cancel.Token, onStep: report => { if (report.Step == 2) cancel.Cancel(); }),
            Throws.InstanceOf<OperationCanceledException>());
        TinyRuns.Run(Kind.Pretrain, Folder.File("parts"), settings, device: PortableDevice(), resume: true);
        Directory.Delete(Folder.File("parts/checkpoints"), recursive: true);
        Assert.That(TinyRuns.Result(Folder.File("parts")), Is.EqualTo(TinyRuns.Result(Folder.File("whole"))));
    }

    [Test]
    public void WithoutMasterWeightsEveryMatrixStaysWhatBFloat16Holds()
    {
        TinyRuns.Run(Kind.Pretrain, Folder.File("run"), [.. TinyRuns.Base(Kind.Pretrain), .. Settings, "masterWeights=false"], device: PortableDevice());
        using var final = ModelDirectory.Load(Device(), Folder.File("run/final"));
        foreach (var spec in final.Weights.Specs.Where(spec => spec.HasWeightDecay))
            Assert.That(Values(final.Weights[spec.Name]).All(value => value == BFloat16.Of(value).Value), spec.Name);
    }

    [Test]
    public void TheVectorCodeOfTheCpuRefusesIt() => Assert.That(
        () => new Gpt(Device(), TinyRuns.Shape with { Precision = ModelPrecision.Mixed }),
        Throws.TypeOf<InputException>().With.Message.Matches(@"^precision: bfloat16 is not available on this device \(CPU, 2 threads; \w+\); use float32, a GPU, or --variant '\*=portable' to try it$"));

    [Test]
    public void AModelOfAnotherPrecisionIsRefused()
    {
        using var model = new Gpt(PortableDevice(), TinyRuns.Shape);
        using var directory = RunDirectory.Open(Folder.File("run"), resume: false);
        var configuration = ConfigurationLoader.Load<PretrainConfiguration>(sets: ["steps=1", "precision=bfloat16"]);
        Assert.That(
            () => new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, [new TokenRow([1, 2, 3], 1)], []),
            Throws.TypeOf<InputException>().With.Message.EqualTo("precision: the configuration asks for bfloat16, but the model was loaded for float32"));
    }

    [Test]
    public void MemoryIsWhatThePrecisionTakes()
    {
        var shape = TinyRuns.Shape with { Width = 64, Inner = 256, VocabularySize = 1024 };
        long matrices = shape.Specs(false).Where(spec => spec.HasWeightDecay).Sum(spec => spec.Length), vectors = shape.Specs(false).Where(spec => !spec.HasWeightDecay).Sum(spec => Arena.AlignUp(spec.Length));
        Assert.That(Weights(ModelPrecision.Float32), Is.EqualTo(4 * (matrices + vectors)));
        Assert.That(Weights(ModelPrecision.Mixed), Is.EqualTo((6 * matrices) + (4 * vectors)));
        Assert.That(Weights(ModelPrecision.BFloat16), Is.EqualTo((2 * matrices) + (4 * vectors)));

        TokenRow[] rows = [new TokenRow(new int[20], 1), new TokenRow(new int[9], 1)];
        foreach (string master in new[] { "true", "false" })
        {
            var configuration = ConfigurationLoader.Load<SftConfiguration>(sets: ["steps=1", "batchSize=2", "warmupSteps=0", "precision=bfloat16", $"masterWeights={master}"]);
            var plan = RunPlanner.LanguageModel(configuration, TinyRuns.Shape, rows, []).Plan();
            using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, Variants = new Dictionary<string, string> { ["*"] = "portable" } });
            using var model = new Gpt(device, TinyRuns.Shape with { Precision = configuration.TrainedPrecision() });
            Initialization.Initialize(model, 1);
            using var directory = RunDirectory.Open(Folder.File($"run-{master}"), resume: false);
            using var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 1, null), model, rows, []);
            trainer.Train();
            // What the portable kernels keep between launches is theirs, not the run's.
            long scratch = device.Memory.AtPeak.Where(use => !plan.BytesByPurpose.ContainsKey(use.Key)).Sum(use => use.Value);
            Assert.That(device.Memory.Peak - scratch, Is.EqualTo(plan.Bytes));
            Assert.That(scratch, Is.LessThan(8 << 10));
        }

        long Weights(ModelPrecision precision)
        {
            using var device = ComputeDevice.OpenRehearsal();
            using var model = new Gpt(device, shape with { Precision = precision });
            return device.Memory.Current;
        }
    }
}
