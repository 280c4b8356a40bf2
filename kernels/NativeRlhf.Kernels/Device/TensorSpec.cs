namespace NativeRlhf.Kernels.Device;

/// <summary>
/// One entry of the list of a model's parameters. Allocation, initialisation, optimizer, checkpoint, export and tests all
/// go through that list.
/// </summary>
/// <param name="Name">The name in public GPT-2 checkpoints, without prefix: <c>h.0.attn.c_attn.weight</c>.</param>
/// <param name="Rows">Rows; 1 for a vector.</param>
/// <param name="Cols">Columns; the length of a vector.</param>
/// <param name="IsVector">Whether files store it with one dimension rather than two.</param>
public sealed record TensorSpec(string Name, int Rows, int Cols, bool IsVector)
{
    /// <summary>A matrix: weight decay applies.</summary>
    /// <param name="name">The name.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="cols">Columns.</param>
    /// <returns>The entry.</returns>
    public static TensorSpec Matrix(string name, int rows, int cols) => new(name, rows, cols, IsVector: false);

    /// <summary>A vector: a bias or the weight of a LayerNorm, without weight decay.</summary>
    /// <param name="name">The name.</param>
    /// <param name="length">Its length.</param>
    /// <returns>The entry.</returns>
    public static TensorSpec Vector(string name, int length) => new(name, 1, length, IsVector: true);

    /// <summary>Whether weight decay applies: to tensors of two dimensions, embeddings included.</summary>
    public bool HasWeightDecay => !IsVector;

    /// <summary>The number of elements.</summary>
    public long Length => (long)Rows * Cols;

    /// <summary>The shape as files store it.</summary>
    public long[] Shape => IsVector ? [Cols] : [Rows, Cols];
}
