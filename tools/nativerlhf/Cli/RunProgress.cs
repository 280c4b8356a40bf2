using System.Globalization;
using NativeRlhf.Training;

namespace NativeRlhf.Runner.Cli;

/// <summary>How a run has gone so far: the numbers that matter for its trainer, as they went over the last steps.</summary>
/// <param name="name">The trainer's command.</param>
internal sealed class RunProgress(string name)
{
    /// <summary>Over how many steps, or evaluations, the numbers are kept.</summary>
    public const int Kept = 200;

    private const string EvaluationPrefix = "eval/";

    /// <summary>What is shown, in this order, of what a trainer measures; and whether it stands in the line that is printed where there is no terminal.</summary>
    private static readonly (string Key, string Label, bool InLine)[] Shown =
    [
        ("loss", "loss", true),
        ("loss/sft", "loss, demonstrations", false),
        ("accuracy", "accuracy", true),
        ("margin", "margin", false),
        ("rewards/accuracies", "accuracy", true),
        ("rewards/margins", "margin", true),
        ("objective/scores", "score", true),
        ("objective/kl", "KL", true),
        ("objective/entropy", "entropy", false),
        ("response/length", "length", false),
        ("response/eos_fraction", "ended", false),
        ("policy/clipfrac", "clipped", false),
        ("loss/value", "value loss", false),
        ("loss/ptx", "text loss", false),
        ("eval/loss", "held-out loss", true),
        ("eval/accuracy", "held-out accuracy", true),
        ("eval/rewards/accuracies", "held-out accuracy", true),
        ("eval/scores", "held-out score", true),
        ("grad_norm", "gradient norm", false),
    ];

    private readonly Dictionary<string, Queue<double>> _values = [];
    private readonly Queue<double> _speeds = new();
    private double _elapsed;
    private long _firstStep = -1;

    /// <summary>The trainer's command.</summary>
    public string Name { get; } = name;

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; private set; }

    /// <summary>The mean of the last steps.</summary>
    public double TokensPerSecond => _speeds.Count > 0 ? _speeds.Average() : double.NaN;

    /// <summary>What is left at the pace so far.</summary>
    public TimeSpan Left => Step > _firstStep ? TimeSpan.FromSeconds(_elapsed / (Step - _firstStep) * (Steps - Step)) : TimeSpan.Zero;

    /// <summary>The labels of what was measured so far with the numbers, the oldest first.</summary>
    public IEnumerable<(string Label, IReadOnlyList<double> Values)> Numbers =>
        Shown.Where(entry => _values.ContainsKey(entry.Key)).Select(entry => (entry.Label, (IReadOnlyList<double>)[.. _values[entry.Key]]));

    /// <summary>Whether the run has just measured on what is held out.</summary>
    public static bool IsEvaluation(Metrics metrics) => metrics.Values.Any(entry => entry.Key.StartsWith(EvaluationPrefix, StringComparison.Ordinal));

    /// <summary>Adds a step.</summary>
    /// <param name="report">What it did.</param>
    /// <param name="elapsed">Seconds since the run began or was resumed.</param>
    public void Add(StepReport report, double elapsed)
    {
        if (_firstStep < 0) _firstStep = report.Step - 1;
        (Step, Steps, _elapsed) = (report.Step, report.Steps, elapsed);
        Keep(_speeds, report.Metrics["tokens_per_second"]);
        foreach (var (key, _, _) in Shown)
        {
            if (!report.Metrics.Contains(key)) continue;
            if (!_values.TryGetValue(key, out var values)) _values[key] = values = new Queue<double>();
            Keep(values, report.Metrics[key]);
        }
    }

    /// <summary>The line for where there is no terminal.</summary>
    /// <param name="metrics">Those of the step last added.</param>
    public string Line(Metrics metrics)
    {
        string numbers = string.Join("  ", Shown.Where(entry => entry.InLine && metrics.Contains(entry.Key))
            .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Label} {metrics[entry.Key]:0.000}")));
        return string.Create(CultureInfo.InvariantCulture, $"{Name} {Step}/{Steps}  {numbers}  {Math.Round(metrics["tokens_per_second"])} tokens/s  ETA {Duration(Left)}");
    }

    /// <summary>Hours, minutes and seconds.</summary>
    public static string Duration(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours:00}:{time.Minutes:00}:{time.Seconds:00}");

    private static void Keep(Queue<double> values, double value)
    {
        values.Enqueue(value);
        if (values.Count > Kept) values.Dequeue();
    }
}
