using System.Text.Json.Nodes;

namespace NativeRlhf.Training;

/// <summary>The metrics of one step, in the order in which they are first set.</summary>
public sealed class Metrics
{
    private readonly List<KeyValuePair<string, double>> _values = new(32);

    /// <summary>Tokens that went through the model in this step, counted by the trainer.</summary>
    public long Tokens { get; set; }

    /// <summary>A sample of what the step made, for samples.jsonl; or null.</summary>
    public JsonObject? Sample { get; set; }

    /// <summary>All metrics set so far.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Values => _values;

    /// <summary>A metric; reading one that is not set gives NaN.</summary>
    /// <param name="name">Its name in metrics.jsonl.</param>
    public double this[string name]
    {
        get => IndexOf(name) is >= 0 and var index ? _values[index].Value : double.NaN;
        set
        {
            var entry = KeyValuePair.Create(name, value);
            if (IndexOf(name) is >= 0 and var index) _values[index] = entry;
            else _values.Add(entry);
        }
    }

    /// <summary>Whether a metric is set.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>True if it has a value.</returns>
    public bool Contains(string name) => IndexOf(name) >= 0;

    private int IndexOf(string name)
    {
        for (int i = 0; i < _values.Count; i++)
        {
            if (_values[i].Key == name) return i;
        }

        return -1;
    }
}
