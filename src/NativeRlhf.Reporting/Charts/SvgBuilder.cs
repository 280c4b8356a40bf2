using System.Text;
using NativeRlhf.Reporting.Html;

namespace NativeRlhf.Reporting.Charts;

/// <summary>Writes the parts that charts are made of.</summary>
internal sealed class SvgBuilder
{
    /// <summary>The size of text.</summary>
    public const double FontSize = 11;

    private readonly StringBuilder _text = new();

    /// <summary>How wide a text is at most in the fonts that browsers take for sans-serif; DejaVu Sans is the widest of them.</summary>
    /// <param name="text">The text.</param>
    public static double WidthOf(string text) => FontSize * text.Sum(c => c switch
    {
        >= '0' and <= '9' => 0.64,
        ' ' or '.' or ',' or '\u00a0' or 'i' or 'l' or 'I' or 'j' or '\'' or '|' => 0.36,
        '\u2009' => 0.25,
        'm' or 'M' or 'w' or 'W' or '%' or '@' => 1,
        < '\u0250' => 0.66,
        _ => 1,
    });

    /// <summary>What was written.</summary>
    public override string ToString() => _text.ToString();

    public void Raw(string markup) => _text.Append(markup);

    public void Line(string @class, double x1, double y1, double x2, double y2) =>
        _text.Append($"<line class=\"{@class}\" x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\"/>");

    public void Text(string @class, double x, double y, string text, string? anchor = null) =>
        _text.Append($"<text class=\"{@class}\" x=\"{N(x)}\" y=\"{N(y)}\"{(anchor is null ? "" : $" text-anchor=\"{anchor}\"")}>{PlainText.Escape(text)}</text>");

    public void Path(string @class, string path, string? title = null) =>
        _text.Append($"<path class=\"{@class}\" d=\"{path}\"").Append(title is null ? "/>" : $"><title>{PlainText.Escape(title)}</title></path>");

    public void Rectangle(string @class, double x, double y, double width, double height, string? title = null) =>
        _text.Append($"<rect class=\"{@class}\" x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(width)}\" height=\"{N(height)}\"").Append(title is null ? "/>" : $"><title>{PlainText.Escape(title)}</title></rect>");

    public void Polyline(string @class, IEnumerable<(double X, double Y)> points, string? dash, string? title = null) =>
        _text.Append($"<polyline class=\"{@class}\"{(dash is null ? "" : $" stroke-dasharray=\"{dash}\"")} points=\"{Points(points)}\"").Append(title is null ? "/>" : $"><title>{PlainText.Escape(title)}</title></polyline>");

    public void Polygon(string @class, IEnumerable<(double X, double Y)> points) => _text.Append($"<polygon class=\"{@class}\" points=\"{Points(points)}\"/>");

    private static string Points(IEnumerable<(double X, double Y)> points) => string.Join(' ', points.Select(point => $"{N(point.X)},{N(point.Y)}"));

    private static string N(double value) => Numbers.Coordinate(value);
}
