using System.Globalization;
using System.Text.Json.Nodes;

namespace NativeRlhf.Rewards;

/// <summary>
/// A reward from another program, kept running: it reads one JSON object a line, <c>{"prompt", "completion", …fields of the
/// prompt's row}</c>, and answers one number a line in the same order.
/// </summary>
/// <param name="command">A command line for the shell.</param>
/// <param name="timeout">How long an answer may take; 60 s by default.</param>
/// <exception cref="InputException">The program cannot be started.</exception>
public sealed class CommandReward(string command, TimeSpan? timeout = null) : IReward
{
    private readonly LineProcess _process = new(command, timeout);

    /// <inheritdoc/>
    /// <exception cref="InputException">An answer is not a number or takes too long, or the program has ended; the message has the line.</exception>
    public double[] Score(IReadOnlyList<RewardRequest> requests, Action<string, double>? report = null) => _process.Ask<double>([.. requests.Select(Line)], static answer =>
        double.TryParse(answer, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) && double.IsFinite(score) ? (score, null) : (0, "which is not a number"));

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private static string Line(RewardRequest request)
    {
        var json = new JsonObject { ["prompt"] = request.Prompt, ["completion"] = request.Completion };
        // A row of demonstrations has a completion of its own, which must not stand in for the sampled one.
        foreach (var (key, value) in request.Fields)
        {
            if (!json.ContainsKey(key)) json[key] = value?.DeepClone();
        }

        return json.ToJsonString(JsonStyle.Line);
    }
}
