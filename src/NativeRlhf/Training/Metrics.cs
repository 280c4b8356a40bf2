namespace NativeRlhf.Training;

/// <summary>The metrics of one step, in the order in which they are first set.</summary>
public sealed class Metrics
{
    private readonly List<KeyValuePair<string, double>> _values = [];

    /// <summary>Tokens that went through the model in this step, counted by the trainer.</summary>
    public long Tokens { get; set; }

    /// <summary>All metrics set so far.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Values => _values;

    /// <summary>A metric; reading one that is not set gives NaN.</summary>
    /// <param name="name">Its name in metrics.jsonl.</param>
    public double this[string name]
    {
        get => _values.FirstOrDefault(entry => entry.Key == name, KeyValuePair.Create(name, double.NaN)).Value;
        set
        {
            int index = _values.FindIndex(entry => entry.Key == name);
            var entry = KeyValuePair.Create(name, value);
            if (index < 0) _values.Add(entry);
            else _values[index] = entry;
        }
    }

    /// <summary>Whether a metric is set.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>True if it has a value.</returns>
    public bool Contains(string name) => _values.Exists(entry => entry.Key == name);
}
