using System.CommandLine;
using System.Text.Json;
using NativeRlhf.Checkpoints;
using NativeRlhf.Reporting;
using NativeRlhf.Runner.Cli;
using NativeRlhf.Runner.Reproduction;
using NativeRlhf.Runner.Stages;
using Spectre.Console;

namespace NativeRlhf.Runner.Commands;

/// <summary>The paper's experiments in miniature.</summary>
internal static class ReproduceCommand
{
    private const string SettingsName = "reproduce.json";

    public static Command Create()
    {
        var command = new Command("reproduce", """
            Runs the experiments of the paper in a small world, at three model sizes: pretraining, SFT, comparisons, reward models, PPO and
            PPO-ptx, a sweep over β, and evaluations; then says which of the paper's claims hold. Interrupted, the same command continues; what
            is done already is not done again.

            Example:  nativerlhf reproduce --out runs/reproduce
            """);
        var output = new Option<string>("--out") { Description = "folder of all files", DefaultValueFactory = _ => Path.Combine("runs", "reproduce"), HelpName = "dir" };
        var sizes = new Option<string?>("--sizes") { Description = "which sizes, separated by commas (default: small,medium,large)", HelpName = "names" };
        var quick = new Option<bool>("--quick") { Description = "every stage tiny, in seconds; too short to show any effect" };
        command.Options.Add(output);
        command.Options.Add(sizes);
        command.Options.Add(quick);
        var compute = new ComputeOptions(command);
        command.SetAction(result =>
        {
            bool isQuick = result.GetValue(quick);
            var settings = Choose(isQuick ? ReproductionSettings.Quick : ReproductionSettings.Full, result.GetValue(sizes));
            string folder = result.GetValue(output)!;
            MustBeOurs(folder, isQuick);
            using var interruption = new Interruption();
            using var device = compute.Open(result);
            Console.WriteLine($"NativeRlhf {Versions.Product} on {device.Name}; ILGPU: {Versions.Ilgpu}; files: {folder}");
            ulong seed = compute.Seed(result);
            var plan = new ReproductionPlan(settings, new MethodStages(device, seed, quiet: true, interruption.Token), folder);
            try
            {
                using var runner = new StageRunner(folder, seed, Console.WriteLine, interruption.Token);
                AtomicFile.WriteText(Path.Combine(folder, SettingsName), JsonSerializer.Serialize(settings, JsonStyle.Indented) + "\n");
                runner.Run(plan.Stages);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("nativerlhf: interrupted; the same command continues");
                return ExitCodes.Interrupted;
            }

            string file = Path.Combine(folder, "study", Study.FileName);
            Print(Study.Read(file).Claims);
            string page = Path.Combine(folder, "report.html");
            Report.Read([folder]).WriteHtml(page, new ReportOptions());
            Console.WriteLine($"\nfigures, tables, claims and samples: {page} (as data: {file})");
            return ExitCodes.Done;
        });
        return command;
    }

    /// <exception cref="InputException">There is no such size.</exception>
    private static ReproductionSettings Choose(ReproductionSettings settings, string? names)
    {
        if (names is null) return settings;
        string[] wanted = names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string known = string.Join(", ", settings.Sizes.Select(size => size.Name));
        if (wanted.FirstOrDefault(name => settings.Sizes.All(size => size.Name != name)) is { } unknown) throw new InputException($"--sizes: there is no size '{unknown}'; the sizes are {known}");
        if (wanted.Length == 0) throw new InputException($"--sizes: name one or more of {known}");
        return settings with { Sizes = [.. settings.Sizes.Where(size => wanted.Contains(size.Name))] };
    }

    /// <summary>Takes a folder that is new, or one that this command made.</summary>
    /// <exception cref="InputException">The folder holds something else, or cannot be written.</exception>
    private static void MustBeOurs(string folder, bool isQuick)
    {
        string file = Path.Combine(folder, SettingsName);
        if (!File.Exists(file)) OutputFolder.MustBeNew(folder);
        else if (IsOf(file, isQuick ? ReproductionSettings.Full : ReproductionSettings.Quick))
            throw new InputException($"{folder}: holds a study made with{(isQuick ? "out" : "")} --quick, whose results would be replaced; choose another --out");
    }

    /// <summary>Whether a folder's settings are these, whatever the sizes.</summary>
    private static bool IsOf(string file, ReproductionSettings settings)
    {
        try
        {
            var found = JsonSerializer.Deserialize<ReproductionSettings>(File.ReadAllText(file), JsonStyle.Indented);
            return found is not null && Text(found) == Text(settings);
        }
        catch (JsonException)
        {
            // Of another version: neither.
            return false;
        }

        static string Text(ReproductionSettings settings) => JsonSerializer.Serialize(settings with { Sizes = [] }, JsonStyle.Indented);
    }

    private static void Print(IReadOnlyList<Claim> claims)
    {
        var table = new Table().Border(TableBorder.Rounded).ShowRowSeparators().AddColumns("the paper", "measured here", "");
        foreach (var claim in claims)
        {
            table.AddRow(Markup.Escape(claim.Source), Markup.Escape(claim.Measured.Replace("; ", "\n", StringComparison.Ordinal)), claim.Verdict switch
            {
                Verdict.Holds => "holds",
                Verdict.DoesNotHold => "does not hold",
                _ => "not measured",
            });
        }

        AnsiConsole.Write(table);
    }
}
