using NativeRlhf.Runner.Cli;
using NativeRlhf.Training;
using Spectre.Console;

namespace NativeRlhf.Runner.Tests;

/// <summary>The live panel and the lines in its place.</summary>
public sealed class TerminalTests
{
    [TestCase("▁▂▃▄▅▆▇█", new[] { 0.0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase("█▁", new[] { 1.0, -1 })]
    [TestCase("▅▅▅", new[] { 3.0, 3, 3 })]
    [TestCase("▁ █", new[] { 0, double.NaN, 1 })]
    [TestCase("  ", new[] { double.NaN, double.PositiveInfinity })]
    [TestCase("", new double[0])]
    public void Bars_go_from_the_smallest_to_the_greatest(string drawn, double[] values) =>
        Assert.That(Sparkline.Draw(values, 20), Is.EqualTo(drawn));

    [Test]
    public void More_numbers_than_there_is_room_for_become_means()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Sparkline.Draw([0, 2, 4, 6, 100, 110], 3), Is.EqualTo("▁▁█"));
            Assert.That(Sparkline.Draw([0, 1], 2, unicode: false), Is.EqualTo("_#"));
            Assert.That(Sparkline.Draw([1, 2, 3], 0), Is.Empty);
            Assert.That(Sparkline.Draw([.. Enumerable.Range(0, 1000).Select(i => (double)i)], 33), Has.Length.EqualTo(33));
        });
    }

    [TestCase(double.NaN, "NaN")]
    [TestCase(0, "0")]
    [TestCase(-0.00012, "-1.2e-4")]
    [TestCase(0.5, "0.500")]
    [TestCase(31.456, "31.46")]
    [TestCase(-456.78, "-456.8")]
    [TestCase(1234567, "1,234,567")]
    public void Numbers_are_short(double value, string shown) => Assert.That(RunPanel.Format(value), Is.EqualTo(shown));

    [Test]
    public void No_line_of_the_panel_is_longer_than_the_terminal([Values(12, 30, 60, 80, 200)] int width, [Values] bool unicode)
    {
        string[] lines = Render(Ppo(300), width, 40, unicode);
        Assert.Multiple(() =>
        {
            Assert.That(lines.Max(line => line.Length), Is.LessThanOrEqualTo(width));
            Assert.That(lines, Has.Length.EqualTo(3 + 10), "frame, head, and one line for each number: nothing wraps");
            if (!unicode) Assert.That(lines.SelectMany(line => line).All(char.IsAscii));
        });
    }

    [Test]
    public void The_panel_has_the_numbers_that_matter_and_how_they_went()
    {
        string text = string.Join('\n', Render(Ppo(300), 80, 40, true));
        Assert.Multiple(() =>
        {
            foreach (string shown in new[] { "─ppo─", "step 300 of 600", "ETA 00:05:00", "1,000 tokens/s", "score", "KL", "entropy", "length", "ended", "held-out score" })
                Assert.That(text, Does.Contain(shown));
            Assert.That(text, Does.Contain("▁").And.Contain("█"));
            Assert.That(text, Does.Not.Contain("objective/"));
        });
    }

    [Test]
    public void A_low_terminal_shows_the_first_numbers()
    {
        string[] lines = Render(Ppo(10), 80, 10, true);
        Assert.That(lines, Has.Length.LessThan(10));
        Assert.That(string.Join('\n', lines), Does.Contain("score"));
    }

    [Test]
    public void The_bar_fills_and_makes_way_for_the_words([Values(20, 40, 60, 100)] int width)
    {
        string head = RunPanel.Head(Ppo(150), width, unicode: true);
        Assert.Multiple(() =>
        {
            Assert.That(head, Has.Length.LessThanOrEqualTo(width).And.Contains("step 150 of 600"));
            if (width == 100) Assert.That(head.Count(c => c == '█') / (double)head.Count(c => c is '█' or '░'), Is.EqualTo(0.25).Within(0.03));
        });
    }

    [Test]
    public void A_resumed_run_is_timed_from_where_it_began()
    {
        var progress = new RunProgress("sft");
        progress.Add(Report(51, 100, ("loss", 2)), elapsed: 2);
        Assert.Multiple(() =>
        {
            Assert.That(progress.Left, Is.EqualTo(TimeSpan.FromSeconds(98)));
            Assert.That(progress.Line(Report(51, 100, ("loss", 2)).Metrics), Is.EqualTo("sft 51/100  loss 2.000  1000 tokens/s  ETA 00:01:38"));
            Assert.That(RunProgress.Duration(TimeSpan.FromHours(49)), Is.EqualTo("49:00:00"));
        });
    }

    [Test]
    public void Only_the_last_steps_are_kept()
    {
        var progress = new RunProgress("sft");
        for (int step = 1; step <= 1000; step++) progress.Add(Report(step, 1000, ("loss", step)), step);
        var (label, values) = progress.Numbers.Single();
        Assert.Multiple(() =>
        {
            Assert.That(label, Is.EqualTo("loss"));
            Assert.That(values, Has.Count.EqualTo(RunProgress.Kept));
            Assert.That(values[^1], Is.EqualTo(1000));
        });
    }

    private static string[] Render(RunProgress progress, int width, int height, bool unicode)
    {
        using var writer = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = unicode;
        console.Write(RunPanel.Render(progress, width, height, unicode));
        return [.. writer.ToString().Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0)];
    }

    private static RunProgress Ppo(int steps)
    {
        var progress = new RunProgress("ppo");
        for (int step = 1; step <= steps; step++)
        {
            progress.Add(
                Report(step, 600, ("objective/scores", Math.Log(step)), ("objective/kl", step / 10.0), ("objective/entropy", 40 - step / 20.0), ("response/length", 12345678.9),
                    ("response/eos_fraction", 0.9), ("policy/clipfrac", 1e-5), ("loss/value", step % 7), ("loss/ptx", double.NaN), ("grad_norm", 1), ("eval/scores", -1), ("loss/policy", 3)),
                step);
        }

        return progress;
    }

    private static StepReport Report(long step, long steps, params (string Name, double Value)[] metrics)
    {
        var all = new Metrics { ["tokens_per_second"] = 1000 };
        foreach (var (name, value) in metrics) all[name] = value;
        return new StepReport(step, steps, all);
    }
}
