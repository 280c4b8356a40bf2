using System.Text.Json.Nodes;
using NativeRlhf.Checkpoints;
using NativeRlhf.Configuration;
using NativeRlhf.Data;
using NativeRlhf.Evaluation;
using NativeRlhf.Kernels;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Tests.Tokenization;
using NativeRlhf.Training;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>Logits, gradients and training steps that PyTorch computed in float64; see tests/golden/README.md.</summary>
public class GoldenValueTests
{
    [TestCase("tied")]
    [TestCase("untied")]
    [TestCase("relu")]
    public void LogitsAgree(string name)
    {
        using var model = ModelDirectory.Load(Device(), Folder(name));
        float[] expected = Tensors(name, "logits.safetensors")["logits"];
        Assert.That(RelativeError([.. Logits(model, Sequences(name)).SelectMany(row => row)], expected), Is.LessThan(1e-5));
    }

    [TestCase("tied")]
    [TestCase("untied")]
    [TestCase("relu")]
    public void LossAndAllGradientsAgree(string name)
    {
        using var model = ModelDirectory.Load(Device(), Folder(name));
        TokenRow[] rows = [.. Sequences(name).Select(tokens => new TokenRow(tokens, 1))];
        foreach (int microBatch in new[] { rows.Length, 2 })
        {
            var (loss, gradients) = LossAndGradients(model, [.. rows.Chunk(microBatch)]);
            using (gradients)
            {
                Assert.That(loss, Is.EqualTo((double)Json(name, "batch.json")["loss"]!).Within(1e-3).Percent);
                AssertGradients(gradients, name, "gradients.safetensors");
            }
        }
    }

    [Test]
    public void LossAndAllGradientsAgreeWithEveryVariant([Values("portable", "scalar", "simd128", "simd256", "simd512")] string variant)
    {
        const string Name = "relu"; // the case with odd sizes
        if (!KernelSet.Variants(Device()).Contains(variant)) Assert.Ignore($"this machine has no {variant}");
        using var device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 2, Variants = new Dictionary<string, string> { ["*"] = variant } });
        using var model = ModelDirectory.Load(device, Folder(Name));
        var (loss, gradients) = LossAndGradients(model, [[.. Sequences(Name).Select(tokens => new TokenRow(tokens, 1))]]);
        using (gradients)
        {
            device.Synchronize();
            Assert.That(loss, Is.EqualTo((double)Json(Name, "batch.json")["loss"]!).Within(1e-3).Percent);
            AssertGradients(gradients, Name, "gradients.safetensors");
        }
    }

    [TestCase("tied")]
    [TestCase("untied")]
    [TestCase("relu")]
    public void TwentyStepsOfTrainingAgree(string name)
    {
        var golden = Json(name, "training.json");
        var configuration = ConfigurationLoader.Load<PretrainConfiguration>(
            sets: [.. golden["settings"]!.AsObject().Select(setting => $"{setting.Key}={setting.Value!.ToJsonString()}"), "shuffle=false", "dropout=0"]);
        TokenRow[] rows = [.. golden["rows"]!.AsArray().Select(row => new TokenRow(Integers(row!), 1))];
        using var model = ModelDirectory.Load(Device(), Folder(name));
        using var folder = new TemporaryFolder();
        using var directory = RunDirectory.Create(folder.File("run"));
        List<Metrics> steps = [];
        using (var trainer = new LanguageModelTrainer(configuration, new TrainingRun(directory, 42, null, OnStep: report => steps.Add(report.Metrics)), model, rows, []))
            trainer.Train();

        var expected = golden["steps"]!.AsArray();
        Assert.That(steps, Has.Count.EqualTo(20).And.Count.EqualTo(expected.Count));
        Assert.Multiple(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.That(steps[i]["learning_rate"], Is.EqualTo((double)expected[i]!["learning_rate"]!).Within(1e-10).Percent, $"learning rate of step {i}");
                Assert.That(steps[i]["loss"], Is.EqualTo((double)expected[i]!["loss"]!).Within(1e-2).Percent, $"loss of step {i}");
                Assert.That(steps[i]["grad_norm"], Is.EqualTo((double)expected[i]!["grad_norm"]!).Within(1e-1).Percent, $"norm of step {i}");
            }
        });
        using var workspace = new Workspace(Device(), model.Config, 100, forBackward: false);
        Assert.That(new SequenceScorer(workspace).Loss(model, rows), Is.EqualTo((double)golden["loss_of_all_rows_after"]!).Within(1e-2).Percent);
    }

    [TestCase(1)]
    [TestCase(3)]
    public void ARewardModelsLossAndGradientsAgree(int microBatch)
    {
        var golden = Json("reward", "comparisons.json");
        var prompts = golden["prompts"]!.AsArray();
        var rows = new RowEncoder(null, 53, 0, 16).Rankings(
            prompts.Select(prompt => new Ranking(
                Content.OfTokens(Integers(prompt!["prompt_tokens"]!)), [.. prompt["completion_tokens"]!.AsArray().Select(answer => Content.OfTokens(Integers(answer!)))],
                Integers(prompt["ranks"]!), default)),
            new DataReport());
        using var model = ModelDirectory.Load(Device(), Folder("reward"), ScoreHead.Required);
        using var workspace = new Workspace(Device(), model.Config, 100, forBackward: false);
        Assert.That(
            RelativeError(
                new SequenceScorer(workspace).Scores(model, [.. rows.SelectMany(row => row.Answers).Select(answer => answer.Tokens)]),
                [.. prompts.SelectMany(prompt => prompt!["scores"]!.AsArray()).Select(score => (float)score!)]),
            Is.LessThan(1e-5));

        using var folder = new TemporaryFolder();
        using var directory = RunDirectory.Create(folder.File("run"));
        var configuration = ConfigurationLoader.Load<RewardConfiguration>(sets: ["steps=1", "batchSize=3", $"microBatchSize={microBatch}", "learningRate=0", "shuffle=false"]);
        using var trainer = new RewardTrainer(configuration, new TrainingRun(directory, 42, null), model, rows, []);
        var metrics = trainer.Train();
        Assert.Multiple(() =>
        {
            Assert.That(metrics["loss"], Is.EqualTo((double)golden["loss"]!).Within(1e-3).Percent);
            Assert.That(metrics["accuracy"], Is.EqualTo((double)golden["accuracy"]!).Within(1e-9));
            Assert.That(metrics["margin"], Is.EqualTo((double)golden["margin"]!).Within(1e-3).Percent);
        });
        AssertGradients(trainer.Gradients, "reward", "gradients.safetensors");
    }

    [TestCase(1)]
    [TestCase(4)]
    public void PpoLossesAndGradientsAgree(int microBatch)
    {
        var golden = Json("ppo", "minibatch.json");
        var answers = golden["answers"]!.AsArray();
        var batch = new Experience(answers.Count, answers.Max(answer => answer!["completion_tokens"]!.AsArray().Count));
        for (int i = 0; i < answers.Count; i++)
            batch.SetRow(i, new TokenRow([.. Integers(answers[i]!["prompt_tokens"]!), .. Integers(answers[i]!["completion_tokens"]!)], answers[i]!["prompt_tokens"]!.AsArray().Count));
        Floats("old_logprobs").CopyTo(batch.LogProbs, 0);
        Floats("old_values").CopyTo(batch.Values, 0);
        Floats("advantages").CopyTo(batch.Advantages, 0);
        Floats("returns").CopyTo(batch.Returns, 0);
        var configuration = new PpoConfiguration
        {
            Temperature = (double)golden["temperature"]!,
            ClipRange = (double)golden["clipRange"]!,
            ValueClipRange = (double)golden["valueClipRange"]!,
            ValueCoef = 1,
        };
        using var policy = ModelDirectory.Load(Device(), Folder("ppo"));
        using var value = ModelDirectory.Load(Device(), Folder("reward"));
        using var policyWorkspace = new Workspace(Device(), policy.Config, 64, forBackward: true);
        using var valueWorkspace = new Workspace(Device(), value.Config, 64, forBackward: true);
        int tokens = batch.Tokens;
        float[] logprobs = new float[tokens], entropies = new float[tokens], values = new float[tokens];
        new SequenceScorer(policyWorkspace).LogProbs(policy, batch.Rows, logprobs, entropies, (float)configuration.Temperature);
        new SequenceScorer(valueWorkspace).Values(value, batch.Rows, values);
        Assert.That(RelativeError(logprobs, Floats("logprobs")), Is.LessThan(1e-5));
        Assert.That(RelativeError(values, Floats("values")), Is.LessThan(1e-5));
        Assert.That(entropies.Average(), Is.EqualTo((double)golden["entropy"]!).Within(1e-3).Percent);

        using var policyGradients = new GptParameters(Device(), policy.Config, hasScore: false);
        using var valueGradients = new GptParameters(Device(), value.Config, hasScore: true);
        double[] policySums = new double[4], valueSums = new double[2];
        double largest = 0;
        for (int start = 0; start < batch.Rows.Length; start += microBatch)
        {
            float[] ofPolicy = PpoTrainer.AddPolicyGradient(policy, policyGradients, policyWorkspace, batch, start, microBatch, configuration);
            float[] ofValue = PpoTrainer.AddValueGradient(value, valueGradients, valueWorkspace, batch, start, microBatch, configuration);
            for (int i = 0; i < 4; i++) policySums[i] += ofPolicy[i] / tokens;
            for (int i = 0; i < 2; i++) valueSums[i] += ofValue[i] / tokens;
            largest = Math.Max(largest, ofPolicy[4]);
        }

        Assert.Multiple(() =>
        {
            Assert.That(policySums, Is.EqualTo(new[] { "policy_loss", "clip_fraction", "approx_kl", "ratio" }.Select(key => (double)golden[key]!)).Within(1e-3).Percent);
            Assert.That(valueSums, Is.EqualTo(new[] { "value_loss", "value_clip_fraction" }.Select(key => (double)golden[key]!)).Within(1e-3).Percent);
            Assert.That(largest, Is.EqualTo((double)golden["largest_change_of_ratio"]!).Within(1e-2).Percent);
        });
        AssertGradients(policyGradients, "ppo", "policy_gradients.safetensors");
        AssertGradients(valueGradients, "ppo", "value_gradients.safetensors");

        float[] Floats(string key) => [.. answers.SelectMany(answer => answer![key]!.AsArray()).Select(number => (float)number!)];
    }

    private static void AssertGradients(GptParameters actual, string name, string file)
    {
        var expected = Tensors(name, file);
        Assert.That(expected.Keys, Is.EquivalentTo(actual.Specs.Select(spec => spec.Name)));
        double total = expected.Values.Sum(Norm);
        Assert.Multiple(() =>
        {
            foreach (var (parameter, values) in expected)
            {
                // What is zero but for rounding (the last bias of a reward model, which cancels in differences) has no relative error.
                if (Norm(values) < 1e-12 * total) Assert.That(Norm(Values(actual[parameter])), Is.InRange(0, 1e-6 * total), parameter);
                else Assert.That(RelativeError(Values(actual[parameter]), values), Is.LessThan(1e-5), parameter);
            }
        });

        static double Norm(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));
    }

    private static string Folder(string name) => TestFiles.Repository(Path.Combine("tests", "golden", "gpt2", name));

    private static JsonNode Json(string name, string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder(name), file)))!;

    private static int[][] Sequences(string name) => [.. Json(name, "batch.json")["sequences"]!.AsArray().Select(tokens => Integers(tokens!))];

    private static int[] Integers(JsonNode array) => [.. array.AsArray().Select(number => (int)number!)];

    private static Dictionary<string, float[]> Tensors(string name, string file)
    {
        using var reader = SafeTensorsReader.Open(Path.Combine(Folder(name), file));
        return reader.Tensors.ToDictionary(tensor => tensor.Name, tensor =>
        {
            float[] values = new float[tensor.Count];
            reader.ReadFloats(tensor.Name, values);
            return values;
        });
    }
}
