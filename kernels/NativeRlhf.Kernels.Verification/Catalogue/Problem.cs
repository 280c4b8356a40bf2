using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>
/// One instance of an <see cref="OpCase"/>: operands on a device, the call, and what the oracle says of its outputs. Outputs are filled
/// beforehand: with NaN where they are overwritten, with ones where they are added to.
/// </summary>
public sealed class Problem : IDisposable
{
    // Operands that are only timed get a stretch of values again and again: to draw them all takes longer than the op.
    private const int Stretch = 1 << 16;

    private readonly ComputeDevice _device;
    private readonly Func<int, int, ElementType, Tensor> _take;
    private readonly List<IDisposable> _disposables = [];
    private readonly List<Output> _outputs = [];
    private Action<KernelSet>? _run;
    private Action? _oracle;

    private Problem(ComputeDevice device, Func<int, int, ElementType, Tensor> take, ulong seed, bool isTimed, ElementType storage)
    {
        (_device, _take, IsTimed, Storage) = (device, take, isTimed, storage);
        Random = new Random(unchecked((int)(seed ^ (seed >> 32))));
    }

    /// <summary>Makes an instance.</summary>
    /// <param name="definition">The case.</param>
    /// <param name="shape">The size of each of its dimensions.</param>
    /// <param name="device">The device.</param>
    /// <param name="take">Gives memory for a tensor of so many rows and columns.</param>
    /// <param name="seed">Seed of everything random.</param>
    /// <param name="isTimed">Whether this is to be timed: sequences are as long as the shape says, and options are the usual ones.</param>
    /// <param name="storage">How operands are stored that need not be of float32.</param>
    /// <returns>The instance.</returns>
    public static Problem Create(OpCase definition, IReadOnlyList<int> shape, ComputeDevice device, Func<int, int, ElementType, Tensor> take, ulong seed, bool isTimed = false, ElementType storage = ElementType.Float32)
    {
        var problem = new Problem(device, take, seed, isTimed, storage);
        definition.Define(problem, shape);
        return problem;
    }

    /// <summary>Whether this instance is to be timed.</summary>
    public bool IsTimed { get; }

    /// <summary>How operands are stored that need not be of float32.</summary>
    public ElementType Storage { get; }

    /// <summary>Draws what a definition leaves open.</summary>
    public Random Random { get; }

    /// <summary>What the op writes.</summary>
    public IReadOnlyList<Output> Outputs => _outputs;

    /// <summary>What was chosen where a case has a choice.</summary>
    public List<string> Choices { get; } = [];

    /// <summary>Runs the op.</summary>
    public void Run() => _run!(_device.Kernels);

    /// <summary>Runs the oracle, after which the outputs have errors.</summary>
    public void RunOracle() => _oracle!();

    /// <summary>One of several: at random, or the first where this is timed.</summary>
    /// <typeparam name="T">Of what.</typeparam>
    /// <param name="name">What is chosen.</param>
    /// <param name="options">The choices, the usual one first.</param>
    /// <returns>One of them.</returns>
    public T Choose<T>(string name, params ReadOnlySpan<T> options)
    {
        var chosen = options[IsTimed ? 0 : Random.Next(options.Length)];
        Choices.Add($"{name} {chosen}");
        return chosen;
    }

    /// <summary>An operand that is read: normally distributed values.</summary>
    /// <param name="name">Its name in the op.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="scale">The standard deviation.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="isStored">Whether it may be of another type than float32, and then is.</param>
    /// <returns>The operand.</returns>
    public Operand Input(string name, int rows, int cols = 1, double scale = 1, double mean = 0, bool isStored = false)
    {
        if (!IsTimed) return Input(name, rows, cols, RandomData.Normal(Random, rows * cols, scale, mean), isStored);
        double[] stretch = RandomData.Normal(Random, (int)Math.Min(Stretch, (long)rows * cols), scale, mean);
        return Make(name, rows, cols, Array.ConvertAll(stretch, value => (float)value), () => throw new NotSupportedException("what is timed has no oracle"), isStored);
    }

    /// <summary>An operand that is read: these values.</summary>
    /// <param name="name">Its name in the op.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="values">The values, which float32 has to hold exactly; they are rounded where it is stored in fewer bits.</param>
    /// <param name="isStored">Whether it may be of another type than float32, and then is.</param>
    /// <returns>The operand.</returns>
    public Operand Input(string name, int rows, int cols, double[] values, bool isStored = false)
    {
        if (isStored && Storage == ElementType.BFloat16) values = Array.ConvertAll(values, value => (double)BFloat16.Of((float)value).Value);
        return Make(name, rows, cols, Array.ConvertAll(values, value => (float)value), () => values, isStored);
    }

    /// <summary>An output that is overwritten: NaN on the device, zeros for the oracle.</summary>
    /// <param name="name">Its name in the op.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="terms">How many terms make one element, for the tolerance.</param>
    /// <param name="isStored">Whether it may be of another type than float32, and then is.</param>
    /// <returns>The operand.</returns>
    public Operand Overwritten(string name, int rows, int cols = 1, int terms = 1, bool isStored = false) =>
        Judge(Make(name, rows, cols, [IsTimed ? 0 : float.NaN], () => new double[rows * cols], isStored), terms);

    /// <summary>An output that is added to: ones.</summary>
    /// <param name="name">Its name in the op.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cols">Its columns.</param>
    /// <param name="terms">How many terms make one element, for the tolerance.</param>
    /// <param name="isStored">Whether it may be of another type than float32, and then is.</param>
    /// <returns>The operand.</returns>
    public Operand Accumulated(string name, int rows, int cols = 1, int terms = 1, bool isStored = false) => Judge(Ones(name, rows, cols, isStored), terms);

    /// <summary>An output that is changed from values of its own.</summary>
    /// <param name="operand">It, as an input.</param>
    /// <param name="terms">How many terms make one element, for the tolerance; 0 for bits that have to be the same.</param>
    /// <param name="written">How many of its elements the op writes, where not all.</param>
    /// <returns>The same operand.</returns>
    public Operand Judge(Operand operand, int terms, long? written = null)
    {
        ArgumentNullException.ThrowIfNull(operand);
        _outputs.Add(new Output(operand.Name, () => Tolerance.RelativeError(Read(operand), operand.Values), precision => terms == 0 ? 0 : Tolerance.ByNorm(precision, terms), written ?? operand.Tensor.Length));
        return operand;
    }

    /// <summary>Statistics, sums over so many tokens whose elements have nothing to do with each other: ones, judged one by one.</summary>
    /// <param name="name">Their name in the op.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="tokens">Over how many tokens.</param>
    /// <returns>The operand.</returns>
    public Operand Statistics(string name, int count, int tokens)
    {
        var operand = Ones(name, count, 1);
        _outputs.Add(new Output(
            name, () => Read(operand).Zip(operand.Values, (actual, expected) => Math.Abs(actual - expected) / (tokens + Math.Abs(expected))).Max(), Tolerance.Unit, count));
        return operand;
    }

    /// <summary>An output that is judged in a way of its own.</summary>
    /// <param name="output">How.</param>
    public void Judge(Output output) => _outputs.Add(output);

    /// <summary>Integers.</summary>
    /// <param name="values">Their values.</param>
    /// <returns>The operand.</returns>
    public IndexOperand Indices(int[] values)
    {
        var buffer = _device.AllocateIndices(values.Length);
        _disposables.Add(buffer);
        buffer.Set(values);
        return new IndexOperand(buffer, values);
    }

    /// <summary>Random integers in [0, <paramref name="bound"/>).</summary>
    /// <param name="count">How many.</param>
    /// <param name="bound">Above all of them.</param>
    /// <returns>The operand.</returns>
    public IndexOperand Indices(int count, int bound) => Indices([.. Enumerable.Range(0, count).Select(_ => Random.Next(bound))]);

    /// <summary>A packed batch of sequences: of random length where this is proved, all of the longest where it is timed.</summary>
    /// <param name="sequences">S, how many.</param>
    /// <param name="longest">T, the longest length.</param>
    /// <returns>The layout.</returns>
    public SequenceLayout Layout(int sequences, int longest)
    {
        int[] offsets = new int[sequences + 1];
        for (int s = 0; s < sequences; s++) offsets[s + 1] = offsets[s] + (IsTimed || s == 0 ? longest : 1 + Random.Next(longest));
        var layout = new SequenceLayout(_device);
        _disposables.Add(layout);
        layout.Set(offsets);
        return layout;
    }

    /// <summary>What the op does, and what the oracle does.</summary>
    /// <param name="run">Calls the op.</param>
    /// <param name="oracle">Writes the outputs' <see cref="Operand.Values"/>.</param>
    public void Call(Action<KernelSet> run, Action oracle) => (_run, _oracle) = (run, oracle);

    /// <summary>Integers that the op has written.</summary>
    /// <param name="operand">Where.</param>
    /// <returns>They.</returns>
    public int[] Read(IndexOperand operand)
    {
        ArgumentNullException.ThrowIfNull(operand);
        return operand.Buffer.Download().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var disposable in _disposables) disposable.Dispose();
    }

    private Operand Ones(string name, int rows, int cols, bool isStored = false) => Make(name, rows, cols, [1], () => [.. Enumerable.Repeat(1.0, rows * cols)], isStored);

    private Operand Make(string name, int rows, int cols, float[] repeated, Func<double[]> values, bool isStored)
    {
        var tensor = _take(rows, cols, isStored ? Storage : ElementType.Float32);
        for (long start = 0; !_device.IsRehearsal && start < tensor.Length; start += Stretch)
        {
            int count = (int)Math.Min(Stretch, tensor.Length - start);
            _device.Upload(tensor.Range(start, count), repeated.Length >= count ? repeated.AsSpan((int)(start % Math.Max(repeated.Length - count + 1, 1)), count) : Repeat(repeated, count));
        }

        return new Operand(name, tensor, values);
    }

    private static float[] Repeat(float[] values, int count)
    {
        float[] repeated = new float[count];
        for (int i = 0; i < count; i++) repeated[i] = values[i % values.Length];
        return repeated;
    }

    private double[] Read(Operand operand)
    {
        float[] values = new float[operand.Tensor.Length];
        _device.Download(operand.Tensor, values);
        return Array.ConvertAll(values, value => (double)value);
    }
}
