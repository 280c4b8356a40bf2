using System.Globalization;
using NativeRlhf.Checkpoints;
using NativeRlhf.Reporting.Charts;
using NativeRlhf.Reporting.Html;
using NativeRlhf.Reporting.Runs;

namespace NativeRlhf.Reporting;

/// <summary>How a report is made.</summary>
public sealed record ReportOptions
{
    /// <summary>The title, or null for that of the study or the names of the runs.</summary>
    public string? Title { get; init; }

    /// <summary>What the curves are drawn over.</summary>
    public CurveAxis Axis { get; init; }

    /// <summary>The weight of the past in the moving average that is drawn over long curves, from 0 (none) to below 1.</summary>
    public double Smoothing { get; init; } = 0.6;
}

/// <summary>Runs and studies, read from their folders, as one HTML file without network, or as charts.</summary>
public sealed class Report
{
    private const int DeepestRun = 6;

    private readonly IReadOnlyList<Study> _studies;
    private readonly IReadOnlyList<RunLog> _runs;

    private readonly string _name;

    private Report(IReadOnlyList<Study> studies, IReadOnlyList<RunLog> runs, string name) => (_studies, _runs, _name) = (studies, runs, name);

    /// <summary>How many studies were found.</summary>
    public int StudyCount => _studies.Count;

    /// <summary>How many runs were found.</summary>
    public int RunCount => _runs.Count;

    /// <summary>
    /// Reads folders: runs of trainers, finished or not; studies (<see cref="Study.FileName"/>) with the runs below them; or any folder
    /// with runs below it.
    /// </summary>
    /// <param name="folders">The folders, at least one.</param>
    /// <returns>What they hold.</returns>
    /// <exception cref="InputException">A folder holds neither, or a file in it is damaged; the message names it.</exception>
    public static Report Read(IReadOnlyList<string> folders)
    {
        if (folders.Count == 0) throw new InputException("there is no folder to report on; name the --out of a trainer or of reproduce");
        List<Study> studies = [];
        List<string> runs = [];
        foreach (string folder in folders)
        {
            if (!Directory.Exists(folder)) throw new InputException($"{folder}: there is no such folder; name the --out of a trainer or of reproduce");
            Folder[] found = [.. Find(folder, 0)];
            if (found.Length == 0) throw new InputException($"{folder}: holds no run (metrics.jsonl) and no {Study.FileName}; name the --out of a trainer or of reproduce");
            studies.AddRange(found.Where(inner => inner.IsStudy).Select(inner => Study.Read(Path.Combine(inner.Path, Study.FileName))));
            runs.AddRange(found.Where(inner => !inner.IsStudy).Select(inner => inner.Path));
        }

        runs = [.. runs.DistinctBy(Path.GetFullPath)];
        string[] names = Names(runs);
        return new Report(studies, [.. runs.Select((run, i) => RunLog.Read(run, names[i]))], string.Join(", ", Names(folders)));
    }

    /// <summary>The page: the same for the same files.</summary>
    /// <param name="options">How it is made.</param>
    public string ToHtml(ReportOptions options) => new ReportPage(_studies, _runs, _name, options).ToString();

    /// <summary>Writes the page, complete or not at all.</summary>
    /// <param name="file">The path of the file.</param>
    /// <param name="options">How it is made.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void WriteHtml(string file, ReportOptions options) => AtomicFile.WriteText(file, ToHtml(options));

    /// <summary>Curves of the runs as one SVG, a panel for each metric.</summary>
    /// <param name="metrics">Names of metrics, each with a target that is marked by a line if it is written <c>name=target</c>.</param>
    /// <param name="options">How they are drawn.</param>
    /// <exception cref="InputException">No run has a metric of that name, or a target is no number.</exception>
    public string ToSvg(IReadOnlyList<string> metrics, ReportOptions options)
    {
        if (_runs.Count == 0) throw new InputException("there is no run to draw curves of; name the --out of a trainer");
        var figures = new RunFigures(_runs, options.Axis);
        string[] known = [.. _runs.SelectMany(run => run.Metrics.Keys).Distinct()];
        List<Figure> drawn = [];
        foreach (string entry in metrics)
        {
            string[] parts = entry.Split('=', 2);
            if (!known.Contains(parts[0])) throw new InputException($"no run has the metric '{parts[0]}'; they have {string.Join(", ", known)}");
            double? target = null;
            if (parts.Length > 1)
            {
                target = double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                    ? value
                    : throw new InputException($"'{entry}': the target of a metric must be a number, as in objective/kl=6");
            }

            drawn.Add(figures.Of(parts[0], target));
        }

        return StandaloneSvg.Draw(drawn, name => Math.Max(0, _runs.ToList().FindIndex(run => run.Name == name)), figure => MetricCatalog.Smoothing(figure.Id, options.Smoothing));
    }

    /// <summary>The studies and runs in a folder and below it, by path. What lies in the folder of a run belongs to the run.</summary>
    private static IEnumerable<Folder> Find(string folder, int depth)
    {
        if (RunLog.IsRun(folder)) return [new Folder(folder, false)];
        IEnumerable<Folder> found = File.Exists(Path.Combine(folder, Study.FileName)) ? [new Folder(folder, true)] : [];
        if (depth == DeepestRun) return found;
        return found.Concat(Directory.GetDirectories(folder)
            .Where(inner => Path.GetFileName(inner) is not ("checkpoints" or "final") && !Path.GetFileName(inner).StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .SelectMany(inner => Find(inner, depth + 1)));
    }

    /// <summary>The ends of the paths, as long as needed to tell them apart.</summary>
    private static string[] Names(IReadOnlyList<string> paths)
    {
        string[][] parts = [.. paths.Select(path => Path.GetFullPath(path).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))];
        var names = new string[paths.Count];
        for (int i = 0; i < names.Length; i++)
        {
            int length = 1;
            while (length < parts[i].Length && parts.Count(other => other.TakeLast(length).SequenceEqual(parts[i].TakeLast(length))) > 1) length++;
            names[i] = string.Join('/', parts[i].TakeLast(length));
        }

        return names;
    }

    private readonly record struct Folder(string Path, bool IsStudy);
}
