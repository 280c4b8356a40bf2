namespace NativeRlhf.Rewards;

/// <summary>A reward that is a function of the text: for experiments, and to see that PPO optimises what it is told to.</summary>
/// <param name="rule">The score of one answer.</param>
public sealed class RuleReward(Func<RewardRequest, double> rule) : IReward
{
    private static readonly Dictionary<string, Func<RewardRequest, double>> Rules = new()
    {
        ["length"] = request => request.Completion.Length,
        ["shortness"] = request => -request.Completion.Length,
        ["words"] = request => Words(request).Length,
        ["unique-words"] = request => Words(request) is { Length: > 0 } words ? (double)words.Distinct().Count() / words.Length : 0,
        ["upper-case"] = request => request.Completion.Count(char.IsLetter) is var letters and > 0 ? (double)request.Completion.Count(char.IsUpper) / letters : 0,
    };

    /// <summary>
    /// A rule by name: <c>length</c> (characters), <c>shortness</c> (their negative), <c>words</c>, <c>unique-words</c> (distinct
    /// words over words), <c>upper-case</c> (upper-case letters over letters).
    /// </summary>
    /// <param name="name">The name.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="InputException">There is no such rule.</exception>
    public static RuleReward Named(string name) => Rules.TryGetValue(name, out var rule)
        ? new RuleReward(rule)
        : throw new InputException($"rule:{name}: there is no such rule; rules are {string.Join(", ", Rules.Keys)}");

    /// <inheritdoc/>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null) => [.. requests.Select(rule)];

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static string[] Words(RewardRequest request) => request.Completion.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
