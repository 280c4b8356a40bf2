using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// Everything that passes over up to <see cref="Capacity"/> packed tokens need besides weights: activations, heads, the batch
/// and its targets, and a few vectors of one element a token. Models of one shape take turns with one workspace.
/// </summary>
public sealed class Workspace : IDisposable
{
    private readonly Arena _arena;
    private readonly float[] _host;

    /// <summary>Plans the memory.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The shape of the models.</param>
    /// <param name="capacity">The most tokens of one pass.</param>
    /// <param name="forBackward">Whether there are backward passes.</param>
    /// <param name="recompute">Whether these run each layer forward again, which takes less memory.</param>
    /// <param name="adapterRank">The largest rank of an adapter of the models; 0 where none has one.</param>
    public Workspace(ComputeDevice device, GptConfig config, int capacity, bool forBackward, bool recompute = false, int adapterRank = 0)
    {
        Device = device;
        Config = config;
        Capacity = capacity;
        _host = new float[capacity];
        Activations = new GptActivations(device, config, capacity, forBackward, recompute, adapterRank);
        Language = new LanguageHead(device, config);
        Scalar = new ScalarHead(device, config, capacity);
        Batch = new PackedBatch(device);
        Targets = new Targets(device);
        long perToken = Arena.AlignUp(capacity);
        _arena = device.AllocateArena((6 * perToken) + Arena.AlignUp(16) + (forBackward ? Arena.AlignUp((long)capacity * config.Width) : 0), "activations");
        (Values, DValues) = (Vector("logprobs or scores"), Vector("gradient of logprobs or scores"));
        (First, Second, Third, Fourth) = (Vector("operand of a loss"), Vector("operand of a loss"), Vector("operand of a loss"), Vector("operand of a loss"));
        Statistics = _arena.Take(1, 16, "sums of a loss");
        if (forBackward) DHidden = _arena.Take(capacity, config.Width, "gradient of ln_f");

        Tensor Vector(string name) => _arena.Take(capacity, 1, name);
    }

    /// <summary>The device.</summary>
    public ComputeDevice Device { get; }

    /// <summary>The shape of the models.</summary>
    public GptConfig Config { get; }

    /// <summary>The most tokens of one pass.</summary>
    public int Capacity { get; }

    /// <summary>The memory of forward and backward passes.</summary>
    public GptActivations Activations { get; }

    /// <summary>The vocabulary head.</summary>
    public LanguageHead Language { get; }

    /// <summary>The scalar head.</summary>
    public ScalarHead Scalar { get; }

    /// <summary>The sequences of the current pass.</summary>
    public PackedBatch Batch { get; }

    /// <summary>The tokens of the current pass that count.</summary>
    public Targets Targets { get; }

    /// <summary>What the head computes for every counted token: log-probabilities or scalars (capacity, 1).</summary>
    public Tensor Values { get; }

    /// <summary>The gradient at <see cref="Values"/> (capacity, 1).</summary>
    public Tensor DValues { get; }

    /// <summary>An operand of a loss, one element a counted token (capacity, 1).</summary>
    public Tensor First { get; }

    /// <summary>Another operand of a loss (capacity, 1).</summary>
    public Tensor Second { get; }

    /// <summary>Another operand of a loss (capacity, 1).</summary>
    public Tensor Third { get; }

    /// <summary>Another operand of a loss (capacity, 1).</summary>
    public Tensor Fourth { get; }

    /// <summary>Sums that a loss reports (1, 16).</summary>
    public Tensor Statistics { get; }

    /// <summary>The gradient of the last hidden state (capacity, C); none without backward passes.</summary>
    public Tensor DHidden { get; }

    /// <summary>The sum of a vector, in double and in order.</summary>
    /// <param name="values">A vector of this workspace.</param>
    /// <returns>Σ values.</returns>
    public double Sum(Tensor values)
    {
        var host = _host.AsSpan(0, (int)values.Length);
        Device.Download(values, host);
        double sum = 0;
        foreach (float value in host) sum += value;
        return sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Activations.Dispose();
        Language.Dispose();
        Scalar.Dispose();
        Batch.Dispose();
        Targets.Dispose();
        _arena.Dispose();
    }
}
