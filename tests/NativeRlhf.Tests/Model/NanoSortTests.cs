using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Model;
using NativeRlhf.Rollout;
using static NativeRlhf.Tests.Model.TestModels;

namespace NativeRlhf.Tests.Model;

/// <summary>
/// A model that others trained with PyTorch (minGPT's gpt-nano, which sorts six of three numbers) with all its intermediate
/// activations for a batch of three sequences.
/// </summary>
public class NanoSortTests
{
    private const int Batch = 3, Length = 11, Width = 48, Heads = 3, HeadSize = 16;

    private static readonly GptConfig Config = new()
    {
        Layers = 3,
        Heads = Heads,
        Width = Width,
        Positions = Length,
        VocabularySize = 3,
        Inner = 4 * Width,
        TieWordEmbeddings = false,
    };

    [Test]
    public void EveryIntermediateActivationIsReproduced()
    {
        using var model = Load();
        var partials = Read("gpt-nano-sort-t0-partials.json");
        const int N = Batch * Length;
        using var batch = new PackedBatch(model.Device);
        batch.Set([.. Tensor(partials, "idx").Chunk(Length).Select(row => Array.ConvertAll(row, token => (int)token))]);
        using var activations = new GptActivations(model.Device, Config, N, forBackward: true);
        using var head = new LanguageHead(model.Device, Config, N);
        using var rows = model.Device.AllocateIndices(N);
        rows.Set([.. Enumerable.Range(0, N)]);
        var final = model.Forward(batch, activations);
        float[] logits = Values(head.Logits(model, final, rows));
        var first = activations.Layers[0];

        Assert.Multiple(() =>
        {
            Same(Values(activations.Embedded), "x");
            Same(Values(first.Ln1), "ln1");
            float[] qkv = Values(first.Qkv);
            Same(qkv, "qkv");
            Same(OfHeads(qkv, 0), "q");
            Same(OfHeads(qkv, 1), "k");
            Same(OfHeads(qkv, 2), "v");
            Same(Values(first.Mixed), "y");
            Same(Difference(Values(first.Middle), Values(activations.Embedded)), "yProj");
            Same(Values(first.Middle), "attnResid");
            Same(Values(first.Ln2), "ln2");
            Same(Values(first.Inner), "fc");
            Same(Values(first.Activated), "gelu");
            Same(Difference(Values(first.Residual), Values(first.Middle)), "mlp");
            Same(Values(first.Residual), "mlpResid");
            for (int l = 0; l < 3; l++) Same(Values(activations.Layers[l].Residual), $"block{l}");
            Same(Values(final), "ln_f");
            Same(logits, "lm_head");
            Same([.. logits.Chunk(3).SelectMany(row => LogSoftmax(row).Select(logprob => (float)Math.Exp(logprob)))], "probs");

            // The matrix of attention weights never exists here; its logarithm of the sum does.
            float[] scores = Tensor(partials, "att"), lse = Values(first.Lse), expected = new float[lse.Length];
            for (int i = 0; i < expected.Length; i++)
            {
                var (b, t, h) = (i / Heads / Length, i / Heads % Length, i % Heads);
                var row = scores.AsSpan(((((b * Heads) + h) * Length) + t) * Length, t + 1).ToArray();
                expected[i] = (float)Math.Log(row.Sum(score => Math.Exp(score)));
            }

            Assert.That(RelativeError(lse, expected), Is.LessThan(1e-5), "att");
        });

        void Same(float[] actual, string name) => Assert.That(RelativeError(actual, Tensor(partials, name)), Is.LessThan(1e-5), name);
    }

    [Test]
    public void TwoHundredOfTwoHundredSequencesAreSorted()
    {
        using var model = Load();
        using var generator = new Generator(model, 32, Length);
        var random = new Random(20240229);
        int[][] inputs = [.. Enumerable.Range(0, 200).Select(_ => Tokens(random, 6, 3))];
        // The first sorted number follows the sixth input; the context of 11 holds five of the six, so the last one is read off the logits.
        var answers = generator.Generate([.. inputs.Select((input, i) => new SampleRequest(input, (uint)i))], new SamplingOptions(5, Temperature: 0));
        int correct = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            int[] context = [.. inputs[i], .. answers[i].Tokens];
            float[] logits = Logits(model, context)[^1];
            int[] sorted = [.. answers[i].Tokens, Array.IndexOf(logits, logits.Max())];
            if (sorted.SequenceEqual(inputs[i].Order())) correct++;
        }

        Assert.That(correct, Is.EqualTo(200));
    }

    private static Gpt Load()
    {
        var file = Read("gpt-nano-sort-model.json");
        var model = new Gpt(Device(), Config);
        foreach (var spec in model.Weights.Specs)
        {
            float[] values = Tensor(file, spec.Name == "lm_head.weight" ? spec.Name : "transformer." + spec.Name);
            bool isLinear = spec.Name.Contains(".c_", StringComparison.Ordinal) && !spec.IsVector;
            model.Device.Upload(model.Weights[spec.Name], isLinear ? Transpose(values, spec.Cols) : values);
        }

        return model;
    }

    private static JsonObject Read(string name) =>
        JsonNode.Parse(File.ReadAllText(TestFiles.Shared($"llm-viz-nano-gpt/{name}")))!.AsObject();

    private static float[] Tensor(JsonObject file, string name) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(file[name]!["data"]!.GetValue<string>())).ToArray();

    /// <summary>(rows, cols) to (cols, rows): PyTorch's linear layers are [out, in].</summary>
    private static float[] Transpose(float[] values, int rows)
    {
        int cols = values.Length / rows;
        return [.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * cols) + (i / rows)])];
    }

    /// <summary>One third of qkv in the order (batch, head, position, element).</summary>
    private static float[] OfHeads(float[] qkv, int third)
    {
        float[] result = new float[Batch * Length * Width];
        for (int i = 0; i < result.Length; i++)
        {
            int e = i % HeadSize, t = i / HeadSize % Length, h = i / HeadSize / Length % Heads, b = i / HeadSize / Length / Heads;
            result[i] = qkv[(((b * Length) + t) * 3 * Width) + (third * Width) + (h * HeadSize) + e];
        }

        return result;
    }

    private static float[] Difference(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x - y)];
}
