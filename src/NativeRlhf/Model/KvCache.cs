using System.Runtime.InteropServices;
using NativeRlhf.Kernels.Device;

namespace NativeRlhf.Model;

/// <summary>
/// Keys and values of sequences under way: for every layer <see cref="Slots"/> slots of <see cref="Capacity"/> positions. A
/// finished sequence frees its slot for a waiting one; nothing needs to be cleared, since a row attends only to positions
/// up to its own.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly ComputeDevice _device;
    private readonly Arena _arena;
    private readonly Tensor[] _keys, _values;

    /// <summary>Allocates the cache: 2 · L · slots · capacity · C elements of the type of the model's operands.</summary>
    /// <param name="device">The device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="slots">How many sequences at once.</param>
    /// <param name="capacity">The longest sequence, at most the model's positions.</param>
    public KvCache(ComputeDevice device, GptConfig config, int slots, int capacity)
    {
        if (capacity > config.Positions) throw new ArgumentException($"a cache for {capacity} positions exceeds the model's {config.Positions}");
        _device = device;
        Slots = slots;
        Capacity = capacity;
        _arena = device.AllocateArena(2 * config.Layers * Arena.AlignUp((long)slots * capacity * config.Width, config.Precision.Operands()), "key-value cache");
        _keys = [.. Enumerable.Range(0, config.Layers).Select(_ => Take())];
        _values = [.. Enumerable.Range(0, config.Layers).Select(_ => Take())];

        Tensor Take() => _arena.Take(slots * capacity, config.Width, "", config.Precision.Operands());
    }

    /// <summary>How many sequences at once.</summary>
    public int Slots { get; }

    /// <summary>The positions of a slot.</summary>
    public int Capacity { get; }

    /// <summary>keys (slots · capacity, C) of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <returns>The tensor.</returns>
    public Tensor Keys(int layer) => _keys[layer];

    /// <summary>values (slots · capacity, C) of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <returns>The tensor.</returns>
    public Tensor Values(int layer) => _values[layer];

    /// <summary>Copies the beginning of a sequence from one slot to another: keys and values of all layers.</summary>
    /// <param name="from">The slot that holds it.</param>
    /// <param name="to">Another slot.</param>
    /// <param name="count">How many positions.</param>
    public void Copy(int from, int to, int count)
    {
        var elementwise = _device.Kernels.Elementwise;
        for (int l = 0; l < _keys.Length; l++)
        {
            elementwise.Copy(_keys[l].Slice(to * Capacity, count), _keys[l].Slice(from * Capacity, count));
            elementwise.Copy(_values[l].Slice(to * Capacity, count), _values[l].Slice(from * Capacity, count));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();
}

/// <summary>The rows of one decoding pass: prompts being read and single new tokens, in any mixture.</summary>
public sealed class DecodeRows : IDisposable
{
    private readonly List<int> _tokens = [], _slots = [], _positions = [];

    /// <summary>No rows.</summary>
    /// <param name="device">The device that will read them.</param>
    public DecodeRows(ComputeDevice device)
    {
        Tokens = device.AllocateIndices(64);
        Slots = device.AllocateIndices(64);
        Positions = device.AllocateIndices(64);
    }

    /// <summary>R, the number of rows.</summary>
    public int Count => _tokens.Count;

    /// <summary>tokens (R)</summary>
    public IndexBuffer Tokens { get; }

    /// <summary>slots (R) of the cache</summary>
    public IndexBuffer Slots { get; }

    /// <summary>positions (R) in the sequences</summary>
    public IndexBuffer Positions { get; }

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        _tokens.Clear();
        _slots.Clear();
        _positions.Clear();
    }

    /// <summary>Adds one row.</summary>
    /// <param name="token">The token.</param>
    /// <param name="slot">The slot of its sequence.</param>
    /// <param name="position">Its place in the sequence.</param>
    public void Add(int token, int slot, int position)
    {
        _tokens.Add(token);
        _slots.Add(slot);
        _positions.Add(position);
    }

    /// <summary>Copies the rows to the device.</summary>
    public void Upload()
    {
        Tokens.Set(CollectionsMarshal.AsSpan(_tokens));
        Slots.Set(CollectionsMarshal.AsSpan(_slots));
        Positions.Set(CollectionsMarshal.AsSpan(_positions));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        Slots.Dispose();
        Positions.Dispose();
    }
}
