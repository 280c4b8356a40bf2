using System.Globalization;
using System.Text;
using NativeRlhf.Reporting.Charts;
using NativeRlhf.Reporting.Runs;

namespace NativeRlhf.Reporting.Html;

/// <summary>Writes the page of a report.</summary>
internal sealed class ReportPage
{
    private const int MostSamples = 6;
    private const int MostTableRows = 40;

    private readonly StringBuilder _html = new();
    private readonly ReportOptions _options;
    private readonly List<(string Id, string Title)> _parts = [];
    private int _nextId;

    /// <summary>Makes the page.</summary>
    /// <param name="studies">Studies, shown first.</param>
    /// <param name="runs">Runs.</param>
    /// <param name="name">The title if nothing else gives one.</param>
    /// <param name="options">How it is made.</param>
    public ReportPage(IReadOnlyList<Study> studies, IReadOnlyList<RunLog> runs, string name, ReportOptions options)
    {
        _options = options;
        var families = RunFamily.Group(runs);
        string title = options.Title ?? (studies.Count > 0 ? string.Join(", ", studies.Select(study => study.Title)) : name);
        foreach (var study in studies) Add(study, isNamed: studies.Count > 1);
        foreach (var family in families) Add(family);
        string body = _html.ToString();

        _html.Clear();
        _html.Append($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <link rel="icon" href="data:,">
            <title>{E(title)}</title>
            <style>
            {Styles()}
            </style>
            </head>
            <body>
            <header class="top"><div class="bar"><h1 dir="auto">{E(title)}</h1>
            """);
        _html.Append("<div class=\"tools\">");
        if (runs.Count > 0 && options.Smoothing > 0)
            _html.Append(CultureInfo.InvariantCulture, $"<label class=\"tool scripted\" title=\"Moving average, weight {options.Smoothing}\"><input type=\"checkbox\" id=\"smooth\" checked> Smooth</label>");
        _html.Append("<button class=\"tool scripted\" id=\"theme\" type=\"button\">Dark</button></div></div>");
        if (_parts.Count > 1)
            _html.Append("<nav aria-label=\"Parts\">").AppendJoin("", _parts.Select(part => $"<a href=\"#{part.Id}\">{E(part.Title)}</a>")).Append("</nav>");
        _html.Append("</header>\n<main>\n").Append(body).Append("</main>\n");
        string versions = string.Join(", ", runs.Select(run => run.Settings.GetValueOrDefault("versions.nativerlhf")).OfType<string>().Distinct());
        _html.Append($"<footer>Computed by <code>nativerlhf report</code> from the files of the runs{(versions.Length > 0 ? $" (nativerlhf {E(versions)})" : "")}.</footer>\n");
        _html.Append("<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n").Append(Resource("report.js")).Append("</script>\n</body>\n</html>\n");
    }

    /// <summary>The page.</summary>
    public override string ToString() => _html.ToString();

    private static string E(string text) => PlainText.Escape(text);

    private static string Resource(string name)
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream($"NativeRlhf.Reporting.Html.{name}") ?? throw new InvalidOperationException($"{name} is not in the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private static string Styles()
    {
        string Colors(string[] colors) => string.Concat(colors.Select((color, i) => $"--s{i.ToString(CultureInfo.InvariantCulture)}:{color};"));
        var styles = new StringBuilder(Resource("report.css").Replace("/*light*/", Colors(SeriesStyle.Light), StringComparison.Ordinal).Replace("/*dark*/", Colors(SeriesStyle.Dark), StringComparison.Ordinal));
        for (int i = 0; i < SeriesStyle.Colors; i++) styles.Append(CultureInfo.InvariantCulture, $".c{i}{{--c:var(--s{i})}}");
        return styles.ToString();
    }

    private void Open(string id, string title, string @class = "")
    {
        _parts.Add((id, title));
        _html.Append($"<section id=\"{id}\"{(@class.Length > 0 ? $" class=\"{@class}\"" : "")}>\n<h2 dir=\"auto\">{E(title)}</h2>\n");
    }

    private void Close() => _html.Append("</section>\n");

    private string NewId(string prefix) => FormattableString.Invariant($"{prefix}-{++_nextId}");

    // Studies.

    private void Add(Study study, bool isNamed)
    {
        string suffix = isNamed ? $": {study.Title}" : "";
        // A model looks the same in all figures. Names that only one figure has begin with the first style again.
        var order = study.Figures.SelectMany(figure => figure.Series.Select(series => series.Name).Distinct()).GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key).ToList();
        if (study.Introduction.Count > 0)
        {
            _html.Append($"<section class=\"intro\">{(isNamed ? $"<h2>{E(study.Title)}</h2>" : "")}");
            foreach (string paragraph in study.Introduction) _html.Append($"<p dir=\"auto\">{E(paragraph)}</p>\n");
            Close();
        }

        if (study.Claims.Count > 0) AddClaims(study.Claims, suffix);
        if (study.Figures.Count > 0)
        {
            Open(NewId("figures"), "Figures" + suffix);
            _html.Append("<div class=\"figures\">\n");
            foreach (var figure in study.Figures)
                AddFigure(figure, [.. figure.Series.Any(series => order.Contains(series.Name)) ? order : [], .. figure.Series.Select(series => series.Name).Where(name => !order.Contains(name))]);
            _html.Append("</div>\n");
            Close();
        }

        if (study.Tables.Count > 0)
        {
            Open(NewId("tables"), "Tables" + suffix);
            foreach (var table in study.Tables)
            {
                _html.Append($"<h3 dir=\"auto\">{E(table.Title)}</h3>\n");
                AddTable(table.Columns, table.Rows);
            }

            Close();
        }

        if (study.Samples.Count > 0)
        {
            Open(NewId("samples"), "Samples" + suffix);
            foreach (var set in study.Samples) AddSamples(set);
            Close();
        }
    }

    private void AddClaims(IReadOnlyList<Claim> claims, string suffix)
    {
        Open(NewId("claims"), "Claims" + suffix);
        int hold = claims.Count(claim => claim.Verdict == Verdict.Holds), not = claims.Count(claim => claim.Verdict == Verdict.DoesNotHold), open = claims.Count - hold - not;
        _html.Append(CultureInfo.InvariantCulture, $"<p class=\"lead\">Of {claims.Count} claims {hold} hold and {not} {(not == 1 ? "does" : "do")} not{(open > 0 ? FormattableString.Invariant($"; {open} {(open == 1 ? "was" : "were")} not measured") : "")}.</p>\n");
        _html.Append("<table class=\"cards claims\"><thead><tr><th scope=\"col\">Claim</th><th scope=\"col\">Here</th><th scope=\"col\">Measured</th><th scope=\"col\">Verdict</th></tr></thead><tbody>\n");
        foreach (var claim in claims)
        {
            var (word, kind, icon) = claim.Verdict switch
            {
                Verdict.Holds => ("holds", "yes", "<path d=\"M3 8.5l3.2 3.2L13 4.8\"/>"),
                Verdict.DoesNotHold => ("does not hold", "no", "<path d=\"M4 4l8 8M12 4l-8 8\"/>"),
                _ => ("not measured", "open", "<path d=\"M3.5 8h9\"/>"),
            };
            _html.Append($"<tr><th scope=\"row\" dir=\"auto\">{E(claim.Source)}</th><td data-label=\"Here\" dir=\"auto\">{E(claim.Here)}</td><td data-label=\"Measured\" dir=\"auto\">{E(claim.Measured)}</td>");
            _html.Append($"<td data-label=\"Verdict\"><span class=\"verdict {kind}\"><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">{icon}</svg>{word}</span></td></tr>\n");
        }

        _html.Append("</tbody></table>\n");
        Close();
    }

    private void AddFigure(Figure figure, List<string> order)
    {
        int IndexOf(string name) => order.IndexOf(name);
        _html.Append($"<figure class=\"figure\" id=\"figure-{E(figure.Id)}\">\n<h3 dir=\"auto\">{E(figure.Title)}</h3>\n");
        if (figure.Series.All(series => series.Points.Count == 0)) _html.Append("<p class=\"empty\">Nothing was measured.</p>\n");
        else
        {
            AddLegend(figure, IndexOf);
            _html.Append("<div class=\"wide\">").Append(ChartSvg.Draw(figure, new ChartOptions(620, 330, IndexOf))).Append("</div>");
            _html.Append("<div class=\"narrow\">").Append(ChartSvg.Draw(figure, new ChartOptions(352, 260, IndexOf))).Append("</div>\n");
        }

        if (figure.Caption.Length > 0) _html.Append($"<figcaption dir=\"auto\">{E(figure.Caption)}</figcaption>\n");
        AddData(figure);
        _html.Append("</figure>\n");
    }

    // Runs.

    private void Add(RunFamily family)
    {
        Open(family.Id, family.Title);
        if (family.Runs.Count == 1) AddTiles(family.Runs[0]);
        else AddSummary(family);
        foreach (var run in family.Runs)
        {
            foreach (string note in run.Notes) _html.Append($"<p class=\"note\"><strong>{E(run.Name)}:</strong> {E(note)}</p>\n");
        }

        var figures = new RunFigures(family.Runs, _options.Axis);
        var shares = figures.TimeShares();
        _html.Append("<div class=\"curves\">\n");
        foreach (var figure in figures.Known()) AddCurve(figure, family);
        if (shares.Count > 0) AddShares(shares);
        _html.Append("</div>\n");
        Figure[] others = [.. figures.Others()];
        if (others.Length > 0)
        {
            _html.Append(CultureInfo.InvariantCulture, $"<details class=\"more\"><summary>{others.Length} other metric{(others.Length == 1 ? "" : "s")}</summary><div class=\"curves\">\n");
            foreach (var figure in others) AddCurve(figure, family);
            _html.Append("</div></details>\n");
        }

        AddRunSamples(family);
        AddSettings(family);
        Close();
    }

    private void AddTiles(RunLog run)
    {
        _html.Append($"<p class=\"lead\"><bdi>{E(run.Name)}</bdi> · {E(State(run))}{(run.Settings.TryGetValue("device", out string? device) ? " · " + E(device) : "")}</p>\n<dl class=\"tiles\">\n");
        foreach (var (label, value) in Facts(run)) Tile(label, value, "");
        foreach (var entry in MetricCatalog.Summary.Where(entry => run.Metrics.ContainsKey(entry.Metric)).Take(6))
        {
            string? unit = MetricCatalog.IsShare(entry.Metric) ? "%" : null;
            var (first, last) = (run.First(entry.Metric)!.Value, run.Last(entry.Metric)!.Value);
            Tile(entry.Title, Numbers.Value(last.Value, unit), last.Step == first.Step ? "" : FormattableString.Invariant($"{Numbers.Value(first.Value, unit)} in step {first.Step}"));
        }

        _html.Append("</dl>\n");

        void Tile(string label, string value, string note) =>
            _html.Append($"<div><dt>{E(label)}</dt><dd>{E(value)}</dd>{(note.Length > 0 ? $"<dd class=\"was\">{E(note)}</dd>" : "")}</div>\n");
    }

    private void AddSummary(RunFamily family)
    {
        var metrics = MetricCatalog.Summary.Where(entry => family.Runs.Any(run => run.Metrics.ContainsKey(entry.Metric))).Take(6).ToList();
        string[] facts = [.. family.Runs.SelectMany(run => Facts(run).Select(fact => fact.Label)).Distinct()];
        _html.Append("<table class=\"cards numbers\"><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">State</th>");
        foreach (string head in facts.Concat(metrics.Select(entry => entry.Title))) _html.Append($"<th scope=\"col\">{E(head)}</th>");
        _html.Append("</tr></thead><tbody>\n");
        foreach (var run in family.Runs)
        {
            _html.Append($"<tr><th scope=\"row\">{Swatch(family.IndexOf(run.Name), isBar: false, hasMarker: false)}<bdi>{E(run.Name)}</bdi></th><td data-label=\"State\">{E(State(run))}</td>");
            var known = Facts(run).ToDictionary(fact => fact.Label, fact => fact.Value);
            foreach (string fact in facts) Cell(fact, known.GetValueOrDefault(fact, "–"));
            foreach (var entry in metrics)
                Cell(entry.Title, run.Last(entry.Metric) is { } last ? Numbers.Value(last.Value, MetricCatalog.IsShare(entry.Metric) ? "%" : null) : "–");
            _html.Append("</tr>\n");
        }

        _html.Append("</tbody></table>\n");

        void Cell(string label, string value) => _html.Append($"<td data-label=\"{E(label)}\">{E(value)}</td>");
    }

    private static string State(RunLog run)
    {
        string trainer = run.Settings.GetValueOrDefault("advantages") is { } advantages && advantages != "gae" ? $"{run.Command} ({advantages})" : run.Command;
        return $"{(trainer == run.Name ? "" : trainer + ", ")}{(run.IsFinished ? "finished" : run.LastStep == 0 ? "no steps yet" : "not finished")}";
    }

    private static IEnumerable<(string Label, string Value)> Facts(RunLog run)
    {
        string planned = !run.IsFinished && run.Settings.TryGetValue("steps", out string? steps) && long.TryParse(steps, CultureInfo.InvariantCulture, out long all) && all > run.LastStep ? " of " + Numbers.Value(all) : "";
        yield return ("Steps", Numbers.Value(run.LastStep) + planned);
        if (run.Last("wall_seconds") is { } seconds) yield return ("Duration", Numbers.Duration(seconds.Value));
        if (run.Last("tokens") is { } tokens)
        {
            yield return ("Tokens", Numbers.Count(tokens.Value));
            if (run.Last("wall_seconds") is { Value: > 0 } time) yield return ("Tokens/s", Numbers.Count(tokens.Value / time.Value));
        }

        if (run.Parameters is { } parameters) yield return ("Parameters", Numbers.Count(parameters));
    }

    private void AddCurve(Figure figure, RunFamily family)
    {
        // A single run has its metrics as series, several runs have the runs.
        var names = figure.Series.Select(series => series.Name).ToList();
        int IndexOf(string name) => family.Runs.Count == 1 ? names.IndexOf(name) : family.IndexOf(name);
        _html.Append($"<figure class=\"curve\">\n<h3>{E(figure.Title)}{(figure.Y.Unit is { } unit and not "%" ? $" <span class=\"unit\">{E(unit)}</span>" : "")}</h3>\n");
        _html.Append(ChartSvg.Draw(figure with { Y = figure.Y with { Unit = figure.Y.Unit == "%" ? "%" : null } }, new ChartOptions(400, 220, IndexOf) { Smoothing = MetricCatalog.Smoothing(figure.Id, _options.Smoothing), MostPoints = family.Runs.Count > 4 ? 160 : 300 }));
        if (figure.Series.Count > 1 || family.Runs.Count > 1) AddLegend(figure, IndexOf);
        AddData(figure);
        _html.Append("</figure>\n");
    }

    private void AddShares(IReadOnlyList<(string Name, IReadOnlyList<Part> Parts)> wholes)
    {
        string[] names = [.. wholes.SelectMany(whole => whole.Parts).Select(part => part.Name).Distinct()];
        const string title = "Where the time went";
        _html.Append($"<figure class=\"curve\">\n<h3>{title}</h3>\n").Append(ShareSvg.Draw(title, wholes, 400, name => Array.IndexOf(names, name)));
        _html.Append("<ul class=\"legend\">").AppendJoin("", names.Select((name, i) => $"<li>{Swatch(i, isBar: true)}{E(name)}</li>")).Append("</ul>\n");
        AddDetails(title, ["run", .. names.Select(name => name + " (s)")], [.. wholes.Select(whole => (IReadOnlyList<string>)[whole.Name, .. names.Select(name => Numbers.Value(Math.Round(whole.Parts.FirstOrDefault(part => part.Name == name).Amount, 3)))])], "");
        _html.Append("</figure>\n");
    }

    private void AddRunSamples(RunFamily family)
    {
        bool isAlone = family.Runs.Count == 1;
        var common = isAlone ? null : RunSamples.SideBySide(family.Runs, MostSamples);
        SampleSet[] own =
        [
            .. family.Runs.SelectMany(run => RunSamples.BeforeAndAfter(run, isAlone ? MostSamples : MostSamples / 2)
                .Select(set => isAlone ? set : set with { Title = $"{run.Name}: {set.Title[..1].ToLowerInvariant()}{set.Title[1..]}" })),
        ];
        if (common is null && own.Length == 0) return;
        _html.Append("<h3 class=\"part\">Samples</h3>\n");
        // Of several runs, what they share stands open, and each by itself behind its title.
        if (common is not null) AddSamples(common);
        foreach (var set in own) AddSamples(set, isFolded: !isAlone);
    }

    private void AddSamples(SampleSet set, bool isFolded = false)
    {
        if (isFolded) _html.Append($"<details class=\"more\"><summary dir=\"auto\">{E(set.Title)}</summary>\n");
        else _html.Append($"<p class=\"lead\" dir=\"auto\">{E(set.Title)}.</p>\n");
        foreach (var sample in set.Samples)
        {
            _html.Append($"<article class=\"sample\"><div class=\"prompt\" dir=\"auto\">{E(sample.Prompt.TrimEnd('\r', '\n'))}</div><div class=\"answers\">");
            foreach (var answer in sample.Answers)
            {
                _html.Append($"<div class=\"answer\"><p class=\"who\"><bdi>{E(answer.Model)}</bdi>{(answer.Note is { } note ? $"<span class=\"said\"><bdi>{E(note)}</bdi></span>" : "")}</p>");
                _html.Append(answer.Text.Trim().Length == 0 ? "<div class=\"text empty\">(empty)</div></div>" : $"<div class=\"text\" dir=\"auto\">{E(answer.Text.Trim('\r', '\n'))}</div></div>");
            }

            _html.Append("</div></article>\n");
        }

        if (isFolded) _html.Append("</details>\n");
    }

    private void AddSettings(RunFamily family)
    {
        var settings = RunSettings.Of(family.Runs);
        if (settings.Count == 0) return;
        int notable = settings.Count(setting => setting.IsNotable);
        bool isAlone = family.Runs.Count == 1;
        _html.Append("<h3 class=\"part\">Configuration</h3>\n");
        _html.Append($"<p class=\"lead\">{(isAlone ? notable == 0 ? "All settings of the trainer have their defaults." : "What differs from the defaults of the trainer." : notable == 0 ? "The runs do not differ." : "Where the runs differ; what fewer of them have is marked.")}</p>\n");
        if (notable > 0)
        {
            var marked = settings.Take(notable).SelectMany((setting, row) => setting.Values.Select((value, i) => (row, column: i + 1, IsOdd: !isAlone && value is not null && value != setting.Usual))).Where(cell => cell.IsOdd);
            AddTable(["setting", .. isAlone ? ["value"] : family.Runs.Select(run => run.Name)],
                [.. settings.Take(notable).Select(setting => (IReadOnlyList<string>)[setting.Name, .. setting.Values.Select(value => value ?? "–")])],
                "settings", [.. marked.Select(cell => (cell.row, cell.column))]);
        }

        if (notable == settings.Count) return;
        _html.Append(CultureInfo.InvariantCulture, $"<details class=\"more\"><summary>{settings.Count - notable} settings that {(isAlone ? "are defaults or describe the run" : "do not differ")}</summary>\n");
        AddTable(["setting", "value"], [.. settings.Skip(notable).Select(setting => (IReadOnlyList<string>)[setting.Name, setting.Usual ?? "–"])], "settings");
        _html.Append("</details>\n");
    }

    // Parts that both have.

    private void AddLegend(Figure figure, Func<string, int> indexOf)
    {
        _html.Append("<ul class=\"legend\">");
        foreach (var series in figure.Series)
            _html.Append($"<li><button type=\"button\" aria-pressed=\"true\" data-toggle=\"{E(series.Name)}\">{Swatch(indexOf(series.Name), figure.Kind == FigureKind.Bars, ChartSvg.HasMarkers(series))}<bdi>{E(series.Name)}</bdi></button></li>");
        _html.Append("</ul>\n");
    }

    private static string Swatch(int index, bool isBar, bool hasMarker = true)
    {
        string mark = isBar
            ? $"<rect class=\"bar\" x=\"4\" y=\"0\" width=\"18\" height=\"12\"/><path class=\"inside\" d=\"{SeriesStyle.Marker(index, 13, 6, 2.4)}\"/>"
            : $"<line class=\"line\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"{(SeriesStyle.Dash(index) is { } dash ? $" stroke-dasharray=\"{dash}\"" : "")}/>{(hasMarker ? $"<path class=\"marker\" d=\"{SeriesStyle.Marker(index, 13, 6, 3.2)}\"/>" : "")}";
        return FormattableString.Invariant($"<svg class=\"swatch c{SeriesStyle.Color(index)}\" viewBox=\"0 0 26 12\" aria-hidden=\"true\">{mark}</svg>");
    }

    private void AddData(Figure figure)
    {
        string Head(string name) => ChartSvg.AxisText(figure.X).Length == 0 ? name : ChartSvg.AxisText(figure.X);
        if (figure.Kind == FigureKind.Bars)
        {
            string[] categories = [.. figure.Series.SelectMany(series => series.Points).Select(point => point.Category ?? "").Distinct()];
            AddDetails(figure.Title, [Head("group"), .. figure.Series.Select(series => series.Name)],
                [.. categories.Select(category => (IReadOnlyList<string>)[category, .. figure.Series.Select(series => Cell(series.Points.FirstOrDefault(point => (point.Category ?? "") == category)))])], "");
            return;
        }

        double[] places = [.. figure.Series.SelectMany(series => series.Points).Select(point => point.X).Distinct().Order()];
        var shown = Curve.Spread(places, MostTableRows);
        var byPlace = figure.Series.Select(series => series.Points.GroupBy(point => point.X).ToDictionary(group => group.Key, group => group.Last())).ToList();
        string note = shown.Count < places.Length ? FormattableString.Invariant($"{shown.Count} of {places.Length} places; metrics.jsonl has all.") : "";
        AddDetails(figure.Title, [Head("x"), .. figure.Series.Select(series => series.Name)],
            [.. shown.Select(place => (IReadOnlyList<string>)[Numbers.Value(place), .. byPlace.Select(points => Cell(points.GetValueOrDefault(place)))])], note);

        string Cell(Point? point) => point is null ? "" : ChartSvg.ValueText(figure, point);
    }

    private void AddDetails(string title, IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, string note)
    {
        _html.Append($"<details class=\"data\"><summary>Data<span class=\"hidden\"> of {E(title)}</span></summary>\n");
        if (note.Length > 0) _html.Append($"<p class=\"note\">{E(note)}</p>\n");
        AddTable(columns, rows, "values");
        _html.Append("</details>\n");
    }

    private void AddTable(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, string @class = "", HashSet<(int Row, int Column)>? marked = null)
    {
        _html.Append($"<div class=\"scroll\" tabindex=\"0\"><table{(@class.Length > 0 ? $" class=\"{@class}\"" : "")}><thead><tr>");
        foreach (string column in columns) _html.Append($"<th scope=\"col\" dir=\"auto\">{E(column)}</th>");
        _html.Append("</tr></thead><tbody>\n");
        for (int row = 0; row < rows.Count; row++)
        {
            _html.Append($"<tr><th scope=\"row\" dir=\"auto\">{E(rows[row][0])}</th>");
            for (int i = 1; i < rows[row].Count; i++)
                _html.Append(marked?.Contains((row, i)) == true ? $"<td class=\"odd\"><mark dir=\"auto\">{E(rows[row][i])}</mark></td>" : $"<td dir=\"auto\">{E(rows[row][i])}</td>");
            _html.Append("</tr>\n");
        }

        _html.Append("</tbody></table></div>\n");
    }
}
