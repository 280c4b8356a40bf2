using ILGPU;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Kernels.Ops;

/// <summary>
/// Attention of new rows to everything that their sequence has in a key-value cache, themselves included. The cache of a
/// layer has a slot for each sequence under way; slot s, position t lies in row s·T + t of keys and values. Rows may belong
/// to different slots (decoding) or follow each other in one (a prompt), in any mixture. All four tensors are of one type, float32 or
/// bfloat16; scores, softmax and sums are float32.
/// </summary>
public abstract class CachedAttention
{
    /// <summary>
    /// First writes k and v of every row r to row slots[r]·T + positions[r] of the caches, then
    /// y[r] = softmax(q[r]·kᵀ / √HS)·v over positions 0 to positions[r] of slot slots[r].
    /// </summary>
    /// <param name="y">y (R, C) =</param>
    /// <param name="keys">keys (slots · T, C) =, in the rows named</param>
    /// <param name="values">values (slots · T, C) =, in the rows named</param>
    /// <param name="qkv">qkv (R, 3·C)</param>
    /// <param name="slots">slots (R): the slot of every row</param>
    /// <param name="positions">positions (R): the place of every row in its sequence, below T; everything before it is in the cache or among the rows</param>
    /// <param name="capacity">T, the positions of a slot</param>
    /// <param name="heads">NH, a divisor of C</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads)
    {
        Guard.Require(nameof(CachedAttention), heads > 0 && y.Cols % heads == 0, $"{heads} heads do not divide width {y.Cols}");
        Guard.Require(nameof(CachedAttention), capacity > 0 && keys.Rows % capacity == 0, $"keys {keys} are not whole slots of {capacity} positions");
        Guard.Shape(nameof(CachedAttention), qkv, y.Rows, 3 * y.Cols);
        Guard.Shape(nameof(CachedAttention), keys, keys.Rows, y.Cols);
        Guard.Shape(nameof(CachedAttention), values, keys.Rows, y.Cols);
        Guard.SameType(nameof(CachedAttention), y, qkv);
        Guard.SameType(nameof(CachedAttention), keys, qkv);
        Guard.SameType(nameof(CachedAttention), values, qkv);
        Guard.Length(nameof(CachedAttention), slots, y.Rows);
        Guard.Length(nameof(CachedAttention), positions, y.Rows);
        if (y.Rows > 0) ForwardCore(y, keys, values, qkv, slots, positions, capacity, heads);
        Watch.Output(nameof(CachedAttention), y);
    }

    private protected abstract void ForwardCore(Tensor y, Tensor keys, Tensor values, Tensor qkv, ArrayView<int> slots, ArrayView<int> positions, int capacity, int heads);
}
