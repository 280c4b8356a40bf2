using System.Diagnostics;
using System.Globalization;
using NativeRlhf.Training;
using Spectre.Console;

namespace NativeRlhf.Runner.Cli;

/// <summary>Shows how a run goes: a live bar with the time left on a terminal, plain lines when redirected.</summary>
internal sealed class ProgressView(string name) : IDisposable
{
    private const double SecondsBetweenLines = 5;

    private const string TimePrefix = "time/";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, double> _seconds = [];
    private ProgressTask? _task;
    private double _lastLine = double.NegativeInfinity;
    private long _firstStep = -1;

    /// <summary>Runs work under the bar.</summary>
    public void Run(Action work)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            work();
            return;
        }

        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                _task = context.AddTask(name, autoStart: true);
                work();
            });
    }

    /// <summary>Where the time of the steps went, by the metrics time/*: one line, or null where there are none.</summary>
    public string? Times => _seconds.Values.Sum() is > 0 and var total
        ? string.Create(CultureInfo.InvariantCulture, $"time: {string.Join(", ", _seconds.Select(entry => $"{entry.Key} {Math.Round(100 * entry.Value / total)} %"))} of {total:0.0} s")
        : null;

    public void Report(StepReport report)
    {
        foreach (var (name, value) in report.Metrics.Values)
        {
            if (name.StartsWith(TimePrefix, StringComparison.Ordinal))
                _seconds[name[TimePrefix.Length..]] = _seconds.GetValueOrDefault(name[TimePrefix.Length..]) + value;
        }

        if (_firstStep < 0) _firstStep = report.Step - 1;
        if (_task is not null)
        {
            _task.MaxValue = report.Steps;
            _task.Value = report.Step;
            _task.Description = Markup.Escape($"{name} {Summary(report.Metrics)}");
            return;
        }

        double elapsed = _clock.Elapsed.TotalSeconds;
        if (elapsed - _lastLine < SecondsBetweenLines && report.Step != report.Steps) return;
        _lastLine = elapsed;
        var left = TimeSpan.FromSeconds(elapsed / (report.Step - _firstStep) * (report.Steps - report.Step));
        Console.WriteLine($"{name} {report.Step}/{report.Steps}  {Summary(report.Metrics)}  {Math.Round(report.Metrics["tokens_per_second"])} tokens/s  ETA {left:hh\\:mm\\:ss}");
    }

    public void Dispose() => _task?.StopTask();

    private static string Summary(Metrics metrics)
    {
        (string Key, string Label)[] shown =
        [
            ("loss", "loss"), ("accuracy", "accuracy"), ("objective/scores", "score"), ("objective/kl", "KL"), ("eval/loss", "held-out loss"), ("eval/accuracy", "held-out accuracy"),
            ("rewards/accuracies", "accuracy"), ("rewards/margins", "margin"), ("eval/rewards/accuracies", "held-out accuracy"),
        ];
        return string.Join("  ", shown.Where(entry => metrics.Contains(entry.Key)).Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Label} {metrics[entry.Key]:0.000}")));
    }
}
