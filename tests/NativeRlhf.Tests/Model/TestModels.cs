using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Ops;
using NativeRlhf.Model;
using NativeRlhf.Training;

namespace NativeRlhf.Tests.Model;

/// <summary>Devices, small random models and distances that the tests of models and trainers share.</summary>
internal static class TestModels
{
    private static readonly Dictionary<int, ComputeDevice> Devices = [];

    /// <summary>The CPU with so many threads; opened once for the whole test run.</summary>
    public static ComputeDevice Device(int threads = 2)
    {
        lock (Devices)
        {
            if (!Devices.TryGetValue(threads, out var device))
                Devices[threads] = device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = threads });
            return device;
        }
    }

    /// <summary>The CPU with launched kernels, which have what the vector code has not: bfloat16.</summary>
    public static ComputeDevice PortableDevice()
    {
        lock (Devices)
        {
            if (!Devices.TryGetValue(0, out var device))
                Devices[0] = device = ComputeDevice.Open(new DeviceOptions { Device = "cpu", Threads = 1, Variants = new Dictionary<string, string> { ["*"] = "portable" } });
            return device;
        }
    }

    /// <summary>A shape whose sizes are no multiples of a vector width.</summary>
    public static GptConfig Odd(bool tied = true, ActivationKind activation = ActivationKind.GeluTanh, bool headBias = false) => new()
    {
        Layers = 2,
        Heads = 3,
        Width = 33,
        Positions = 23,
        VocabularySize = 51,
        Inner = 70,
        Activation = activation,
        TieWordEmbeddings = tied,
        LmHeadBias = headBias,
    };

    /// <summary>A model whose weights are all random and large enough for every part of it to matter.</summary>
    public static Gpt Random(GptConfig config, int seed, bool hasScore = false, ComputeDevice? device = null)
    {
        var model = new Gpt(device ?? Device(), config, hasScore);
        var random = new Random(seed);
        foreach (var spec in model.Weights.Specs)
        {
            double mean = spec.IsVector && spec.Name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0;
            float[] values = new float[spec.Length];
            for (int i = 0; i < values.Length; i++) values[i] = (float)(mean + (0.3 * ((2 * random.NextDouble()) - 1)));
            model.Device.Upload(model.Weights[spec.Name], values);
        }

        return model;
    }

    /// <summary>A model that was given an adapter with random factors, large enough to matter.</summary>
    public static Gpt WithAdapter(Gpt model, AdapterSettings settings, int seed = 9)
    {
        Adapter.Attach(model, settings, (ulong)seed);
        var random = new Random(seed);
        var weights = model.Adapter!.Weights;
        foreach (var spec in weights.Specs)
            model.Device.Upload(weights[spec.Name], [.. Enumerable.Range(0, (int)spec.Length).Select(_ => (float)(0.1 * ((2 * random.NextDouble()) - 1)))]);
        return model;
    }

    /// <summary>Random tokens.</summary>
    public static int[] Tokens(Random random, int length, int vocabulary) => [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabulary))];

    /// <summary>The values of a tensor.</summary>
    public static float[] Values(Tensor tensor)
    {
        float[] values = new float[tensor.Length];
        Device().Download(tensor, values);
        return values;
    }

    /// <summary>Gradients of the mean negative log-likelihood of rows, and the mean.</summary>
    public static (double Loss, GptParameters Gradients) LossAndGradients(Gpt model, IReadOnlyList<IReadOnlyList<TokenRow>> microBatches, ResidualDropout dropout = default, bool recompute = false)
    {
        int counted = microBatches.Sum(rows => rows.Sum(row => row.Counted));
        using var workspace = new Workspace(model.Device, model.Config, Math.Max(1, microBatches.Max(rows => rows.Sum(PackedBatch.InputLength))), forBackward: true, recompute, model.AdapterRank);
        var gradients = new GptParameters(model.Device, model.Config, model.Trainable.Specs);
        double sum = 0;
        foreach (var rows in microBatches)
        {
            sum += LanguageModelTrainer.AddGradient(model, gradients, workspace, [.. rows], 1.0 / counted, dropout);
            dropout = dropout with { FirstRow = dropout.FirstRow + (uint)workspace.Batch.Rows };
        }

        return (sum / counted, gradients);
    }

    /// <summary>logits (N, V) of sequences by the full forward pass.</summary>
    public static float[][] Logits(Gpt model, params int[][] sequences)
    {
        int n = sequences.Sum(tokens => tokens.Length);
        using var activations = new GptActivations(model.Device, model.Config, n, forBackward: false, adapterRank: model.AdapterRank);
        using var head = new LanguageHead(model.Device, model.Config, n);
        using var batch = new PackedBatch(model.Device);
        using var rows = model.Device.AllocateIndices(n);
        batch.Set(sequences);
        rows.Set([.. Enumerable.Range(0, n)]);
        float[] flat = Values(head.Logits(model, model.Forward(batch, activations), rows));
        return [.. flat.Chunk(model.Config.VocabularySize)];
    }

    /// <summary>‖a − b‖ / ‖b‖.</summary>
    public static double RelativeError(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Assert.That(a.Length, Is.EqualTo(b.Length));
        double difference = 0, norm = 0;
        for (int i = 0; i < a.Length; i++)
        {
            difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            norm += (double)b[i] * b[i];
        }

        // NUnit compares as .NET sorts, where NaN is less than every limit.
        double error = Math.Sqrt(norm == 0 ? difference : difference / norm);
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }

    /// <summary>Asserts that all parameters of one layout agree, each relative to its own norm.</summary>
    public static void AssertClose(GptParameters actual, GptParameters expected, double tolerance)
    {
        Assert.Multiple(() =>
        {
            foreach (var spec in expected.Specs)
                Assert.That(RelativeError(Values(actual[spec.Name]), Values(expected[spec.Name])), Is.LessThan(tolerance), spec.Name);
        });
    }

    /// <summary>log softmax in double.</summary>
    public static double[] LogSoftmax(ReadOnlySpan<float> logits)
    {
        double[] values = Array.ConvertAll(logits.ToArray(), logit => (double)logit);
        double max = values.Max(), lse = max + Math.Log(values.Sum(value => Math.Exp(value - max)));
        return Array.ConvertAll(values, value => value - lse);
    }
}
