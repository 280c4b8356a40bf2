using System.Text.RegularExpressions;

namespace NativeRlhf.Runner.Tests;

/// <summary>The README and the pages name every command of the runner, and what they tell users to type is understood.</summary>
public partial class DocumentedCommandsTests
{
    private static readonly string Root = FindRoot();
    private static readonly Dictionary<string, string> Helps = [];

    private static string[] Pages => [Path.Combine(Root, "README.md"), .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md")];

    [Test]
    public void EveryCommandStandsInAPage()
    {
        string text = string.Join('\n', Pages.Select(File.ReadAllText));
        string[] commands = [.. Commands()];
        Assert.That(commands, Has.Length.GreaterThan(10), "the commands that --help lists");
        Assert.That(commands.Where(name => !Regex.IsMatch(text, $@"`{name}( [a-z]+)?`|nativerlhf {name}\b|-- {name}\b")), Is.Empty, "commands that no page names");
    }

    [Test]
    public void WhatThePagesTellUsersToTypeIsUnderstood()
    {
        string[] commands = [.. Commands()];
        Assert.Multiple(() =>
        {
            foreach (string page in Pages)
            {
                foreach (string line in CommandLines(File.ReadAllLines(page)))
                {
                    string name = line.Split(' ')[1];
                    string place = $"{Path.GetFileName(page)}: {line}";
                    Assert.That(commands, Does.Contain(name), place);
                    string help = Help(name, Subcommand().Match(line) is { Success: true } match ? match.Groups[1].Value : null);
                    foreach (Match option in OptionName().Matches(Quoted().Replace(line, "TEXT")))
                        Assert.That(help, Does.Contain(option.Value.Trim()), place);
                }
            }
        });
    }

    private static IEnumerable<string> Commands() =>
        Help("", null).Split("Commands:")[1].Split('\n').Select(line => CommandName().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value);

    private static string Help(string command, string? subcommand)
    {
        string key = $"{command} {subcommand}";
        if (!Helps.TryGetValue(key, out string? text))
        {
            var result = RunnerProcess.Run(Root, [.. new[] { command, subcommand }.OfType<string>().Where(part => part.Length > 0), "--help"]);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Helps[key] = text = result.Output;
        }

        return text;
    }

    /// <summary>Lines of blocks of code that begin with the runner's name.</summary>
    private static IEnumerable<string> CommandLines(string[] lines)
    {
        bool isCode = false;
        foreach (string line in lines)
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) isCode = !isCode;
            else if (isCode && line.StartsWith("nativerlhf ", StringComparison.Ordinal)) yield return line;
        }
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "NativeRlhf.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("the tests run outside of the repository");
    }

    [GeneratedRegex(@"^  ([a-z][a-z0-9-]*)(\s|$)")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"^nativerlhf (?:tokenizer|eval|kernels) ([a-z-]+)")]
    private static partial Regex Subcommand();

    [GeneratedRegex(@"(?<= )--[a-z][a-z-]*")]
    private static partial Regex OptionName();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();
}
