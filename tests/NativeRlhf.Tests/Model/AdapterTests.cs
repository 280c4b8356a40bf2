using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rollout;
using NativeRlhf.Tests.Tokenization;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>A low-rank adapter is a model whose weights have a product of two factors added, at the cost of the factors.</summary>
public class AdapterTests
{
    private static readonly AdapterSettings All = new(4, 12, Adapter.AllTargets);

    public static IEnumerable<AdapterSettings> Settings() =>
        [All, new(1, 0.5, ["attn.c_attn"]), new(7, 7, ["attn.c_proj", "mlp.c_proj"]), new(3, 16, ["mlp.c_fc"]), new(40, 10, ["attn.c_attn", "mlp.c_fc"])];

    [TestCaseSource(nameof(Settings))]
    public void MergedAndUnmergedLogitsAgree(AdapterSettings settings)
    {
        using var model = WithAdapter(Random(Odd(tied: false), 1), settings);
        using var merged = Merged(model);
        var random = new Random(2);
        int[][] sequences = [.. new[] { 23, 9, 1 }.Select(length => Tokens(random, length, 51))];
        float[][] expected = Logits(merged, sequences), actual = Logits(model, sequences);
        for (int i = 0; i < expected.Length; i++) Assert.That(RelativeError(actual[i], expected[i]), Is.LessThan(1e-5), $"row {i}");
        using var without = Random(Odd(tied: false), 1);
        Assert.That(RelativeError(Logits(without, sequences)[5], expected[5]), Is.GreaterThan(1e-3), "the adapter matters");
    }

    [Test]
    public void ANewAdapterLeavesTheModelAsItIsToTheBit()
    {
        using var model = Random(Odd(), 1, hasScore: true);
        using var before = model.Snapshot();
        Adapter.Attach(model, All, 42);
        int[] tokens = Tokens(new Random(3), 17, 51);
        Assert.That(Logits(model, tokens), Is.EqualTo(Logits(before, tokens)));
        Assert.That(Values(model.Score), Is.EqualTo(Values(before.Score)));
        foreach (var spec in model.Adapter!.Weights.Specs.Where(spec => spec.Name.EndsWith("lora_A.weight", StringComparison.Ordinal)))
        {
            // Uniform in ±1/√in: variance 1/(3·in).
            float[] values = Values(model.Adapter.Weights[spec.Name]);
            Assert.That(values, Is.All.InRange(-1 / Math.Sqrt(spec.Cols), 1 / Math.Sqrt(spec.Cols)));
            Assert.That(values.Average(v => (double)v * v) * 3 * spec.Cols, Is.EqualTo(1).Within(0.3));
        }

        using var again = Random(Odd(), 1);
        Adapter.Attach(again, All, 43);
        Assert.That(Values(again.Adapter!.Weights["h.0.attn.c_attn.lora_A.weight"]), Is.Not.EqualTo(Values(model.Adapter.Weights["h.0.attn.c_attn.lora_A.weight"])));
    }

    /// <summary>With M = s·(B·A)ᵀ and dW of the merged model: dB = s·dWᵀ·Aᵀ, dA = s·Bᵀ·dWᵀ.</summary>
    [Test]
    public void GradientsFollowFromThoseOfTheMergedModel([ValueSource(nameof(Settings))] AdapterSettings settings, [Values] bool recompute)
    {
        using var model = WithAdapter(Random(Odd(), 1), settings);
        using var merged = Merged(model);
        var random = new Random(2);
        TokenRow[][] microBatches = [[new(Tokens(random, 9, 51), 1), new(Tokens(random, 24, 51), 10)], [new(Tokens(random, 13, 51), 4)]];
        var dropout = new ResidualDropout(recompute ? 0.2f : 0, Seed: 42, Step: 3, FirstRow: 0);
        var (expectedLoss, whole) = LossAndGradients(merged, microBatches, dropout);
        var (loss, gradients) = LossAndGradients(model, microBatches, dropout, recompute);
        using (whole)
        using (gradients)
        {
            Assert.That(loss, Is.EqualTo(expectedLoss).Within(1e-5));
            Assert.That(gradients.Specs, Is.EqualTo(model.Adapter!.Weights.Specs), "nothing of the base has a gradient");
            Assert.Multiple(() =>
            {
                foreach (var spec in model.Weights.Specs.Where(spec => !gradients.Find(Adapter.FactorA(Map(spec))).IsNone))
                {
                    string a = Adapter.FactorA(Map(spec)), b = Adapter.FactorB(Map(spec));
                    float[] A = Values(model.Adapter.Weights[a]), B = Values(model.Adapter.Weights[b]), dW = Values(whole[spec.Name]);
                    int inputs = spec.Rows, outputs = spec.Cols, rank = settings.Rank;
                    float[] dA = new float[rank * inputs], dB = new float[outputs * rank];
                    for (int k = 0; k < rank; k++)
                    {
                        for (int i = 0; i < inputs; i++)
                            dA[(k * inputs) + i] = (float)(settings.Alpha / rank * Enumerable.Range(0, outputs).Sum(o => (double)B[(o * rank) + k] * dW[(i * outputs) + o]));
                        for (int o = 0; o < outputs; o++)
                            dB[(o * rank) + k] = (float)(settings.Alpha / rank * Enumerable.Range(0, inputs).Sum(i => (double)dW[(i * outputs) + o] * A[(k * inputs) + i]));
                    }

                    Assert.That(RelativeError(Values(gradients[a]), dA), Is.LessThan(1e-4), a);
                    Assert.That(RelativeError(Values(gradients[b]), dB), Is.LessThan(1e-4), b);
                }
            });
        }

        static string Map(TensorSpec spec) => spec.Name.Replace(".weight", "", StringComparison.Ordinal);
    }

    [Test]
    public void CachedDecodingWithAnAdapterIsTheFullForwardPass()
    {
        using var model = WithAdapter(Random(Odd(), 3), All);
        int[] prompt = Tokens(new Random(4), 5, 51);
        using var generator = new Generator(model, 2, 23);
        var answer = generator.Generate([new SampleRequest(prompt, 0)], new SamplingOptions(10, Temperature: 0))[0];
        int[] all = [.. prompt, .. answer.Tokens];
        float[][] logits = Logits(model, all);
        for (int i = 0; i < answer.Tokens.Length; i++)
        {
            float[] row = logits[prompt.Length - 1 + i];
            Assert.That(answer.Tokens[i], Is.EqualTo(Array.IndexOf(row, row.Max())));
        }

        using var without = Random(Odd(), 3);
        using var other = new Generator(without, 2, 23);
        Assert.That(other.Generate([new SampleRequest(prompt, 0)], new SamplingOptions(10, Temperature: 0))[0].Tokens, Is.Not.EqualTo(answer.Tokens), "the adapter matters");
    }

    [Test]
    public void TheOptimizerHasMemoryForTheAdapterAlone()
    {
        using var model = WithAdapter(Random(Odd(), 5), All);
        float[] weights = Values(model.Weights.All);
        using var optimizer = new AdamWOptimizer(model, new AdamWSettings(WeightDecay: 0.1));
        long expected = Odd().Layers * All.Rank * (((33 + 99) + (33 + 33)) + ((33 + 70) + (70 + 33)));
        Assert.That(new[] { optimizer.Gradients.Count, optimizer.FirstMoments.Count, optimizer.SecondMoments.Count }, Is.All.EqualTo(expected));
        model.Device.Kernels.Elementwise.Fill(optimizer.Gradients.All, 1);
        optimizer.Step(0.1);
        Assert.That(Values(model.Weights.All), Is.EqualTo(weights));
    }

    [Test]
    public void ASnapshotSharesTheBaseAndStaysAsItWas()
    {
        using var model = Random(Odd(), 6);
        using var before = model.Snapshot();
        int[] tokens = Tokens(new Random(7), 12, 51);
        float[][] expected = Logits(model, tokens);
        WithAdapter(model, All);
        using var between = model.Snapshot();
        float[][] adapted = Logits(model, tokens);
        model.Device.Kernels.Elementwise.Fill(model.Adapter!.Weights.All, 0.1f);
        Assert.That(before.Weights, Is.SameAs(model.Weights), "no second copy of the weights");
        Assert.That(between.Weights, Is.SameAs(model.Weights));
        Assert.That(Logits(before, tokens), Is.EqualTo(expected));
        Assert.That(Logits(between, tokens), Is.EqualTo(adapted).And.Not.EqualTo(expected));
        using var value = model.Snapshot(withScore: true);
        Assert.That((value.HasScore, model.HasScore), Is.EqualTo((true, false)));
        Assert.That(() => model.Attach(value.Adapter!), Throws.InvalidOperationException);
    }

    [Test]
    public void ActivationsThatWerePlannedWithoutItsRankAreAnError()
    {
        using var model = WithAdapter(Random(Odd(), 5), All);
        using var activations = new GptActivations(model.Device, model.Config, 8, forBackward: false, adapterRank: 3);
        using var batch = new PackedBatch(model.Device);
        batch.Set([1, 2, 3]);
        Assert.That(() => model.Forward(batch, activations), Throws.ArgumentException.With.Message.Contains("rank 4"));
    }

    [TestCase("c_attn", "attn.c_attn")]
    [TestCase("mlp.c_proj, c_attn", "attn.c_attn,mlp.c_proj")]
    [TestCase("c_proj", "attn.c_proj,mlp.c_proj")]
    [TestCase("all-linear", "attn.c_attn,attn.c_proj,mlp.c_fc,mlp.c_proj")]
    public void TargetsAreNamedAsPeftNamesThem(string names, string expected) =>
        Assert.That(string.Join(',', Adapter.FindTargets(names.Split(',', StringSplitOptions.TrimEntries)).Targets), Is.EqualTo(expected));

    [TestCase("")]
    [TestCase("c_attn,q_proj")]
    [TestCase("proj")]
    public void AnUnknownTargetIsNamed(string names) => Assert.That(Adapter.FindTargets(names.Split(',')).Unknown, Is.EqualTo(names.Split(',')[^1]));

    /// <summary>The model with its adapter merged, as it is written and read back.</summary>
    private static Gpt Merged(Gpt model)
    {
        using var folder = new TemporaryFolder();
        NativeRlhf.Checkpoints.ModelDirectory.Save(folder.File("merged"), model, null);
        return NativeRlhf.Checkpoints.ModelDirectory.Load(Device(), folder.File("merged"));
    }
}
