using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NativeRlhf.Runner.Cli;

/// <summary>The panel that shows a run on a terminal: how far it is, and each number that matters with how it went.</summary>
internal static class RunPanel
{
    private const int Frame = 4, Gap = 2, LeastSparkline = 8, MostBar = 40;

    /// <summary>A number of the panel.</summary>
    /// <param name="Label">What it is, padded.</param>
    /// <param name="Value">Its latest value, padded.</param>
    /// <param name="Sparkline">How it went; empty where there is no room.</param>
    public readonly record struct Row(string Label, string Value, string Sparkline);

    /// <summary>The panel.</summary>
    /// <param name="progress">The run, with at least one step.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="height">Rows of the terminal; numbers that do not fit are left out, the last first.</param>
    /// <param name="unicode">Whether the terminal shows block elements.</param>
    public static IRenderable Render(RunProgress progress, int width, int height, bool unicode)
    {
        int inside = Math.Max(1, width - Frame);
        // Frame, head and a line for the cursor.
        var rows = Rows(progress, inside, unicode).Take(Math.Max(1, height - 4));
        var lines = rows.Select(row => (IRenderable)new Markup($"{Markup.Escape(row.Label)}[bold]{Markup.Escape(row.Value)}[/][aqua]{Markup.Escape(row.Sparkline)}[/]").Overflow(Overflow.Crop));
        return new Panel(new Rows([new Text(Head(progress, inside, unicode)).Overflow(Overflow.Crop), .. lines]))
        {
            Header = new PanelHeader(Markup.Escape(progress.Name)),
            Border = unicode ? BoxBorder.Rounded : BoxBorder.Ascii,
            Width = width,
        };
    }

    /// <summary>A bar, the steps, the time left and the speed, as far as there is room for them in this order: steps, time, speed, bar.</summary>
    /// <param name="progress">The run.</param>
    /// <param name="width">The most characters.</param>
    /// <param name="unicode">Block elements, else ASCII.</param>
    public static string Head(RunProgress progress, int width, bool unicode)
    {
        string[] parts =
        [
            string.Create(CultureInfo.InvariantCulture, $"step {progress.Step:N0} of {progress.Steps:N0}"),
            $"ETA {RunProgress.Duration(progress.Left)}",
            string.Create(CultureInfo.InvariantCulture, $"{progress.TokensPerSecond:N0} tokens/s"),
        ];
        string text = parts[0];
        foreach (string part in parts.Skip(1))
        {
            if (text.Length + Gap + part.Length <= width) text += new string(' ', Gap) + part;
        }

        int room = Math.Min(MostBar, width - text.Length - Gap);
        if (room < LeastSparkline) return text.Length <= width ? text : text[..width];
        int done = progress.Steps > 0 ? (int)(room * progress.Step / progress.Steps) : 0;
        return $"{new string(unicode ? '█' : '#', done)}{new string(unicode ? '░' : '.', room - done)}{new string(' ', Gap)}{text}";
    }

    /// <summary>The numbers in columns; no row is longer than the width.</summary>
    /// <param name="progress">The run.</param>
    /// <param name="width">The most characters.</param>
    /// <param name="unicode">Block elements, else ASCII.</param>
    public static IReadOnlyList<Row> Rows(RunProgress progress, int width, bool unicode)
    {
        var numbers = progress.Numbers.Select(number => (number.Label, Value: Format(number.Values[^1]), number.Values)).ToList();
        if (numbers.Count == 0) return [];
        int label = Math.Min(numbers.Max(number => number.Label.Length) + Gap, width);
        int value = Math.Min(numbers.Max(number => number.Value.Length), width - label);
        int room = width - label - value - Gap;
        return [.. numbers.Select(number => new Row(
            Fit(number.Label, label), Fit(number.Value.PadLeft(value), value),
            room >= LeastSparkline ? new string(' ', Gap) + Sparkline.Draw(number.Values, room, unicode) : ""))];

        static string Fit(string text, int width) => text.Length > width ? text[..width] : text.PadRight(width);
    }

    /// <summary>A number with four digits or so.</summary>
    public static string Format(double value)
    {
        string format = Math.Abs(value) switch
        {
            0 => "0",
            >= 10_000 => "N0",
            >= 100 => "0.0",
            >= 10 => "0.00",
            >= 0.01 => "0.000",
            _ => "0.0e+0",
        };
        return value.ToString(format, CultureInfo.InvariantCulture);
    }
}
