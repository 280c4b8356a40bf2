using System.Text;
using NativeRlhf.Reporting.Html;

namespace NativeRlhf.Reporting.Charts;

/// <summary>Figures one below the other as one SVG file, which needs no style sheet.</summary>
internal static class StandaloneSvg
{
    private const int Width = 720, PanelHeight = 220, TitleHeight = 22, Margin = 12;

    /// <summary>The file's content, on white.</summary>
    /// <param name="figures">The figures.</param>
    /// <param name="indexOf">Which style a series has, by its name.</param>
    /// <param name="smoothing">See <see cref="ChartOptions.Smoothing"/>, by figure.</param>
    public static string Draw(IReadOnlyList<Figure> figures, Func<string, int> indexOf, Func<Figure, double> smoothing)
    {
        var body = new SvgBuilder();
        double y = Margin;
        string[] names = [.. figures.SelectMany(figure => figure.Series).Select(series => series.Name).Distinct()];
        if (names.Length > 1)
        {
            double x = Margin;
            foreach (string name in names)
            {
                double width = SvgBuilder.WidthOf(name) + 46;
                if (x > Margin && x + width > Width) (x, y) = (Margin, y + 18);
                int index = indexOf(name);
                body.Raw($"<g class=\"series c{SeriesStyle.Color(index)}\">");
                body.Polyline("line", [(x, y + 6), (x + 26, y + 6)], SeriesStyle.Dash(index));
                body.Raw("</g>");
                body.Text("label", x + 32, y + 10, name);
                x += width;
            }

            y += 26;
        }

        foreach (var figure in figures)
        {
            body.Text("title", Margin, y + 12, figure.Title);
            string panel = ChartSvg.Draw(figure, new ChartOptions(Width - 2 * Margin, PanelHeight, indexOf) { Smoothing = smoothing(figure), HasData = false });
            body.Raw(panel.Replace("<svg ", FormattableString.Invariant($"<svg x=\"{Margin}\" y=\"{y + TitleHeight}\" width=\"{Width - 2 * Margin}\" height=\"{PanelHeight}\" "), StringComparison.Ordinal));
            y += TitleHeight + PanelHeight + 14;
        }

        var style = new StringBuilder("""
            text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;fill:#4b5560}.title{font-size:13px;font-weight:600;fill:#14181d}.label{fill:#4b5560}.grid{stroke:#e5e8eb}.axis{stroke:#98a2ad}.reference{stroke:#5d6772;stroke-dasharray:5 4}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}.smoothed .line:not(.smooth){stroke-width:1;opacity:.3;stroke-dasharray:none}.band,.bar{stroke:none}.band{opacity:.15}.marker{stroke:none}.whisker{stroke-width:1.2}.inside,.ground{fill:#fff}
            """);
        for (int i = 0; i < SeriesStyle.Colors; i++) style.Append($".c{i} .line,.c{i} .whisker{{stroke:{SeriesStyle.Light[i]}}}.c{i} .marker,.c{i} .bar,.c{i} .band{{fill:{SeriesStyle.Light[i]}}}");
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Numbers.Coordinate(y)}\">\n<title>{PlainText.Escape(string.Join(", ", figures.Select(figure => figure.Title)))}</title>\n<style>{style}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body.ToString().Replace("<g ", "\n<g ", StringComparison.Ordinal)}\n</svg>\n";
    }
}
