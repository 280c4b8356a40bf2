using System.Text.Json.Nodes;

namespace NativeRlhf.Evaluation;

/// <summary>What a suite measured.</summary>
/// <param name="Suite">The suite's name.</param>
/// <param name="Items">How many items.</param>
/// <param name="Truncated">How many of them did not fit into the model's positions, and were cut from the left.</param>
/// <param name="Measures">The numbers, the most quoted one first.</param>
/// <param name="Rows">One object an item: where it stands, and what was computed for it.</param>
public sealed record SuiteResult(string Suite, int Items, int Truncated, IReadOnlyList<Measure> Measures, IReadOnlyList<JsonObject> Rows)
{
    /// <summary>All but the rows.</summary>
    /// <returns>A new JSON object.</returns>
    public JsonObject ToJson() => new()
    {
        ["suite"] = Suite,
        ["n"] = Items,
        ["truncated"] = Truncated,
        ["metrics"] = new JsonObject(Measures.Select(measure => KeyValuePair.Create(measure.Name, (JsonNode?)measure.ToJson()))),
    };
}

/// <summary>A public benchmark that is scored by log-likelihoods.</summary>
public abstract class BenchmarkSuite
{
    /// <summary>All suites.</summary>
    public static IReadOnlyList<BenchmarkSuite> All { get; } =
        [new Lambada(), new HellaSwag(), new TruthfulQa(), new CrowsPairs(), new Winogender(), new WikiText()];

    /// <summary>The name, as on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What it measures, in one sentence.</summary>
    public abstract string Description { get; }

    /// <summary>What its files are, for the help.</summary>
    public abstract string Files { get; }

    /// <summary>Measures a model.</summary>
    /// <param name="scorer">The model.</param>
    /// <param name="files">The files, read in order as one list of items.</param>
    /// <param name="limit">Only so many items, the first ones; null for all.</param>
    /// <returns>The numbers.</returns>
    /// <exception cref="InputException">A file is not of the suite's format; the message names the line.</exception>
    public abstract SuiteResult Run(LikelihoodScorer scorer, IReadOnlyList<string> files, int? limit = null);

    private protected static T[] Items<T>(IReadOnlyList<string> files, int? limit, Func<string, IEnumerable<T>> read)
    {
        T[] items = [.. files.SelectMany(read).Take(limit ?? int.MaxValue)];
        return items.Length > 0 ? items : throw new InputException($"{files[0]}: holds no item");
    }

    private protected static JsonArray Numbers(IEnumerable<double> values) => new([.. values.Select(value => (JsonNode)value)]);
}
