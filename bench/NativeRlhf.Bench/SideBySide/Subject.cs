using System.Globalization;
using NativeRlhf.Data;
using NativeRlhf.Kernels.Device;
using NativeRlhf.Kernels.Measurement;
using NativeRlhf.Model;
using NativeRlhf.Optimization;
using NativeRlhf.Rollout;
using NativeRlhf.Training;

namespace NativeRlhf.Bench.SideBySide;

/// <summary>The shape of a measured model and of its batch.</summary>
internal sealed record Shape(string Name, int Layers, int Width, int Heads, int Vocabulary, int Batch, int Length)
{
    public static readonly Shape[] All =
    [
        new("4 × 128", 4, 128, 4, 1024, 16, 128),
        new("6 × 384", 6, 384, 6, 1024, 8, 128),
        new("GPT-2 124M", 12, 768, 12, 50257, 4, 64),
    ];

    public GptConfig Config => new() { VocabularySize = Vocabulary, Width = Width, Inner = 4 * Width, Layers = Layers, Heads = Heads, Positions = Vocabulary > 10000 ? 1024 : 256 };

    public int Rows => Batch * Length;

    /// <summary>Weights that a product reads; the others are few.</summary>
    public double Parameters => ((double)Layers * 12 * Width * Width) + ((double)Vocabulary * Width);

    /// <summary>Operations of one step in matrix products: 6 for each weight and token; attention by its causal half.</summary>
    public double Flops => (6.0 * Rows * Parameters) + (Layers * 7.0 * Rows * Length * Width);

    /// <summary>The least time of a training step: operations at the peak, and AdamW, which reads 16 and writes 12 bytes a parameter.</summary>
    /// <param name="limits">What the machine can do at this moment.</param>
    /// <returns>Seconds.</returns>
    public double Floor(HostLimits limits) => (Flops / limits.Flops()) + (28 * Parameters / limits.Copy());

    /// <summary>What a peer is told.</summary>
    public string Request => string.Create(CultureInfo.InvariantCulture, $"model {Layers} {Width} {Heads} {Vocabulary} {Batch} {Length}");
}

/// <summary>Our model of a shape, with a random batch.</summary>
internal sealed class Subject : IDisposable
{
    private readonly Gpt _model;
    private readonly Workspace _workspace;
    private readonly AdamWOptimizer _optimizer;
    private readonly TokenRow[] _batch;
    private readonly Dictionary<int, Generator> _generators = [];
    private readonly Shape _shape;

    public Subject(ComputeDevice device, Shape shape)
    {
        _shape = shape;
        _model = new Gpt(device, shape.Config);
        Initialization.Initialize(_model, 42);
        _workspace = new Workspace(device, shape.Config, shape.Rows, forBackward: true);
        _optimizer = new AdamWOptimizer(_model, new AdamWSettings(WeightDecay: 0.01));
        var random = new Random(42);
        _batch = [.. Enumerable.Range(0, shape.Batch).Select(_ => new TokenRow(Tokens(random, shape.Length + 1), 1))];
    }

    /// <summary>One training step, as the trainer takes it.</summary>
    public void Train()
    {
        _optimizer.ZeroGradients();
        LanguageModelTrainer.AddGradient(_model, _optimizer.Gradients, _workspace, _batch, 1.0 / _shape.Rows);
        _optimizer.Step(1e-4);
    }

    /// <summary>32 tokens for each of some prompts of 16.</summary>
    public void Generate(int sequences)
    {
        if (!_generators.TryGetValue(sequences, out var generator)) _generators[sequences] = generator = new Generator(_model, sequences, 48);
        var random = new Random(42);
        SampleRequest[] requests = [.. Enumerable.Range(0, sequences).Select(s => new SampleRequest(Tokens(random, 16), (uint)s))];
        generator.Generate(requests, new SamplingOptions(32));
    }

    public void Dispose()
    {
        foreach (var generator in _generators.Values) generator.Dispose();
        _optimizer.Dispose();
        _workspace.Dispose();
        _model.Dispose();
    }

    private int[] Tokens(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(_shape.Vocabulary))];
}
