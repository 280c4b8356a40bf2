using System.Diagnostics;
using System.Globalization;
using NativeRlhf.Training;
using Spectre.Console;

namespace NativeRlhf.Runner.Cli;

/// <summary>
/// Shows how a run goes: a live panel on a terminal, plain lines when redirected, and in either case nothing but a line for
/// each evaluation and for the end where that is asked for.
/// </summary>
/// <param name="name">The trainer's command.</param>
/// <param name="quiet">One line for each evaluation.</param>
internal sealed class ProgressView(string name, bool quiet = false) : IDisposable
{
    private const double SecondsBetweenLines = 5, SecondsBetweenPanels = 0.1;

    private const string TimePrefix = "time/";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly RunProgress _progress = new(name);
    private readonly Dictionary<string, double> _seconds = [];
    private LiveDisplayContext? _live;
    private double _last = double.NegativeInfinity;

    /// <summary>Runs work, and shows what it reports.</summary>
    public void Run(Action work)
    {
        if (quiet || Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            work();
            return;
        }

        AnsiConsole.Live(new Text($"{name} …")).Overflow(VerticalOverflow.Crop).Start(context =>
        {
            _live = context;
            try
            {
                work();
            }
            finally
            {
                // The last steps may have come too fast to be shown.
                if (_progress.Step > 0) Show(context);
                _live = null;
            }
        });
    }

    /// <summary>Where the time of the steps went, by the metrics time/*: one line, or null where there are none.</summary>
    public string? Times => _seconds.Values.Sum() is > 0 and var total
        ? string.Create(CultureInfo.InvariantCulture, $"time: {string.Join(", ", _seconds.Select(entry => $"{entry.Key} {Math.Round(100 * entry.Value / total)} %"))} of {total:0.0} s")
        : null;

    /// <summary>Takes note of a step, and shows it if it is time.</summary>
    public void Report(StepReport report)
    {
        foreach (var (name, value) in report.Metrics.Values)
        {
            if (name.StartsWith(TimePrefix, StringComparison.Ordinal))
                _seconds[name[TimePrefix.Length..]] = _seconds.GetValueOrDefault(name[TimePrefix.Length..]) + value;
        }

        double elapsed = _clock.Elapsed.TotalSeconds;
        _progress.Add(report, elapsed);
        bool isDue = report.Step == report.Steps || (quiet
            ? RunProgress.IsEvaluation(report.Metrics)
            : elapsed - _last >= (_live is null ? SecondsBetweenLines : SecondsBetweenPanels));
        if (!isDue) return;
        _last = elapsed;
        if (_live is { } context) Show(context);
        else Console.WriteLine(_progress.Line(report.Metrics));
    }

    /// <summary>Ends the time of the run.</summary>
    public void Dispose() => _clock.Stop();

    private void Show(LiveDisplayContext context)
    {
        var profile = AnsiConsole.Profile;
        context.UpdateTarget(RunPanel.Render(_progress, profile.Width, profile.Height, profile.Capabilities.Unicode));
    }
}
