namespace NativeRlhf.Checkpoints;

/// <summary>One tensor of a file, or to be written to one.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its dimensions, each ≥ 0; none for a single number.</param>
public sealed record TensorHeader(string Name, TensorType Type, IReadOnlyList<long> Shape)
{
    /// <summary>How many elements it has: the product of its dimensions.</summary>
    /// <exception cref="OverflowException">There are more than 2⁶³ − 1.</exception>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>How many bytes its elements take.</summary>
    /// <exception cref="OverflowException">There are more than 2⁶³ − 1.</exception>
    public long ByteCount => checked(Count * Type.Size());

    /// <summary>The shape as messages name it: <c>[3, 4]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
