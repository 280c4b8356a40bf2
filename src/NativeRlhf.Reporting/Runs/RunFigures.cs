using NativeRlhf.Reporting.Charts;

namespace NativeRlhf.Reporting.Runs;

/// <summary>What the curves of a report are drawn over.</summary>
public enum CurveAxis
{
    /// <summary>Steps.</summary>
    Step,

    /// <summary>Tokens that went through the trained model.</summary>
    Tokens,

    /// <summary>Hours, minutes or seconds since the run began.</summary>
    Time,
}

/// <summary>Makes the figures of runs from their metrics.</summary>
/// <param name="runs">Runs that are laid over each other.</param>
/// <param name="axis">What the curves are drawn over.</param>
internal sealed class RunFigures(IReadOnlyList<RunLog> runs, CurveAxis axis)
{
    private readonly bool _isAlone = runs.Count == 1;

    // A unit of time in which the longest run has a readable length.
    private readonly (double Seconds, string Name) _time = runs.Max(run => run.Last("wall_seconds")?.Value ?? 0) switch
    {
        >= 7200 => (3600, "h"),
        >= 300 => (60, "min"),
        _ => (1, "s"),
    };

    /// <summary>Figures of the metrics that the catalogue knows, in its order: of one run related metrics together, of several each alone.</summary>
    public IEnumerable<Figure> Known()
    {
        foreach (var chart in MetricCatalog.Charts)
        {
            var metrics = chart.Metrics.Where(entry => Has(entry.Metric)).ToList();
            if (_isAlone && chart.Prefix is { } prefix)
            {
                metrics.AddRange(runs[0].Metrics.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                    .Select(name => new ChartedMetric(name, name[prefix.Length..], chart.Title)));
            }

            if (_isAlone && metrics.Count > 1)
                yield return Make(chart, chart.Title, metrics.Select(entry => (entry.Series, runs[0], entry.Metric)));
            else
                foreach (var entry in metrics) yield return Make(chart, entry.Title, runs.Where(run => run.Metrics.ContainsKey(entry.Metric)).Select(run => (run.Name, run, entry.Metric)));
        }
    }

    /// <summary>Figures of all other metrics, by their names.</summary>
    public IEnumerable<Figure> Others()
    {
        var known = MetricCatalog.Charts.SelectMany(chart => chart.Metrics).Select(entry => entry.Metric).ToHashSet();
        foreach (string name in runs.SelectMany(run => run.Metrics.Keys).Distinct())
        {
            if (known.Contains(name) || MetricCatalog.IsCounter(name)) continue;
            if (_isAlone && MetricCatalog.Charts.Any(chart => chart.Prefix is { } prefix && name.StartsWith(prefix, StringComparison.Ordinal))) continue;
            yield return Of(name);
        }
    }

    /// <summary>The figure of one metric of all runs that have it.</summary>
    /// <param name="metric">Its name.</param>
    /// <param name="reference">A value that is marked, or null.</param>
    public Figure Of(string metric, double? reference = null)
    {
        var chart = MetricCatalog.Charts.FirstOrDefault(chart => chart.Metrics.Any(entry => entry.Metric == metric));
        string title = chart?.Metrics.First(entry => entry.Metric == metric).Title ?? metric;
        chart ??= MetricCatalog.Charts.FirstOrDefault(chart => chart.Prefix is { } prefix && metric.StartsWith(prefix, StringComparison.Ordinal)) ?? new MetricChart(metric, null);
        return Make(chart with { Reference = reference ?? chart.Reference }, title, runs.Where(run => run.Metrics.ContainsKey(metric)).Select(run => (run.Name, run, metric)));
    }

    /// <summary>Where the time of each run went: the sums of <c>time/*</c>, and what is left of its whole time.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<Part> Parts)> TimeShares()
    {
        string[] names = [.. runs.SelectMany(run => run.Metrics.Keys).Where(name => name.StartsWith("time/", StringComparison.Ordinal)).Distinct()];
        List<(string, IReadOnlyList<Part>)> wholes = [];
        foreach (var run in runs)
        {
            List<Part> parts = [.. names.Select(name => new Part(name[5..], run.Sum(name)))];
            double known = parts.Sum(part => part.Amount);
            if (known <= 0) continue;
            parts.Add(new Part("other", Math.Max(0, (run.Last("wall_seconds")?.Value ?? 0) - known)));
            wholes.Add((run.Name, parts));
        }

        return wholes;
    }

    private bool Has(string metric) => runs.Any(run => run.Metrics.ContainsKey(metric));

    private Figure Make(MetricChart chart, string title, IEnumerable<(string Series, RunLog Run, string Metric)> curves)
    {
        var all = curves.ToList();
        Series[] series = [.. all.Select(curve => new Series(curve.Series, Points(curve.Run, curve.Run.Metrics[curve.Metric])))];
        double low = series.Min(one => one.Points.Min(point => point.Y)), high = series.Max(one => one.Points.Max(point => point.Y));
        bool isLogarithmic = chart.MayBeLogarithmic && low > 0 && high > 100 * low;
        return new Figure(all[0].Metric, title, "", FigureKind.Lines, AxisOf(), new Axis("", chart.Unit, isLogarithmic, chart.Reference), series);
    }

    private Axis AxisOf() => axis switch
    {
        CurveAxis.Step => new Axis("step"),
        CurveAxis.Tokens => new Axis("tokens"),
        _ => new Axis("time", _time.Name),
    };

    private Point[] Points(RunLog run, List<Measurement> values)
    {
        if (axis == CurveAxis.Step) return [.. values.Select(value => new Point(value.Value, value.Step))];
        string metric = axis == CurveAxis.Tokens ? "tokens" : "wall_seconds";
        double unit = axis == CurveAxis.Tokens ? 1 : _time.Seconds;
        var places = run.Metrics.GetValueOrDefault(metric, []);
        List<Point> points = [];
        int i = 0;
        foreach (var value in values)
        {
            while (i < places.Count && places[i].Step < value.Step) i++;
            if (i < places.Count && places[i].Step == value.Step) points.Add(new Point(value.Value, places[i].Value / unit));
        }

        return [.. points];
    }
}
