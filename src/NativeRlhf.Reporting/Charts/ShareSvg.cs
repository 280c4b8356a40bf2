using NativeRlhf.Reporting.Html;

namespace NativeRlhf.Reporting.Charts;

/// <summary>What a whole is made of: a part and how much it is.</summary>
/// <param name="Name">The part.</param>
/// <param name="Amount">How much, ≥ 0.</param>
internal readonly record struct Part(string Name, double Amount);

/// <summary>Draws what wholes are made of as one bar each, of equal length, with the shares in it.</summary>
internal static class ShareSvg
{
    private const double BarHeight = 18;

    /// <summary>The bars as an <c>svg</c> element.</summary>
    /// <param name="title">What they show.</param>
    /// <param name="wholes">Each whole with its parts; without an amount it is left out.</param>
    /// <param name="width">In CSS pixels.</param>
    /// <param name="indexOf">Which style a part has, by its name.</param>
    public static string Draw(string title, IReadOnlyList<(string Name, IReadOnlyList<Part> Parts)> wholes, int width, Func<string, int> indexOf)
    {
        var svg = new SvgBuilder();
        bool isNamed = wholes.Count > 1;
        double y = 2;
        foreach (var (name, parts) in wholes)
        {
            double whole = parts.Sum(part => part.Amount);
            if (whole <= 0) continue;
            if (isNamed)
            {
                svg.Text("tick", 0, y + 10, PlainText.Shorten(name, (int)(width / 8.0)));
                y += 14;
            }

            double x = 0;
            foreach (var part in parts)
            {
                double length = width * part.Amount / whole;
                string share = Numbers.Value(part.Amount / whole, "%");
                svg.Raw($"<g class=\"c{SeriesStyle.Color(indexOf(part.Name))}\">");
                svg.Rectangle("bar", x, y, Math.Max(0, length - 1), BarHeight, $"{(isNamed ? name + ", " : "")}{part.Name}: {share}, {Numbers.Duration(part.Amount)}");
                string text = FormattableString.Invariant($"{100 * part.Amount / whole:0} %");
                if (SvgBuilder.WidthOf(text) + 8 < length) svg.Text("onbar", x + length / 2, y + 13, text, "middle");
                svg.Raw("</g>");
                x += length;
            }

            y += BarHeight + 8;
        }

        return $"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {Numbers.Coordinate(y)}\" role=\"img\" aria-label=\"Bars: {PlainText.Escape(title)}\">{svg}</svg>";
    }
}
