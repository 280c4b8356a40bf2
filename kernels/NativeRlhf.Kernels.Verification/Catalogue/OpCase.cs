namespace NativeRlhf.Kernels.Verification.Catalogue;

/// <summary>One size of a case.</summary>
/// <param name="Name">Its name: N rows, C columns, …</param>
/// <param name="Most">The largest value that is drawn where a case is proved.</param>
/// <param name="MostSimulated">The same where kernels run in a simulator.</param>
/// <param name="Least">The smallest value that is drawn.</param>
public sealed record Dimension(string Name, int Most, int MostSimulated, int Least = 1);

/// <summary>The sizes of a model and its batch, from which come the shapes that are timed.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Rows">N, packed tokens.</param>
/// <param name="Width">C.</param>
/// <param name="Heads">NH.</param>
/// <param name="Vocabulary">V.</param>
/// <param name="Length">T, tokens of a sequence.</param>
public sealed record ModelShape(string Name, int Rows, int Width, int Heads, int Vocabulary, int Length)
{
    /// <summary>GPT-2 small.</summary>
    /// <param name="rows">N.</param>
    /// <returns>Its sizes, in sequences of up to 1,024 tokens.</returns>
    public static ModelShape Gpt2(int rows) => new("gpt2", rows, 768, 12, 50257, Math.Min(rows, 1024));

    /// <summary>A model of width 128.</summary>
    /// <param name="rows">N.</param>
    /// <returns>Its sizes, in sequences of up to 128 tokens.</returns>
    public static ModelShape Width128(int rows) => new("width128", rows, 128, 4, 1024, Math.Min(rows, 128));

    /// <summary>The rows that the vocabulary head works on at a time.</summary>
    public int HeadRows => Math.Min(Rows, 256);
}

/// <summary>A shape that is timed.</summary>
/// <param name="Label">What it is in a model; empty if the case says so.</param>
/// <param name="Sizes">The size of each dimension of the case.</param>
public sealed record TimedShape(string Label, int[] Sizes);

/// <summary>One method of an op, as something that can be proved against the oracle and timed.</summary>
/// <param name="Op">The op (<see cref="KernelSet.Ops"/>).</param>
/// <param name="Method">What of it: y, dX, dW, …</param>
/// <param name="Dimensions">The sizes that make a shape.</param>
/// <param name="Define">Makes operands, call and oracle for the size of each dimension.</param>
/// <param name="Shapes">The shapes in a model.</param>
public sealed record OpCase(
    string Op, string Method, IReadOnlyList<Dimension> Dimensions, Action<Problem, IReadOnlyList<int>> Define, Func<ModelShape, IEnumerable<TimedShape>> Shapes)
{
    /// <summary>Op and method, as in <c>matmul.dW</c>.</summary>
    public string Name => $"{Op}.{Method}";

    /// <summary>Whether some of its operands may be of bfloat16.</summary>
    public bool HasBFloat16 { get; init; }

    /// <summary>Whether operands of the case can be stored so; its others are of float32.</summary>
    /// <param name="precision">float32, tf32 (float32 that is rounded on its way) or bfloat16.</param>
    /// <returns>Whether it makes sense to prove or time it so.</returns>
    public bool Takes(string precision) => precision == "float32" || HasBFloat16;

    /// <summary>Whether this is what a user asks for.</summary>
    /// <param name="name">An op, or an op with a method; null for everything.</param>
    /// <returns>Whether the name fits.</returns>
    public bool Is(string? name) => name is null || name == Op || name == Name || Name.StartsWith(name + ".", StringComparison.Ordinal);

    /// <summary>A shape in words, as in <c>N 7, IC 33, OC 101</c>.</summary>
    /// <param name="shape">The size of each dimension.</param>
    /// <returns>The words.</returns>
    public string Format(IReadOnlyList<int> shape) => string.Join(", ", Dimensions.Zip(shape, (dimension, size) => $"{dimension.Name} {size}"));

    /// <summary>Draws a shape: three of four sizes are odd.</summary>
    /// <param name="random">Draws it.</param>
    /// <param name="isSimulated">Whether kernels run in a simulator.</param>
    /// <returns>The size of each dimension.</returns>
    public int[] Draw(Random random, bool isSimulated)
    {
        ArgumentNullException.ThrowIfNull(random);
        return [.. Dimensions.Select(dimension =>
        {
            int most = isSimulated ? dimension.MostSimulated : dimension.Most, size = dimension.Least + random.Next(most - dimension.Least + 1);
            return random.Next(2) == 0 && size % 2 == 0 ? Math.Max(dimension.Least, size - 1) : size;
        })];
    }
}
