using System.Text.Json;
using System.Text.Json.Nodes;
using NativeRlhf.Reporting.Html;

namespace NativeRlhf.Reporting.Charts;

/// <summary>Draws figures as SVG. The style sheet of the page, or <see cref="StandaloneSvg"/>, says what its classes look like.</summary>
internal sealed class ChartSvg
{
    /// <summary>Up to how many points of a line have markers.</summary>
    private const int MostMarkers = 30;

    /// <summary>From how many points on a line is smoothed.</summary>
    private const int LeastSmoothed = 20;

    private const double LineHeight = 14;

    private readonly Figure _figure;
    private readonly ChartOptions _options;
    private readonly SvgBuilder _svg = new();
    private readonly JsonArray _data = [];

    private ChartSvg(Figure figure, ChartOptions options) => (_figure, _options) = (figure, options);

    /// <summary>The figure as an <c>svg</c> element.</summary>
    /// <param name="figure">What is drawn.</param>
    /// <param name="options">How.</param>
    public static string Draw(Figure figure, ChartOptions options)
    {
        var chart = new ChartSvg(figure, options);
        double height = figure.Kind == FigureKind.Lines ? chart.DrawLines() : chart.DrawBars();
        string data = options.HasData ? $" tabindex=\"0\" data-axis=\"{PlainText.Escape(figure.Kind == FigureKind.Lines ? figure.X.Label : "")}\" data-chart='{chart._data.ToJsonString(new JsonSerializerOptions())}'" : "";
        string what = figure.Kind == FigureKind.Lines ? "Line chart" : "Bar chart";
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {options.Width} {Numbers.Coordinate(height)}\" role=\"img\" aria-label=\"{what}: {PlainText.Escape(figure.Title)}{(options.HasData ? ". The arrow keys go through the values." : "")}\"{data}>{chart._svg}</svg>";
    }

    /// <summary>A value as the figure shows it, with its interval.</summary>
    /// <param name="figure">The figure.</param>
    /// <param name="point">One of its points.</param>
    public static string ValueText(Figure figure, Point point)
    {
        string? unit = figure.Y.Unit == "%" ? "%" : null;
        string value = Numbers.Value(point.Y, unit);
        return point is { Low: { } low, High: { } high } ? $"{value} ({Numbers.Value(low, unit).Replace(" %", "", StringComparison.Ordinal)} to {Numbers.Value(high, unit)})" : value;
    }

    /// <summary>Whether the points of a line are few enough for markers.</summary>
    /// <param name="series">The line.</param>
    public static bool HasMarkers(Series series) => series.Points.Count <= MostMarkers;

    /// <summary>A place on the horizontal axis as the figure shows it.</summary>
    /// <param name="figure">The figure.</param>
    /// <param name="point">One of its points.</param>
    public static string PlaceText(Figure figure, Point point) =>
        figure.Kind == FigureKind.Bars ? point.Category ?? "" : Numbers.Value(point.X, figure.X.Unit == "%" ? "%" : null);

    /// <summary>The label of an axis with its unit.</summary>
    /// <param name="axis">The axis.</param>
    public static string AxisText(Axis axis) => axis.Unit is null or "%" ? axis.Label : axis.Label.Length == 0 ? axis.Unit : $"{axis.Label} ({axis.Unit})";

    private AxisScale ValueScale(double room) => AxisScale.For(
        _figure.Series.SelectMany(series => series.Points.SelectMany(point => (double[])[point.Y, point.Low ?? point.Y, point.High ?? point.Y])).Concat(_figure.Y.Reference is { } line ? [line] : []),
        Math.Clamp((int)(room / 28), 3, 8), _figure.Y.Logarithmic, _figure.Y.Unit == "%", fromZero: _figure.Kind == FigureKind.Bars);

    private double DrawLines()
    {
        double top = AxisText(_figure.Y).Length > 0 ? 24 : 10, bottom = _options.Height - (AxisText(_figure.X).Length > 0 ? 36 : 22);
        var y = ValueScale(bottom - top);
        double left = y.Ticks.Max(tick => SvgBuilder.WidthOf(y.Label(tick))) + 8;
        var places = _figure.Series.SelectMany(series => series.Points.Select(point => point.X)).ToList();
        bool isWhole = places.TrueForAll(place => place == Math.Floor(place));
        AxisScale x;
        for (int most = 8; ; most--)
        {
            x = AxisScale.For(places, Math.Max(2, most), _figure.X.Logarithmic, _figure.X.Unit == "%", isExact: true, wholeSteps: isWhole);
            double widest = x.Ticks.Select(tick => SvgBuilder.WidthOf(x.Label(tick))).DefaultIfEmpty().Max();
            if (most <= 2 || Enough(x, widest)) break;
        }

        double half = x.Ticks.Select(tick => SvgBuilder.WidthOf(x.Label(tick)) / 2).LastOrDefault();
        double right = _options.Width - Math.Max(12, half + 2);
        // Few points: not on the edges, where markers and whiskers would be cut.
        double inset = _figure.Series.All(HasMarkers) ? 12 : 0;
        double X(double value) => left + inset + (right - left - 2 * inset) * x.Position(value);
        double Y(double value) => bottom - (bottom - top) * y.Position(value);

        foreach (double tick in y.Ticks)
        {
            _svg.Line("grid", left, Y(tick), right, Y(tick));
            _svg.Text("tick", left - 6, Y(tick) + 4, y.Label(tick), "end");
        }

        _svg.Line("axis", left, bottom, right, bottom);
        double free = double.NegativeInfinity;
        foreach (double tick in x.Ticks)
        {
            double width = SvgBuilder.WidthOf(x.Label(tick));
            _svg.Line("axis", X(tick), bottom, X(tick), bottom + 4);
            if (X(tick) - width / 2 < free) continue;
            free = X(tick) + width / 2 + 4;
            _svg.Text("tick", X(tick), bottom + 16, x.Label(tick), "middle");
        }

        if (AxisText(_figure.Y).Length > 0) _svg.Text("label", 0, 11, Fitting(AxisText(_figure.Y), _options.Width));
        if (AxisText(_figure.X).Length > 0) _svg.Text("label", (left + right) / 2, bottom + 31, Fitting(AxisText(_figure.X), right - left), "middle");
        if (_figure.Y.Reference is { } reference) _svg.Line("reference", left, Y(reference), right, Y(reference));
        if (_figure.X.Reference is { } place) _svg.Line("reference", X(place), top, X(place), bottom);

        bool isAlone = _figure.Series.Count == 1;
        for (int i = 0; i < _figure.Series.Count; i++)
        {
            var series = _figure.Series[i];
            if (series.Points.Count == 0) continue;
            int index = _options.IndexOf(series.Name);
            bool hasMarkers = HasMarkers(series);
            // Intervals at the same place stand side by side.
            bool hasIntervals = series.Points.Any(point => point.Low is not null && point.High is not null);
            double aside = hasIntervals && hasMarkers ? (i - (_figure.Series.Count - 1) / 2.0) * Math.Min(4, 20.0 / _figure.Series.Count) : 0;
            var drawn = Curve.Thin(series.Points, _options.MostPoints);
            bool isSmoothed = _options.Smoothing > 0 && series.Points.Count >= LeastSmoothed && !hasIntervals;
            string? dash = isAlone ? null : SeriesStyle.Dash(index);
            string title = $"{series.Name}: {ValueText(_figure, series.Points[0])} to {ValueText(_figure, series.Points[^1])}";

            _svg.Raw($"<g class=\"series c{SeriesStyle.Color(index)}{(isSmoothed ? " smoothed" : "")}\" data-series=\"{PlainText.Escape(series.Name)}\">");
            if (hasIntervals && !hasMarkers)
                _svg.Polygon("band", drawn.Select(point => (X(point.X), Y(point.High ?? point.Y))).Concat(drawn.Reverse().Select(point => (X(point.X), Y(point.Low ?? point.Y)))));
            _svg.Polyline("line", drawn.Select(point => (X(point.X) + aside, Y(point.Y))), dash, title);
            if (isSmoothed)
                _svg.Polyline("line smooth", Curve.Thin(Curve.Smooth(series.Points, _options.Smoothing), _options.MostPoints).Select(point => (X(point.X), Y(point.Y))), dash, title);
            if (hasMarkers)
            {
                foreach (var point in series.Points)
                {
                    double at = X(point.X) + aside;
                    if (point is { Low: { } low, High: { } high }) Whisker(at, Y(low), at, Y(high), isVertical: true);
                    _svg.Path("marker", SeriesStyle.Marker(isAlone ? 0 : index, at, Y(point.Y), 3.2), $"{series.Name}, {PlaceText(_figure, point)}: {ValueText(_figure, point)}");
                }
            }

            _svg.Raw("</g>");
            AddData(series, index, drawn.Select(point => (X(point.X) + aside, Y(point.Y), point)));
        }

        return _options.Height;

        bool Enough(AxisScale scale, double widest) =>
            scale.Ticks.Count < 2 || scale.Ticks.Zip(scale.Ticks.Skip(1)).All(pair => (scale.Position(pair.Second) - scale.Position(pair.First)) * (_options.Width - left - 36) > widest + 12);
    }

    private double DrawBars()
    {
        string[] categories = [.. _figure.Series.SelectMany(series => series.Points).Select(point => point.Category ?? "").Distinct()];
        var y = ValueScale(_options.Height - 60);
        double left = y.Ticks.Max(tick => SvgBuilder.WidthOf(y.Label(tick))) + 8, right = _options.Width - 8;
        double group = (right - left) / Math.Max(1, categories.Length);
        List<string>[] labels = [.. categories.Select(category => Wrap(category, group - 8))];
        double bar = Math.Min(26, (group - Math.Min(14, group * 0.25)) / Math.Max(1, _figure.Series.Count));
        bool isVertical = labels.All(lines => lines.Count <= 3 && lines.All(line => SvgBuilder.WidthOf(line) <= group - 4)) && bar >= 7;
        return isVertical ? DrawVerticalBars(categories, labels, y, left, right, bar) : DrawHorizontalBars(categories);
    }

    private double DrawVerticalBars(string[] categories, List<string>[] labels, AxisScale y, double left, double right, double bar)
    {
        double top = AxisText(_figure.Y).Length > 0 ? 24 : 10, bottom = _options.Height - 12 - LineHeight * labels.Select(lines => lines.Count).DefaultIfEmpty(1).Max();
        if (AxisText(_figure.X).Length > 0) bottom -= 16;
        double group = (right - left) / Math.Max(1, categories.Length);
        double Y(double value) => bottom - (bottom - top) * y.Position(value);

        foreach (double tick in y.Ticks)
        {
            _svg.Line("grid", left, Y(tick), right, Y(tick));
            _svg.Text("tick", left - 6, Y(tick) + 4, y.Label(tick), "end");
        }

        if (AxisText(_figure.Y).Length > 0) _svg.Text("label", 0, 11, Fitting(AxisText(_figure.Y), _options.Width));
        if (AxisText(_figure.X).Length > 0) _svg.Text("label", (left + right) / 2, _options.Height - 5, Fitting(AxisText(_figure.X), right - left), "middle");
        for (int i = 0; i < categories.Length; i++)
        {
            for (int line = 0; line < labels[i].Count; line++) _svg.Text("tick", left + group * (i + 0.5), bottom + 15 + LineHeight * line, labels[i][line], "middle");
        }

        double zero = Y(Math.Clamp(0, y.Low, y.High));
        DrawSeries(categories, (series, category, point) =>
        {
            double x = left + group * (category + 0.5) + bar * (series - _figure.Series.Count / 2.0);
            double end = Y(point.Y);
            _svg.Rectangle("bar", x + 0.5, Math.Min(zero, end), bar - 1, Math.Max(0.5, Math.Abs(end - zero)), Title(series, point));
            if (point is { Low: { } low, High: { } high }) Whisker(x + bar / 2, Y(low), x + bar / 2, Y(high), isVertical: true);
            if (bar >= 9 && Math.Abs(end - zero) >= 14) _svg.Path("inside", SeriesStyle.Marker(Index(series), x + bar / 2, zero + (end < zero ? -7 : 7), 2.4));
            return (x + bar / 2, end);
        });
        _svg.Line("axis", left, zero, right, zero);
        if (_figure.Y.Reference is { } reference) _svg.Line("reference", left, Y(reference), right, Y(reference));
        return _options.Height;
    }

    /// <summary>For narrow places: every category's name above its bars.</summary>
    private double DrawHorizontalBars(string[] categories)
    {
        const double bar = 11, gap = 12;
        double top = AxisText(_figure.X).Length > 0 ? 20 : 6, left = 4;
        List<string>[] labels = [.. categories.Select(category => Wrap(category, _options.Width - 16))];
        double height = top + labels.Sum(lines => lines.Count * LineHeight + 4 + bar * _figure.Series.Count + gap);
        AxisScale x;
        double right;
        for (int most = 6; ; most--)
        {
            x = AxisScale.For(
                _figure.Series.SelectMany(series => series.Points.SelectMany(point => (double[])[point.Y, point.Low ?? point.Y, point.High ?? point.Y])).Concat(_figure.Y.Reference is { } line ? [line] : []),
                Math.Max(2, most), _figure.Y.Logarithmic, _figure.Y.Unit == "%", fromZero: true);
            double widest = x.Ticks.Max(tick => SvgBuilder.WidthOf(x.Label(tick)));
            (left, right) = (4 + widest / 2, _options.Width - widest / 2 - 4);
            if (most <= 2 || (right - left) / (x.Ticks.Count - 1) > widest + 10) break;
        }

        double X(double value) => left + (right - left) * x.Position(value);
        if (AxisText(_figure.X).Length > 0) _svg.Text("label", 0, 11, Fitting(AxisText(_figure.X), _options.Width));
        foreach (double tick in x.Ticks)
        {
            _svg.Line("grid", X(tick), top, X(tick), height);
            _svg.Text("tick", X(tick), height + 16, x.Label(tick), "middle");
        }

        var tops = new double[categories.Length];
        double at = top;
        for (int i = 0; i < categories.Length; i++)
        {
            foreach (string line in labels[i])
            {
                // The grid must not run through words.
                _svg.Rectangle("ground", 0, at, SvgBuilder.WidthOf(line) + 4, LineHeight + 2);
                _svg.Text("tick", 0, at + 11, line);
                at += LineHeight;
            }

            tops[i] = at + 4;
            at += 4 + bar * _figure.Series.Count + gap;
        }

        double zero = X(Math.Clamp(0, x.Low, x.High));
        DrawSeries(categories, (series, category, point) =>
        {
            double y = tops[category] + bar * series;
            double end = X(point.Y);
            _svg.Rectangle("bar", Math.Min(zero, end), y + 0.5, Math.Max(0.5, Math.Abs(end - zero)), bar - 1, Title(series, point));
            if (point is { Low: { } low, High: { } high }) Whisker(X(low), y + bar / 2, X(high), y + bar / 2, isVertical: false);
            if (Math.Abs(end - zero) >= 14) _svg.Path("inside", SeriesStyle.Marker(Index(series), zero + (end < zero ? -7 : 7), y + bar / 2, 2.4));
            return (end, y + bar / 2);
        });
        _svg.Line("axis", zero, top, zero, height);
        if (_figure.Y.Reference is { } reference) _svg.Line("reference", X(reference), top, X(reference), height);
        if (AxisText(_figure.Y).Length == 0) return height + 22;
        _svg.Text("label", _options.Width / 2.0, height + 32, Fitting(AxisText(_figure.Y), _options.Width), "middle");
        return height + 38;
    }

    private void DrawSeries(string[] categories, Func<int, int, Point, (double X, double Y)> draw)
    {
        for (int i = 0; i < _figure.Series.Count; i++)
        {
            var series = _figure.Series[i];
            List<(double, double, Point)> drawn = [];
            _svg.Raw($"<g class=\"series c{SeriesStyle.Color(Index(i))}\" data-series=\"{PlainText.Escape(series.Name)}\">");
            foreach (var point in series.Points)
            {
                var (x, y) = draw(i, Array.IndexOf(categories, point.Category ?? ""), point);
                drawn.Add((x, y, point));
            }

            _svg.Raw("</g>");
            AddData(series, Index(i), drawn);
        }
    }

    private int Index(int series) => _options.IndexOf(_figure.Series[series].Name);

    private string Title(int series, Point point) => $"{_figure.Series[series].Name}, {PlaceText(_figure, point)}: {ValueText(_figure, point)}";

    private void Whisker(double x1, double y1, double x2, double y2, bool isVertical)
    {
        (double dx, double dy) = isVertical ? (2.5, 0.0) : (0.0, 2.5);
        _svg.Line("whisker", x1, y1, x2, y2);
        _svg.Line("whisker", x1 - dx, y1 - dy, x1 + dx, y1 + dy);
        _svg.Line("whisker", x2 - dx, y2 - dy, x2 + dx, y2 + dy);
    }

    /// <summary>For the script: name n, colour c, places x, values v, coordinates p, one after the other.</summary>
    private void AddData(Series series, int index, IEnumerable<(double X, double Y, Point Point)> drawn)
    {
        if (!_options.HasData) return;
        JsonArray x = [], v = [], p = [];
        foreach (var (px, py, point) in drawn)
        {
            x.Add(PlaceText(_figure, point));
            v.Add(ValueText(_figure, point));
            p.Add(Math.Round(px, 1));
            p.Add(Math.Round(py, 1));
        }

        _data.Add(new JsonObject { ["n"] = series.Name, ["c"] = SeriesStyle.Color(index), ["x"] = x, ["v"] = v, ["p"] = p });
    }

    /// <summary>Words in lines that are no wider than a width, unless a single word is.</summary>
    private static List<string> Wrap(string text, double width)
    {
        List<string> lines = [];
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (lines.Count > 0 && SvgBuilder.WidthOf($"{lines[^1]} {word}") <= width) lines[^1] += " " + word;
            else lines.Add(word);
        }

        return lines;
    }

    private static string Fitting(string text, double width)
    {
        while (text.Length > 2 && SvgBuilder.WidthOf(text) > width) text = PlainText.Shorten(text.TrimEnd('…'), text.TrimEnd('…').Length - 1);
        return text;
    }
}
