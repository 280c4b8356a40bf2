using System.CommandLine;
using NativeRlhf.Checkpoints;
using NativeRlhf.Reporting;
using NativeRlhf.Reporting.Runs;
using NativeRlhf.Runner.Cli;

namespace NativeRlhf.Runner.Commands;

/// <summary>Runs and studies as one HTML file.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var command = new Command("report", """
            Writes one HTML file, which needs no network: curves, samples and configurations of runs of any trainer, finished or not,
            laid over each other; and the claims and figures of a study. A folder above several runs stands for all of them.

            Example:  nativerlhf report runs/ppo-1 runs/ppo-2 --out report.html
            """);
        var runs = new Argument<string[]>("RUN") { Description = "folders of runs, of a study, or above runs", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string?>("--out") { Description = "file to write; report.html in the folder if there is one, else here", HelpName = "file" };
        var title = new Option<string?>("--title") { Description = "title of the page", HelpName = "text" };
        var axis = new Option<CurveAxis>("--x") { Description = "what curves are drawn over: step, tokens, time", HelpName = "step|tokens|time", DefaultValueFactory = _ => CurveAxis.Step };
        var smoothing = new Option<double>("--smoothing") { Description = "weight of the moving average over long curves, below 1; 0 for none", HelpName = "x", DefaultValueFactory = _ => 0.6 };
        var svg = new Option<string?>("--svg") { Description = "write these metrics as one SVG instead; name=target marks a value", HelpName = "metric,…" };
        command.Arguments.Add(runs);
        foreach (Option option in new Option[] { output, title, axis, smoothing, svg }) command.Options.Add(option);
        command.SetAction(result =>
        {
            string[] folders = result.GetValue(runs)!;
            double weight = result.GetValue(smoothing);
            if (!(weight >= 0 && weight < 1)) throw new InputException(FormattableString.Invariant($"--smoothing {weight}: must be from 0 to below 1"));
            var options = new ReportOptions { Title = result.GetValue(title), Axis = result.GetValue(axis), Smoothing = weight };
            string? metrics = result.GetValue(svg);
            string file = result.GetValue(output) ?? Path.Combine(folders.Length == 1 ? folders[0] : "", metrics is null ? "report.html" : "curves.svg");
            if (Directory.Exists(file)) throw new InputException($"--out {file}: is a folder; name a file");
            OutputFolder.MustBeWritable(file);
            var report = Report.Read(folders);
            if (metrics is null) report.WriteHtml(file, options);
            else AtomicFile.WriteText(file, report.ToSvg(metrics.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), options));
            Console.WriteLine($"{file}: {Counted(report.RunCount, "run", "runs")}{(report.StudyCount > 0 ? ", " + Counted(report.StudyCount, "study", "studies") : "")}");
            return ExitCodes.Done;
        });
        return command;

        static string Counted(int count, string one, string many) => FormattableString.Invariant($"{count} {(count == 1 ? one : many)}");
    }
}
